"""Redis and the daemon with too little of something: memory, disk, descriptors, threads. The work goes on, and nothing is lost."""

import collections
import os
import pathlib
import signal
import subprocess
import time

import pytest

from harness.daemon import Daemon
from harness.deployment import TASK
from harness.texts import make_inputs
from harness.waiting import wait_for

COUNT = 300
CONCURRENCY = 5
# More than a replica starts.
MOST_THREADS = 60
ITEMS_PER_THREAD = 6


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


@pytest.fixture(scope="module")
def refusing_threads(tmp_path_factory):
    """Takes the place of pthread_create."""
    made = tmp_path_factory.mktemp("threads") / "failing_thread.so"
    source = pathlib.Path(__file__).parent / "harness/failing_thread.cc"
    subprocess.run(["g++", "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True)
    return made


def code_without_a_thread(deployment, daemon):
    """Its exit code, once it has ended by itself or done its work and been stopped; -9 if it does not even begin."""
    daemon.start()
    begin_by = time.monotonic() + 30

    def settled():
        if not daemon.is_running() or deployment.topics.open_records(deployment.topics.requests) == 0:
            return "ended"
        return "stuck" if time.monotonic() > begin_by and not daemon.status() else ""

    if wait_for(settled, 90, lambda: f"neither ended nor done: {daemon.status()}") == "ended":
        return daemon.stop()
    daemon.kill()
    return -signal.SIGKILL


def test_threads_that_cannot_be_started(deployment, refusing_threads):
    """Each of the daemon's threads in turn: it ends and says why, or it does its work all the same."""
    deployment.redis.start()
    deployment.twin.start(latency_ms=20)
    config = deployment.config(tasks={TASK: {"max_batch_items": 3, "linger_ms": 20}})
    inputs = []
    codes = {}
    for number in range(1, MOST_THREADS + 1):
        inputs += (asked := make_inputs(ITEMS_PER_THREAD, seed=number, most_bytes=300, prefix=f"thread-{number}-"))
        deployment.ask(asked)
        refused = deployment.folder / f"refused-{number}"
        broken = ["env", f"LD_PRELOAD={refusing_threads}", f"FAIL_THREAD={number}", f"REFUSED_FILE={refused}"]
        daemon = Daemon(deployment.folder, "replica-1", config, within=broken)
        deployment.daemons = [daemon]
        codes[number] = code_without_a_thread(deployment, daemon)
        if not refused.exists():
            break
    print(f"by the thread that can't be started: {codes}")
    # 1: told as an error of the daemon's own. SIGABRT: by the library that starts threads.
    assert set(codes.values()) - {-signal.SIGKILL} == {0, 1, -signal.SIGABRT}, codes
    # librdkafka 2.0.2 never comes back from making a consumer whose main thread can't be started. The service manager ends such a start.
    assert list(codes.values()).count(-signal.SIGKILL) <= 1, codes
    assert not refused.exists() and codes[number] == 0, "a replica starts more threads than were tried"

    deployment.start(config=config)
    deployment.wait_until_done(timeout_s=60)
    deployment.stop()
    ids = collections.defaultdict(set)
    for record in deployment.topics.reader(deployment.topics.results).to_the_end():
        assert record.json["status"] == "ok", record.json
        ids[record.json["id"]].add(record.message_id)
    assert {id: len(found) for id, found in ids.items()} == {value["id"]: 1 for value in inputs}
