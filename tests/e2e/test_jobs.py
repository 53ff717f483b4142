"""Jobs: progress while they run, one result in the order asked when they end."""

import json
import subprocess

import pytest

from harness import paths
from harness.daemon import to_toml
from harness.deployment import TASK
from harness.schemas import assert_valid
from harness.texts import make_inputs
from test_ctl import Ctl

FINAL = ("completed", "failed", "cancelled")
JOB = {"kind": "job", "workflow": "map", "task": TASK, "user_id": "user-1"}


def run_jobs(deployment, messages, count):
    """Runs the messages' jobs to their end; gives their results by job id, and all progress events in order."""
    topics = deployment.topics
    topics.produce_json(topics.requests, messages)
    results = topics.reader(topics.results).until(
        lambda records: sum(record.json["kind"] == "job_result" for record in records) >= count, 90, "job results"
    )
    deployment.wait_until_done()
    deployment.stop()
    job_results = {r.json["job_id"]: r.json for r in results if r.json["kind"] == "job_result"}
    return job_results, [r.json for r in topics.reader(topics.progress).to_the_end()]


def assert_is_a_whole_story(events):
    """The progress of one job: no gap, never back, one end."""
    for event in events:
        assert_valid("progress", event)
    sequences = [event["sequence"] for event in events]
    percents = [event["percent"] for event in events]
    assert sequences == list(range(sequences[0], sequences[0] + len(events)))
    assert sequences[0] in (0, 1)
    assert percents == sorted(percents)
    assert [event["status"] in FINAL for event in events] == [False] * (len(events) - 1) + [True]


def test_map_job_with_inline_items(deployment):
    deployment.twin.start(latency="uniform:30-200")
    deployment.start(config=deployment.config(redis=None))
    inputs = make_inputs(120, seed=3, most_bytes=2000)
    job = JOB | {"job_id": "job-1", "items": [{"id": value["id"], "input": value} for value in inputs]}

    results, progress = run_jobs(deployment, [("job-1", job)], count=1)

    result = results["job-1"]
    assert_valid("job_result", result)
    assert (result["status"], result["partial"]) == ("completed", False)
    assert [item["id"] for item in result["results"]] == [value["id"] for value in inputs]
    assert all(item["output"]["summary"] == f"summary of {item['id']}" for item in result["results"])
    assert_is_a_whole_story(progress)
    assert progress[-1]["percent"] == 100
    assert progress[-1]["items"] == {"total": 120, "done": 120, "failed": 0, "cached": 0}


def test_jobs_at_the_same_time_do_not_mix(deployment):
    deployment.twin.start(latency="uniform:30-100")
    deployment.start(config=deployment.config(redis=None))
    inputs = {f"job-{n}": make_inputs(20, seed=n, most_bytes=500) for n in range(10, 16)}
    messages = [
        (id, JOB | {"job_id": id, "items": [{"id": value["id"], "input": value} for value in values]})
        for id, values in inputs.items()
    ]

    results, progress = run_jobs(deployment, messages, count=len(inputs))

    for id, values in inputs.items():
        assert [item["id"] for item in results[id]["results"]] == [value["id"] for value in values]
        assert_is_a_whole_story([event for event in progress if event["job_id"] == id])


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_a_result_larger_than_a_message_comes_in_parts(deployment, delivery):
    max_message_bytes = 16_384
    deployment.redis.start()
    deployment.twin.start(latency="uniform:30-100")
    config = deployment.config(kafka={"max_message_bytes": max_message_bytes, "delivery": delivery})
    deployment.start(config=config)
    topics = deployment.topics
    inputs = [{"id": f"item-{n}", "text": "too short for many bytes"} for n in range(100)]
    job = JOB | {"job_id": "job-1", "items": [{"id": value["id"], "input": value} for value in inputs]}

    topics.produce_json(topics.requests, [("job-1", job)])
    records = topics.reader(topics.results).until(
        lambda records: [r for r in records if r.json["kind"] == "job_result_part" and r.json["part"] == r.json["parts"]],
        90,
        "the last part",
    )
    deployment.wait_until_done()
    ctl = Ctl(deployment, config)
    (shown,) = ctl.lines("show", "job-1")
    (status,) = ctl.lines("status", "job-1")
    redis = deployment.redis.connection()
    prefix = "{" + topics.group + "}:"
    kept = redis.hgetall(f"{prefix}job:job-1")
    deployment.stop()

    parts = [record for record in records if record.json["kind"] == "job_result_part"]
    for record in parts:
        assert_valid("job_result_part", record.json)
        assert len(record.value) <= max_message_bytes
    assert [record.json["part"] for record in parts] == list(range(1, len(parts) + 1))
    assert len({(record.partition, record.key) for record in parts}) == 1
    result = json.loads("".join(record.json["json"] for record in parts))
    assert_valid("job_result", result)
    assert shown["result"] == result
    assert (status["status"], status["percent"]) == ("completed", 100) and not {"request", "result"} & status.keys()
    assert sum(len(value) for value in kept.values()) < max_message_bytes, "what is large stands beside the record"
    assert [item["id"] for item in result["results"]] == [value["id"] for value in inputs]


