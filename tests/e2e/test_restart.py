"""Replicas that end in the middle of their work and come back: nothing is lost, repeats carry the same id."""

import collections
import os

from harness.deployment import MAX_BATCH_ITEMS
from harness.texts import make_inputs

COUNT = 600
CONCURRENCY = 5
TERMINATIONS = int(os.environ.get("TERMINATION_ROUNDS", "10"))


def ids(records):
    return collections.Counter(record.json["id"] for record in records)


def without_repeats(records):
    """What a consumer keeps that drops messages whose llmbatch-id it has seen."""
    return list({record.message_id: record for record in records}.values())


def begin(deployment, replicas):
    """Starts the work and waits until a quarter of it is done; gives the results' reader and the inputs' ids."""
    deployment.redis.start()
    deployment.twin.start(latency="uniform:100-300")
    deployment.start(replicas)
    inputs = make_inputs(COUNT, seed=2, most_bytes=2000)
    deployment.ask(inputs)
    results = deployment.topics.reader(deployment.topics.results)
    results.until_count(COUNT // 4, 60)
    return results, {value["id"] for value in inputs}


def finish(deployment, results, wanted):
    """Waits for a result of every item, stops the replicas and gives everything that was published."""
    results.until(lambda records: len(ids(records)) == len(wanted), 120, "a result for every item")
    deployment.wait_until_done()
    deployment.stop()
    return results.to_the_end()


def test_kill_9_of_one_replica(deployment):
    results, wanted = begin(deployment, replicas=2)

    victim = deployment.daemons[0]
    victim.kill()
    victim.start()
    records = finish(deployment, results, wanted)

    assert set(ids(records)) == wanted
    assert ids(without_repeats(records)) == {id: 1 for id in wanted}
    assert all(record.json["status"] == "ok" for record in records)


def test_kill_9_pays_again_only_for_calls_in_flight(deployment):
    results, wanted = begin(deployment, replicas=1)

    deployment.daemons[0].kill()
    deployment.daemons[0].start()
    finish(deployment, results, wanted)

    asked_again = sum(counts["asked"] - 1 for counts in deployment.twin.items().values())
    assert asked_again <= CONCURRENCY * MAX_BATCH_ITEMS


def test_terminate_and_start_again(deployment):
    results, wanted = begin(deployment, replicas=1)

    assert deployment.daemons[0].stop() == 0
    at_stop = len(results.to_the_end())
    deployment.daemons[0].start()
    records = finish(deployment, results, wanted)

    assert at_stop < COUNT
    assert ids(records) == {id: 1 for id in wanted}
    assert all(counts["asked"] == 1 for counts in deployment.twin.items().values())


def test_terminate_one_of_two_again_and_again(deployment):
    """Each time it ends in time with what it has begun: nothing is asked twice, nothing is published twice."""
    deployment.redis.start()
    deployment.twin.start(latency="uniform:100-300")
    deployment.start(2)
    results = deployment.topics.reader(deployment.topics.results)
    inputs = make_inputs(TERMINATIONS * 60, seed=3, most_bytes=500)
    for number in range(TERMINATIONS):
        deployment.ask(inputs[number * 60 : (number + 1) * 60])
        results.until_count(number * 60 + 20, 60)
        leaving = deployment.daemons[number % 2]
        assert leaving.stop() == 0
        leaving.start()
    records = finish(deployment, results, {value["id"] for value in inputs})

    assert ids(records) == {value["id"]: 1 for value in inputs}
    assert all(counts["asked"] == 1 for counts in deployment.twin.items().values())
