"""Jobs: progress while they run, one result in the order asked when they end."""

from harness.deployment import TASK
from harness.schemas import assert_valid
from harness.texts import make_inputs

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