FORM_TASK = {
    "workflow": "fields",
    "route": ["twin/test"],
    "system": "You fill in forms.",
    "prompt": "Fill in.\n{{items_json}}",
    "output_schema": "value.schema.json",
    "max_output_tokens": 1000,
    "extract": {"e-?mail": "/contact/email"},
}
VALUE_SCHEMA = {
    "type": "object",
    "required": ["value"],
    "additionalProperties": False,
    "properties": {"value": {"type": "string"}},
}


def form_config(deployment, **changes):
    (deployment.folder / "value.schema.json").write_text(json.dumps(VALUE_SCHEMA))
    task = FORM_TASK | {"output_schema": str(deployment.folder / "value.schema.json")}
    return deployment.config(tasks={"form": task}, **changes)


def form(job_id, fields, **more):
    labels = [{"id": f"f{n}", "label": f"Field {n}", "strategy": "generate"} for n in range(fields)]
    return {"kind": "job", "job_id": job_id, "workflow": "fields", "task": "form", "user_id": "user-1", "fields": labels} | more


def job_results(topics, count, timeout_s=60):
    records = topics.reader(topics.results).until(
        lambda seen: len({r.message_id for r in seen if r.json["kind"] == "job_result"}) >= count, timeout_s, "job results"
    )
    return {r.json["job_id"]: r.json for r in records if r.json["kind"] == "job_result"}


@pytest.mark.parametrize("fields, at_most_s", [(10, 4.4), (20, 8.24)])
def test_fields_are_filled_in_parallel(deployment, fields, at_most_s):
    deployment.twin.start(latency="fixed:2000")
    deployment.redis.start()
    deployment.start(config=form_config(deployment))
    topics = deployment.topics

    # With a new Redis the first permits are late.
    topics.produce_json(topics.requests, [("warm-up", form("warm-up", 5))])
    job_results(topics, 1)
    topics.produce_json(topics.requests, [("form-1", form("form-1", fields, max_parallel=5))])
    result = job_results(topics, 2)["form-1"]

    assert_valid("job_result", result)
    assert [field["id"] for field in result["results"]] == [f"f{n}" for n in range(fields)]
    assert all(field["source"] == "generated" for field in result["results"])
    summary = result["summary"]
    assert summary["total_time_ms"] < at_most_s * 1000, summary
    assert summary["efficiency"] > 0.95, summary


def test_fields_are_taken_from_what_is_known(deployment):
    deployment.twin.start()
    deployment.redis.start()
    deployment.start(config=form_config(deployment))
    topics = deployment.topics
    job = form("form-1", 2, user_data={"Full name": "Ada", "contact": {"email": "ada@example.org"}})
    job["fields"] += [{"id": "full_name", "label": "Name"}, {"id": "m", "label": "E-Mail"}]

    topics.produce_json(topics.requests, [("form-1", job)])
    result = job_results(topics, 1)["form-1"]

    assert_valid("job_result", result)
    values = {field["id"]: (field["source"], field["value"]) for field in result["results"]}
    assert values["full_name"] == ("extracted", "Ada")
    assert values["m"] == ("extracted", "ada@example.org")
    assert values["f0"] == ("generated", "value of f0")
    assert deployment.twin.summary()["requests"] == 2


def test_a_job_goes_on_after_a_kill_and_its_progress_with_it(deployment):
    deployment.twin.start(latency="fixed:300")
    deployment.redis.start()
    config = form_config(deployment)
    daemon = deployment.start(config=config)[0]
    topics = deployment.topics

    topics.produce_json(topics.requests, [("form-1", form("form-1", 40, max_parallel=2))])
    topics.reader(topics.progress).until(
        lambda seen: any(r.json["items"]["done"] >= 10 for r in seen), 60, "some of it is done"
    )
    daemon.kill()
    daemon.start()
    result = job_results(topics, 1, timeout_s=90)["form-1"]
    deployment.wait_until_done()
    deployment.stop()

    assert [field["status"] for field in result["results"]] == ["ok"] * 40
    # What was in flight at the kill may have been asked twice.
    assert deployment.twin.summary()["requests"] <= 40 + 2
    events = {r.message_id: r.json for r in topics.reader(topics.progress).to_the_end()}
    assert_is_a_whole_story(list(events.values()))


