"""Redis and the daemon with too little of something: memory, disk, descriptors. The work goes on, and nothing is lost."""

import collections
import os

import pytest

from harness.deployment import TASK
from harness.texts import make_inputs
from harness.waiting import wait_for

COUNT = 300
CONCURRENCY = 5


def begin(deployment, **redis):
    """Starts the work and waits until some of it is done; gives the results' reader and the inputs' ids."""
    deployment.redis.start(**redis)
    deployment.twin.start(latency="uniform:300-600")
    deployment.start(2, deployment.config(limits={"concurrency": CONCURRENCY}, tasks={TASK: {"max_batch_items": 5}}))
    inputs = make_inputs(COUNT, seed=31, most_bytes=500)
    deployment.ask(inputs)
    results = deployment.topics.reader(deployment.topics.results)
    results.until_count(COUNT // 10, 60)
    return results, {value["id"] for value in inputs}


def assert_goes_on_while(deployment, results, reason):
    """Every replica tells that the ledger is away, and items are answered all the same."""
    for daemon in deployment.daemons:
        wait_for(lambda daemon=daemon: "ledger" in daemon.status().get("degraded", ()), 30,
                 lambda daemon=daemon: f"{reason}: {daemon.status().get('degraded')}")  # fmt: skip
    so_far = len(results.to_the_end())
    results.until(lambda records: len(records) > so_far + 10, 60, f"results while {reason}")
    for daemon in deployment.daemons:
        assert daemon.metric("llmbatchd_ledger_failures_total", operation="store") > 0


def assert_finishes_with_the_shared_limit(deployment, results, wanted):
    for daemon in deployment.daemons:
        wait_for(lambda daemon=daemon: "permits" not in daemon.status()["degraded"], 60, "the replica shares its limit again")
    records = deployment.finish(results, wanted)
    assert len(records) == len(wanted), "no replica died, so nothing is repeated"
    assert deployment.twin.summary()["highest_concurrency"] <= CONCURRENCY


def test_redis_out_of_memory(deployment):
    results, wanted = begin(deployment)
    connection = deployment.redis.connection()

    connection.config_set("maxmemory", 1)
    assert_goes_on_while(deployment, results, "Redis is out of memory")
    connection.config_set("maxmemory", 0)

    assert_finishes_with_the_shared_limit(deployment, results, wanted)


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a disk takes root")
def test_redis_on_a_full_disk(deployment):
    results, wanted = begin(deployment, disk_mib=4)

    deployment.redis.fill_disk()
    assert_goes_on_while(deployment, results, "Redis' disk is full")
    deployment.redis.free_disk()

    assert_finishes_with_the_shared_limit(deployment, results, wanted)


def test_few_descriptors(deployment):
    """More calls at once than there are descriptors for: those that get none are tried again."""
    deployment.twin.start(latency="uniform:100-200")
    config = deployment.config(redis=None, limits={"concurrency": 200}, tasks={TASK: {"max_batch_items": 1, "linger_ms": 0}})
    config["providers"]["twin"]["concurrency"] = 200
    daemon = deployment.start(config=config, within=["prlimit", "--nofile=64"])[0]
    inputs = make_inputs(COUNT, seed=32, most_bytes=300)
    deployment.ask(inputs)
    deployment.wait_until_done(timeout_s=120)

    assert daemon.is_running()
    assert "too few file descriptors" in daemon.log.read_text()
    summary = deployment.twin.summary()
    assert summary["highest_concurrency"] < 64 < COUNT, "there were enough of them"
    topics = deployment.topics
    records = topics.reader(topics.results).to_the_end()
    assert collections.Counter(record.json["id"] for record in records) == {value["id"]: 1 for value in inputs}
    assert {record.json["status"] for record in records} == {"ok"}
    assert deployment.twin.summary()["items_asked"] == COUNT
