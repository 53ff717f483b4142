"""Jobs whose items come in messages of their own, and the batches in a job's record."""

import json
import random

from harness.deployment import TASK
from harness.schemas import assert_valid
from test_ctl import Ctl
from test_jobs import assert_is_a_whole_story, job_results


def job_of(job_id, count):
    job = {"kind": "job", "workflow": "map", "task": TASK, "user_id": "user-1", "job_id": job_id, "item_count": count}
    assert_valid("job", job)
    return job


def item_of(job_id, n):
    item = {"kind": "item", "id": f"{job_id}.{n}", "task": TASK, "job_id": job_id, "input": {"id": f"{job_id}.{n}", "n": n}}
    assert_valid("item", item)
    return item


def item_results(deployment):
    """By message id: a repeat after a crash counts once, and must say the same of the item."""
    results = {}
    for record in deployment.topics.reader(deployment.topics.results).to_the_end():
        if record.json["kind"] != "item_result":
            continue
        assert_valid("item_result", record.json)
        known = results.setdefault(record.message_id, record.json)
        assert (known["id"], known["status"]) == (record.json["id"], record.json["status"])
    return list(results.values())


def test_items_are_gathered_over_a_kill_and_a_second_replica(deployment):
    deployment.twin.start(latency="fixed:150")
    deployment.redis.start()
    first, _ = deployment.start(replicas=2)
    topics = deployment.topics
    jobs = {f"job-{n}": 60 for n in range(6)}
    messages = [(id, job_of(id, count)) for id, count in jobs.items()]
    items = [(id, item_of(id, n)) for id, count in jobs.items() for n in range(count)]
    random.Random(5).shuffle(items)

    # Some of the items come before their job.
    topics.produce_json(topics.requests, items[:20] + messages + items[20:200])
    topics.reader(topics.results).until_count(100, 60)
    first.kill()
    topics.produce_json(topics.requests, items[200:])
    first.start()
    results = job_results(topics, len(jobs), timeout_s=120)
    deployment.wait_until_done()
    deployment.stop()

    for id, count in jobs.items():
        result = results[id]
        assert_valid("job_result", result)
        assert (result["status"], result["partial"]) == ("completed", False)
        assert sorted(r["id"] for r in result["results"]) == sorted(f"{id}.{n}" for n in range(count))
        offsets = [r["origin"]["offset"] for r in result["results"]]
        assert offsets == sorted(offsets)
    published = item_results(deployment)
    assert sorted(r["id"] for r in published) == sorted(item["id"] for _, item in items)
    assert {r["status"] for r in published} == {"ok"}
    # Only what was in flight at the kill was asked twice, at the most.
    summary = deployment.twin.summary()
    assert summary["items_distinct"] == len(items)
    assert summary["items_asked"] <= len(items) + 5 * 20
    events = {r.message_id: r.json for r in topics.reader(topics.progress).to_the_end()}
    for id in jobs:
        story = sorted((e for e in events.values() if e["job_id"] == id), key=lambda e: e["sequence"])
        assert_is_a_whole_story(story)


def test_what_never_comes_and_what_comes_to_nobody(deployment):
    deployment.twin.start()
    deployment.redis.start()
    deployment.start(config=deployment.config(limits={"items_timeout": "2s"}))
    topics = deployment.topics
    stranger = item_of("nobody", 0)
    lost = item_of("short", 7)
    topics.produce_json(
        topics.requests,
        [("short", job_of("short", 3)), ("short", item_of("short", 0)), ("nobody", stranger), ("elsewhere", lost)],
    )
    result = job_results(topics, 1)["short"]
    assert_valid("job_result", result)
    assert (result["status"], result["partial"], result["error"]["code"]) == ("completed", True, "items_missing")
    assert [r["id"] for r in result["results"]] == ["short.0"]
    assert result["summary"]["items"] == {"total": 3, "done": 1, "failed": 0, "cached": 0}
    # It comes after all.
    topics.produce_json(topics.requests, [("short", item_of("short", 1))])
    deployment.wait_until_done()
    deployment.stop()
    codes = {r["id"]: r.get("error", {}).get("code") for r in item_results(deployment)}
    assert codes == {
        "short.0": None, "nobody.0": "unknown_job", "short.7": "invalid_message", "short.1": "invalid_message",
    }  # fmt: skip


def test_the_batches_of_a_job_stand_in_its_record(deployment):
    deployment.twin.start(latency="fixed:50")
    deployment.redis.start()
    config = deployment.config()
    deployment.start(config=config)
    topics = deployment.topics
    items = [{"id": f"i{n}", "input": {"id": f"i{n}"}} for n in range(50)]
    job = {"kind": "job", "workflow": "map", "task": TASK, "user_id": "user-1", "job_id": "b", "items": items}
    topics.produce_json(topics.requests, [("b", job)])
    result = job_results(topics, 1)["b"]
    deployment.wait_until_done()
    (shown,) = Ctl(deployment, config).lines("show", "b")
    deployment.stop()

    batches = shown["batches"]
    assert sorted(item for batch in batches for item in batch["items"]) == sorted(item["id"] for item in items)
    assert {batch["status"] for batch in batches} == {"completed"}
    assert {batch["model"] for batch in batches} == {"twin/test"}
    assert all(batch["created_at"] <= batch["completed_at"] for batch in batches)
    assert {batch["id"] for batch in batches} == {r["batch_id"] for r in result["results"]}
    assert {item["id"]: item["output"] for batch in batches for item in batch["results"]} == {r["id"]: r["output"] for r in result["results"]}
    assert sum(batch["usage"]["output_tokens"] for batch in batches) == result["summary"]["usage"]["output_tokens"]


def test_a_retry_awaits_the_items_again_and_pays_only_for_what_was_not_answered(deployment):
    deployment.twin.start(latency="fixed:50")
    deployment.redis.start()
    config = deployment.config()
    deployment.start(config=config)
    topics = deployment.topics
    items = [item_of("j", n) for n in range(12)]
    topics.produce_json(topics.requests, [("j", job_of("j", 12))] + [("j", item) for item in items[:8]])
    topics.reader(topics.results).until_count(8, 60)
    command = {"kind": "cancel", "job_id": "j", "user_id": "user-1"}
    topics.produce_json(topics.control, [("j", command)])
    assert job_results(topics, 1)["j"]["status"] == "cancelled"
    topics.produce_json(topics.control, [("j", command | {"kind": "retry"})])
    begun = topics.reader(topics.progress).until(
        lambda records: any(record.json["job_id"].startswith("j~") for record in records), 60, "the retry begins"
    )
    (retry,) = {record.json["job_id"] for record in begun} - {"j"}
    asked = deployment.twin.summary()["items_asked"]
    # It chooses partitions as the daemon does, so the items meet their job.
    ctl = Ctl(deployment, config)
    for item in items:
        ctl.lines(
            "submit", "--task", TASK, "--item-id", item["id"], "--job-id", retry, "--input", json.dumps(item["input"])
        )  # fmt: skip
    result = job_results(topics, 2)[retry]
    deployment.wait_until_done()
    deployment.stop()
    assert_valid("job_result", result)
    assert (result["status"], result["retry_of"]) == ("completed", "j")
    assert result["summary"]["items"] == {"total": 12, "done": 12, "failed": 0, "cached": 8}
    assert {r["id"] for r in result["results"] if r["source"] == "cached"} == {item["id"] for item in items[:8]}
    assert deployment.twin.summary()["items_asked"] == asked + 4
