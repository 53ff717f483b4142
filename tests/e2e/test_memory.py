"""Allocations that fail: the daemon may end, but never wrongly. What it leaves open, its next start finishes."""

import collections
import os
import pathlib
import random
import subprocess

import pytest

from harness.daemon import Daemon
from harness.deployment import TASK
from harness.texts import make_inputs
from harness.waiting import wait_for

RUNS = int(os.environ.get("FAILED_ALLOCATIONS", "12"))
ITEMS_PER_RUN = 30
# About as many as a run makes of that many items.
MOST_ALLOCATIONS = 16_000


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Takes the place of malloc and operator new: the allocation that FAIL_ALLOCATION numbers fails, once."""
    made = tmp_path_factory.mktemp("memory") / "failing_allocation.so"
    source = pathlib.Path(__file__).parent / "harness/failing_allocation.cc"
    subprocess.run(["g++", "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True)
    return made


def test_failing_allocations(deployment, library):
    chance = random.Random(17)
    deployment.redis.start()
    deployment.twin.start(latency="uniform:20-100")
    config = deployment.config(tasks={TASK: {"max_batch_items": 3, "linger_ms": 20}})
    inputs = make_inputs(RUNS * ITEMS_PER_RUN, seed=41, most_bytes=300)
    ended = 0
    for run in range(RUNS):
        deployment.ask(inputs[run * ITEMS_PER_RUN : (run + 1) * ITEMS_PER_RUN])
        number = chance.randrange(1, MOST_ALLOCATIONS)
        broken = ["env", f"LD_PRELOAD={library}", f"FAIL_ALLOCATION={number}"]
        daemon = Daemon(deployment.folder, "replica-1", config, within=broken)
        deployment.daemons = [daemon]
        daemon.start()
        # It ends by itself, or it has got over it.
        wait_for(
            lambda daemon=daemon: not daemon.is_running() or deployment.topics.open_records(deployment.topics.requests) == 0,
            90, lambda daemon=daemon: f"allocation {number} fails: {daemon.status()}",
        )  # fmt: skip
        ended += not daemon.is_running()
        daemon.stop()
    print(f"{ended} of {RUNS} runs ended by the failure")
    assert ended > 0, "no allocation that failed mattered"

    deployment.start(config=config)
    deployment.wait_until_done(timeout_s=60)
    deployment.stop()
    ids = collections.defaultdict(set)
    topics = deployment.topics
    for record in topics.reader(topics.results).to_the_end():
        assert record.json["status"] == "ok", record.json
        assert record.json["output"]["summary"] == f"summary of {record.json['id']}"
        ids[record.json["id"]].add(record.message_id)
    assert {id: len(found) for id, found in ids.items()} == {value["id"]: 1 for value in inputs}