def test_a_job_is_cancelled_and_retried(deployment):
    deployment.twin.start(latency="fixed:1000")
    deployment.redis.start()
    deployment.start(replicas=2, config=form_config(deployment))
    topics = deployment.topics

    topics.produce_json(topics.requests, [("form-1", form("form-1", 20, max_parallel=2))])
    topics.reader(topics.progress).until(
        lambda seen: any(r.json["items"]["done"] >= 2 for r in seen), 60, "some of it is done"
    )
    cancel = {"kind": "cancel", "job_id": "form-1", "user_id": "user-1"}
    topics.produce_json(topics.control, [("form-1", cancel | {"user_id": "someone-else"}), ("form-1", cancel)])
    cancelled = job_results(topics, 1)["form-1"]
    assert_valid("job_result", cancelled)
    assert (cancelled["status"], cancelled["error"]["code"]) == ("cancelled", "cancelled")
    answered = [field["id"] for field in cancelled["results"] if field["status"] == "ok"]
    assert 2 <= len(answered) < 20

    asked_before = deployment.twin.summary()["requests"]
    topics.produce_json(topics.control, [("form-1", cancel | {"kind": "retry"})])
    results = job_results(topics, 2)
    deployment.wait_until_done()
    deployment.stop()

    (retry_id,) = set(results) - {"form-1"}
    retried = results[retry_id]
    assert_valid("job_result", retried)
    assert (retried["status"], retried["retry_of"]) == ("completed", "form-1")
    by_id = {field["id"]: field for field in retried["results"]}
    assert all(by_id[id]["cached"] and float(by_id[id]["cost_usd"]) == 0 for id in answered)
    assert deployment.twin.summary()["requests"] == asked_before + 20 - len(answered)
    errors = [r.json for r in topics.reader(topics.progress).to_the_end() if r.json["kind"] == "command_error"]
    for error in errors:
        assert_valid("command_error", error)
    assert [error["error"]["code"] for error in errors] == ["forbidden"]


def test_jobs_are_listed_shown_and_counted(deployment):
    deployment.twin.start()
    deployment.redis.start()
    config = form_config(deployment)
    deployment.start(config=config)
    topics = deployment.topics
    jobs = [form("form-1", 2), form("form-2", 2), form("form-3", 1, user_id="user-2")]
    for count, job in enumerate(jobs, 1):
        topics.produce_json(topics.requests, [(job["job_id"], job)])
        job_results(topics, count)
    config_file = deployment.folder / "ctl.toml"
    config_file.write_text(to_toml(config), encoding="utf-8")

    def ctl(*arguments, expect=0):
        command = [paths.BIN / "llmbatchctl", *arguments, "--json", "--config", config_file]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert [job["job_id"] for job in ctl("list", "--user", "user-1")] == ["form-2", "form-1"]
    assert [job["job_id"] for job in ctl("list", "--status", "completed", "--limit", "1")] == ["form-3"]
    assert ctl("list", "--user", "user-1", "--workflow", "map") == []
    assert ctl("counts", "--user", "user-1")[0]["completed"] == 2
    assert ctl("counts")[0] == {"cancelled": 0, "completed": 3, "failed": 0, "processing": 0, "queued": 0}
    (status,) = ctl("status", "form-1")
    assert (status["status"], status["percent"], status["progress"]["percent"]) == ("completed", 100, 100)
    (shown,) = ctl("show", "form-1")
    assert_valid("job", shown["request"])
    assert_valid("job_result", shown["result"])
    ctl("status", "no-such-job", expect=1)
    ctl("cancel", "form-1", "--user", "user-1")
    errors = topics.reader(topics.progress).until(
        lambda seen: any(r.json["kind"] == "command_error" for r in seen), 30, "an answer to the command"
    )
    assert [r.json["error"]["code"] for r in errors if r.json["kind"] == "command_error"] == ["invalid_message"]


def test_a_chain_of_units_is_whole_and_in_order(deployment):
    deployment.twin.start()
    deployment.redis.start()
    units = {"type": "array", "minItems": 2, "maxItems": 3, "items": {"type": "object", "required": ["title"],
             "additionalProperties": False, "properties": {"title": {"type": "string"}}}}  # fmt: skip
    schema = {"type": "object", "required": ["units"], "additionalProperties": False, "properties": {"units": units}}
    (deployment.folder / "units.schema.json").write_text(json.dumps(schema))
    task = {"workflow": "chain", "route": ["twin/test"], "prompt": "Go on.\n{{items_json}}", "max_output_tokens": 8192,
            "output_schema": str(deployment.folder / "units.schema.json")}  # fmt: skip
    deployment.start(config=deployment.config(tasks={"plan": task}))
    topics = deployment.topics

    job = {"kind": "job", "job_id": "p", "workflow": "chain", "task": "plan", "user_id": "u", "total_units": 12}
    topics.produce_json(topics.requests, [("p", job)])
    result = job_results(topics, 1)["p"]
    deployment.wait_until_done()
    deployment.stop()

    assert_valid("job_result", result)
    assert (result["status"], result["partial"]) == ("completed", False)
    assert [unit["unit"] for unit in result["results"]] == list(range(1, 13))
    assert {unit["status"] for unit in result["results"]} == {"ok"}
    assert_is_a_whole_story([r.json for r in topics.reader(topics.progress).to_the_end()])
