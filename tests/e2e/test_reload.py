"""SIGHUP: a changed configuration is taken while the work goes on, a broken one is refused, and no call is made twice."""

import collections
import json
import random
import signal

import pytest

from harness.daemon import merged
from harness.deployment import TASK
from harness.service_manager import ServiceManager
from harness.texts import make_inputs
from harness.waiting import wait_for

RELOADS = "llmbatchd_config_reloads_total"


def log_of(daemon):
    return [json.loads(line) for line in daemon.log.read_text(encoding="utf-8").splitlines()]


def reload(daemon, config=None, outcome="ok"):
    """Writes the configuration, sends SIGHUP and waits until it has been dealt with."""
    if config is not None:
        daemon.configure(config)
    before = daemon.metric(RELOADS, outcome=outcome)
    daemon.send(signal.SIGHUP)
    wait_for(lambda: daemon.metric(RELOADS, outcome=outcome) > before, 20, lambda: f"{outcome}: {log_of(daemon)[-5:]}")


@pytest.fixture
def manager(tmp_path, monkeypatch):
    made = ServiceManager(tmp_path, monkeypatch)
    yield made
    made.close()


def test_changed_task_limit_and_price_count_at_once(deployment, manager):
    deployment.twin.start()
    base = deployment.config(redis=None)
    daemon = deployment.start(config=base)[0]
    assert daemon.metric("llmbatchd_config_last_reload_successful") == 1
    taken_at = daemon.metric("llmbatchd_config_last_reload_success_timestamp_seconds")
    deployment.ask([{"id": "before", "text": "one"}])
    deployment.wait_until_done()

    changed = merged(base, {
        "limits": {"concurrency": 3},
        "models": {"twin/test": {"input_usd_per_million": "1000"}},
        "tasks": {TASK: {"max_batch_items": 1}, "another": base["tasks"][TASK]},
        "kafka": {"group": "another-group"},
    })  # fmt: skip
    reload(daemon, changed)

    assert manager.count("RELOADING=1") == 1
    assert manager.count("MONOTONIC_USEC=") == 1
    manager.wait_for("READY=1", 2)
    wait_for(lambda: daemon.status()["limits"][0]["limit"] == 3, 10, "the limit is shown")
    assert daemon.metric("llmbatchd_config_last_reload_success_timestamp_seconds") > taken_at
    waiting = [line for line in log_of(daemon) if "waits for a restart" in line["msg"]]
    assert len(waiting) == 1 and "kafka.group" in waiting[0]["problem"]
    asked_before = deployment.twin.summary()["requests"]
    inputs = make_inputs(6, seed=3, most_bytes=400)
    deployment.ask(inputs)
    deployment.ask([{"id": "by another", "text": "two"}], task="another")
    deployment.wait_until_done()
    assert deployment.twin.summary()["requests"] == asked_before + 7
    topics = deployment.topics
    results = {record.json["id"]: record.json for record in topics.reader(topics.results).to_the_end()}
    assert {result["status"] for result in results.values()} == {"ok"}
    assert float(results[inputs[0]["id"]]["cost_usd"]) > 100 * float(results["before"]["cost_usd"])


def test_broken_file_is_refused_with_all_its_errors(deployment, manager):
    deployment.twin.start()
    base = deployment.config(redis=None)
    daemon = deployment.start(config=base)[0]
    wrong = {"limits": {"concurrency": 0}, "tasks": {TASK: {"max_batch_itmes": 3, "prompt": "{{#items}}"}}}

    reload(daemon, merged(base, wrong), outcome="refused")

    refused = [line["problem"] for line in log_of(daemon) if line["msg"] == "the new configuration is refused"]
    for key in ("limits.concurrency", "max_batch_itmes", "prompt"):
        assert sum(key in problem for problem in refused) == 1, (key, refused)
    assert daemon.metric("llmbatchd_config_last_reload_successful") == 0
    manager.wait_for("READY=1", 2)
    deployment.ask([{"id": "n1", "text": "still here"}])
    deployment.wait_until_done()
    assert daemon.metric("llmbatchd_results_total", status="ok") == 1

    reload(daemon, base)
    assert daemon.metric("llmbatchd_config_last_reload_successful") == 1


def test_a_new_provider_takes_a_restart(deployment):
    deployment.twin.start()
    base = deployment.config(redis=None)
    daemon = deployment.start(config=base)[0]
    changed = merged(base, {
        "providers": {"second": base["providers"]["twin"]},
        "models": {"second/test": base["models"]["twin/test"]},
        "tasks": {TASK: {"route": ["twin/test", "second/test"]}},
    })  # fmt: skip

    reload(daemon, changed, outcome="refused")

    assert any("second" in line.get("problem", "") and "restart" in line["problem"] for line in log_of(daemon))


def test_many_reloads_under_load(deployment):
    """Good and broken files in turn while items are answered by two replicas."""
    chance = random.Random(4)
    rounds = 100
    deployment.redis.start()
    deployment.twin.start(latency="uniform:50-400")
    base = deployment.config(limits={"concurrency": 8}, tasks={TASK: {"max_batch_items": 4, "linger_ms": 20}})
    deployment.start(2, base)
    inputs = make_inputs(rounds * 12, seed=21, most_bytes=400)
    sent = collections.Counter()
    for number in range(rounds):
        deployment.ask(inputs[number * 12 : (number + 1) * 12])
        daemon = chance.choice(deployment.daemons)
        good = chance.random() < 0.6
        if good:
            changes = {
                "limits": {"concurrency": chance.randrange(4, 12), "drain_timeout": f"{chance.randrange(10, 60)}s"},
                "models": {"twin/test": {"input_usd_per_million": str(chance.randrange(1, 9))}},
                "tasks": {TASK: {"max_batch_items": chance.randrange(1, 8), "system": f"Version {chance.randrange(3)}"}},
            }
        else:
            changes = chance.choice([{"limits": {"concurrency": "many"}}, {"tasks": {TASK: {"route": ["twin/none"]}}}])
        reload(daemon, merged(base, changes), "ok" if good else "refused")
        sent[good] += 1
    assert min(sent.values()) > 20, sent
    deployment.wait_until_done(timeout_s=120)
    deployment.stop()

    topics = deployment.topics
    records = topics.reader(topics.results).to_the_end()
    assert collections.Counter(record.json["id"] for record in records) == {value["id"]: 1 for value in inputs}
    assert {record.json["status"] for record in records} == {"ok"}
    asked = deployment.twin.items()
    assert {id: counts["asked"] for id, counts in asked.items()} == {value["id"]: 1 for value in inputs}
