"""Servers that go away and come back: the work goes on afterwards, and nothing is lost."""

import pytest

from harness.deployment import Deployment
from harness.kafka import Kafka
from harness.texts import make_inputs
from harness.waiting import wait_for

COUNT = 400
CONCURRENCY = 5


def begin(deployment, replicas=1):
    """Starts the work and waits until a quarter of it is done; gives the results' reader and the inputs' ids."""
    deployment.redis.start()
    deployment.twin.start(latency="uniform:500-1000")
    deployment.start(replicas)
    inputs = make_inputs(COUNT, seed=10, most_bytes=2000)
    deployment.ask(inputs)
    results = deployment.topics.reader(deployment.topics.results)
    results.until_count(COUNT // 4, 60)
    return results, {value["id"] for value in inputs}


def test_redis_away_for_a_while(deployment):
    results, wanted = begin(deployment, replicas=2)

    deployment.redis.stop()
    for daemon in deployment.daemons:
        wait_for(lambda: daemon.status().get("degraded"), 30, "the replica tells that it is degraded")
    so_far = len(results.to_the_end())
    results.until(lambda records: len(records) > so_far, 60, "results without Redis")
    deployment.redis.start()
    for daemon in deployment.daemons:
        wait_for(lambda: "permits" not in daemon.status()["degraded"], 60, "the replica shares its limit again")
    # A replica learns that the ledger answers when it next asks it.
    more = make_inputs(40, seed=14, most_bytes=500, prefix="more")
    deployment.ask(more)
    wanted |= {value["id"] for value in more}
    for daemon in deployment.daemons:
        wait_for(lambda: daemon.status().get("degraded") == [], 60, "the replica is well again")

    deployment.finish(results, wanted)
    assert deployment.twin.summary()["highest_concurrency"] <= CONCURRENCY


def test_redis_that_lost_its_data(deployment):
    results, wanted = begin(deployment, replicas=2)
    learnt = {daemon: daemon.metric("llmbatchd_permits_learnt_total") for daemon in deployment.daemons}

    deployment.redis.connection().flushall()

    for daemon, before in learnt.items():
        wait_for(lambda daemon=daemon, before=before: daemon.metric("llmbatchd_permits_learnt_total") == before + 1, 30, "it is counted")
    deployment.finish(results, wanted)


def test_redis_that_lost_its_last_writes(deployment):
    """As after a crash of its machine: its log ends somewhere before."""
    results, wanted = begin(deployment, replicas=2)

    deployment.redis.kill()
    deployment.redis.cut_log(share=0.3)
    deployment.redis.start()

    deployment.finish(results, wanted)
    assert deployment.twin.summary()["highest_concurrency"] <= CONCURRENCY


def test_redis_that_stands_still_again_and_again(deployment):
    results, wanted = begin(deployment, replicas=2)

    for count in range(COUNT // 4, COUNT, COUNT // 8):
        deployment.redis.connection().client_pause(500)
        results.until_count(count, 60)

    deployment.finish(results, wanted)
    assert deployment.twin.summary()["highest_concurrency"] <= CONCURRENCY


def test_redis_away_at_the_start(deployment):
    deployment.twin.start(latency_ms=20)
    deployment.start()
    inputs = make_inputs(40, seed=12, most_bytes=500)
    deployment.ask(inputs)
    deployment.redis.start()

    results = deployment.topics.reader(deployment.topics.results)
    deployment.finish(results, {value["id"] for value in inputs})


def test_provider_away_at_the_start(deployment):
    deployment.redis.start()
    deployment.start()
    inputs = make_inputs(40, seed=13, most_bytes=500)
    deployment.ask(inputs)
    daemon = deployment.daemons[0]
    wait_for(lambda: daemon.metric("llmbatchd_provider_requests_total") >= 1, 30, "a call was tried")
    deployment.twin.start(latency_ms=20)

    results = deployment.topics.reader(deployment.topics.results)
    deployment.finish(results, {value["id"] for value in inputs})


@pytest.fixture
def deployment_with_own_kafka(tmp_path):
    """A deployment on a broker that the test may stop."""
    broker = Kafka(tmp_path / "kafka")
    made = None
    try:
        broker.start()
        made = Deployment(broker, tmp_path / "deployment")
        yield made
    finally:
        if made:
            made.close()
        broker.close()


def test_kafka_away_for_a_while(deployment_with_own_kafka):
    deployment = deployment_with_own_kafka
    results, wanted = begin(deployment)

    deployment.kafka.stop()
    assert deployment.daemons[0].is_running()
    deployment.kafka.start()

    deployment.finish(results, wanted)
