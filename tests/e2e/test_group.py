"""The consumer group: replicas that vanish, stand still, come and go, and offsets that an operator sets."""

import collections
import signal
import time

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition

from harness import newer_librdkafka
from harness.daemon import Daemon
from harness.texts import make_inputs
from harness.waiting import wait_for

SESSION_S = 6  # the shortest that Kafka allows
CONCURRENCY = 6
JOINS = 6


@pytest.fixture
def config(deployment):
    deployment.redis.start()
    return deployment.config(
        kafka={"properties": {"session": {"timeout": {"ms": SESSION_S * 1000}}, "heartbeat": {"interval": {"ms": 500}}}},
        limits={"concurrency": CONCURRENCY},
    )


@pytest.fixture(params=["eager", "cooperative"])
def two_replicas(request, deployment, config, tmp_path):
    """Under Debian's librdkafka, and under the Python client's, which is new enough to rebalance cooperatively."""
    within = newer_librdkafka.within(tmp_path) if request.param == "cooperative" else ()
    deployment.twin.start(latency="uniform:100-300")
    daemons = deployment.start(2, config, within=within)
    assert newer_librdkafka.is_used_by(daemons[0]) == (request.param == "cooperative")
    return daemons


def ask(deployment, count, seed):
    inputs = make_inputs(count, seed=seed, most_bytes=500, prefix=f"s{seed}")
    deployment.ask(inputs)
    return {value["id"] for value in inputs}


def until_answered(results, wanted):
    results.until(lambda records: {record.json["id"] for record in records} >= wanted, 120, "a result for every item")


def test_a_killed_replica_that_does_not_come_back(deployment, config):
    deployment.twin.start(latency="uniform:100-300")
    deployment.start(3, config)
    results = deployment.topics.reader(deployment.topics.results)
    wanted = ask(deployment, 600, seed=31)
    results.until_count(100, 60)

    deployment.daemons.pop(0).kill()
    killed = time.monotonic()
    deployment.wait_until_assigned()

    assert time.monotonic() - killed < SESSION_S + 5
    deployment.finish(results, wanted)


def test_a_replica_that_stands_still_and_goes_on(deployment, two_replicas):
    results = deployment.topics.reader(deployment.topics.results)
    wanted = ask(deployment, 400, seed=32)
    results.until_count(100, 60)

    zombie = two_replicas[0]
    zombie.send(signal.SIGSTOP)
    until_answered(results, wanted)
    deployment.wait_until_done()
    zombie.send(signal.SIGCONT)
    committed = deployment.topics.committed(deployment.topics.requests)
    deployment.wait_until_assigned()

    wanted |= ask(deployment, 100, seed=33)
    deployment.finish(results, wanted)
    for partition, offset in deployment.topics.committed(deployment.topics.requests).items():
        assert offset >= committed[partition]
    # Calls of the one that stood still run on while their permits go to the other.
    assert deployment.twin.summary()["highest_concurrency"] <= 2 * CONCURRENCY


def test_replicas_that_come_and_go_all_the_time(deployment, config, two_replicas):
    results = deployment.topics.reader(deployment.topics.results)
    wanted = set()
    for number in range(JOINS):
        wanted |= ask(deployment, 100, seed=40 + number)
        guest = Daemon(deployment.folder, f"guest-{number}", config, within=two_replicas[0].within)
        guest.start()
        try:
            wait_for(lambda: guest.status().get("assigned"), 60, "the guest has partitions")
        finally:
            # The group notices when its session has expired, in the midst of the next one's coming.
            guest.kill()

    deployment.finish(results, wanted)


def set_offsets(deployment, offset_by_partition, metadata=""):
    """As an operator does, while no replica is running."""
    topics = deployment.topics
    offsets = [TopicPartition(topics.requests, *place, metadata) for place in offset_by_partition.items()]
    admin = deployment.kafka.admin()

    def is_set():
        request = ConsumerGroupTopicPartitions(topics.group, offsets)
        try:
            done = admin.alter_consumer_group_offsets([request], request_timeout=5)[topics.group].result(timeout=20)
        except KafkaException:
            return False
        # The group has its member until the session expires.
        return all(each.error is None for each in done.topic_partitions)

    wait_for(is_set, 60, "the offsets are set")


@pytest.mark.parametrize("metadata", ["", "no map at all", "9:AAAA", "1:" + "A" * 4000], ids=["none", "words", "newer", "long"])
def test_offsets_set_to_the_earliest(deployment, config, metadata):
    """Everything is answered again with the same ids, and nothing is paid again."""
    deployment.twin.start(latency_ms=20)
    deployment.start(1, config)
    results = deployment.topics.reader(deployment.topics.results)
    wanted = ask(deployment, 100, seed=34)
    until_answered(results, wanted)
    deployment.wait_until_done()
    deployment.stop()

    set_offsets(deployment, dict.fromkeys(range(deployment.topics.partitions), 0), metadata)
    deployment.daemons[0].start()

    results.until_count(2 * len(wanted), 60)
    records = deployment.finish(results, wanted)
    assert collections.Counter(record.json["id"] for record in records) == {id: 2 for id in wanted}
    assert all(counts["asked"] == 1 for counts in deployment.twin.items().values())


def test_offsets_set_to_the_latest(deployment, config):
    """What the operator skips is skipped, and the work goes on behind it."""
    deployment.twin.start(latency="uniform:200-400")
    deployment.start(1, config)
    results = deployment.topics.reader(deployment.topics.results)
    skipped = ask(deployment, 2000, seed=35)
    results.until_count(20, 60)
    deployment.stop()
    answered = {record.json["id"] for record in results.to_the_end()}
    assert answered < skipped

    set_offsets(deployment, deployment.topics.ends(deployment.topics.requests))
    deployment.daemons[0].start()
    deployment.wait_until_assigned()

    deployment.finish(results, answered | ask(deployment, 50, seed=36))
