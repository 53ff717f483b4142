"""Two replicas are replaced by another version, one after the other, and back, while jobs and items are under way.

OTHER_LLMBATCHD names the program of the other version; without it both are this one. UPGRADE_ROUNDS=20 for longer.
"""

import collections
import os
import pathlib

from harness.daemon import LLMBATCHD
from harness.deployment import TASK
from harness.texts import make_inputs
from harness.waiting import wait_for

ROUNDS = int(os.environ.get("UPGRADE_ROUNDS", "1"))
OTHER = pathlib.Path(os.environ.get("OTHER_LLMBATCHD", LLMBATCHD))
ITEMS_OF_A_JOB = 40
ITEMS = 20
BATCH_ITEMS = 5


class Work:
    """A job and items for each replacement. The items of all have ids of their own."""

    def __init__(self, deployment):
        self._deployment = deployment
        self.jobs = []
        self.items = set()

    def begin(self):
        name = f"w{len(self.jobs)}"
        inputs = make_inputs(ITEMS_OF_A_JOB + ITEMS, seed=len(self.jobs), most_bytes=500, prefix=f"{name}-")
        job = {"kind": "job", "job_id": name, "workflow": "map", "task": TASK, "user_id": "u",
               "items": [{"id": value["id"], "input": value} for value in inputs[:ITEMS_OF_A_JOB]]}  # fmt: skip
        topics = self._deployment.topics
        topics.produce_json(topics.requests, [(name, job)])
        self._deployment.ask(inputs[ITEMS_OF_A_JOB:])
        self.jobs.append(name)
        self.items |= {value["id"] for value in inputs}


def test_another_version_and_back_while_jobs_run(deployment):
    deployment.redis.start()
    deployment.twin.start(latency="uniform:100-300")
    deployment.start(2, deployment.config(tasks={TASK: {"max_batch_items": BATCH_ITEMS}}))
    work, begun = Work(deployment), 0
    for _ in range(ROUNDS):
        for program in (OTHER, LLMBATCHD):
            for daemon in deployment.daemons:
                work.begin()
                begun += 3
                wait_for(lambda begun=begun: deployment.twin.summary()["requests"] >= begun, 60, "calls are under way")
                assert daemon.stop() == 0
                daemon.program = program
                daemon.start()
                wait_for(lambda daemon=daemon: daemon.status().get("assigned"), 60, "it has its partitions again")
                begun = deployment.twin.summary()["requests"]
    deployment.wait_until_done(timeout_s=120)
    deployment.stop()

    jobs, items = collections.defaultdict(set), collections.defaultdict(set)
    for record in deployment.topics.reader(deployment.topics.results).to_the_end():
        if record.json["kind"] == "job_result":
            assert (record.json["status"], len(record.json["results"]), record.json["partial"]) == ("completed", ITEMS_OF_A_JOB, False), record.json
            jobs[record.json["job_id"]].add(record.message_id)
        else:
            assert record.json["status"] == "ok", record.json
            items[record.json["id"]].add(record.message_id)
    assert {job: len(ids) for job, ids in jobs.items()} == dict.fromkeys(work.jobs, 1)
    assert {item: len(ids) for item, ids in items.items()} == dict.fromkeys(work.items, 1)
    asked = {item: counts["asked"] for item, counts in deployment.twin.items().items() if counts["asked"] != 1}
    print(f"{len(work.jobs)} replacements, {len(work.items)} items, asked other than once: {asked}")
    assert asked == {}
