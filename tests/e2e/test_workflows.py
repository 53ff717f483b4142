"""Classification, comparison and query: their figures, and the examples of every workflow on the tasks that are shipped."""

import json
import shutil
import time

import pytest

from harness import paths
from harness.schemas import assert_valid
from harness.waiting import wait_for
from test_ctl import Ctl
from test_jobs import assert_is_a_whole_story, job_results

SHARED_NAMES = ("refund", "parcel", "contract", "invoice", "login", "address", "warranty", "price")


def shipped_tasks(deployment):
    """The tasks of configs/tasks, asked of the twin."""
    folder = deployment.folder / "tasks"
    shutil.copytree(paths.SOURCE / "configs" / "tasks", folder)
    for file in folder.glob("*.toml"):
        text = file.read_text().replace('["openai/gpt-6-luna", "openai/gpt-5.4-nano"]', '["twin/test"]')
        file.write_text(text.replace("parameters = { reasoning_effort", "#parameters = { reasoning_effort"))
    return {"task_files": [str(folder / "*.toml")]}


def sessions(count):
    """Each session plants its own classification: eight names, each in three spellings."""
    kinds = ("agent", "selfService", "dropOff")
    spellings = ("", " #2", " #3")
    return [
        {
            "user_id": f"u{n}",
            "transcript": f"Session {n} " + "about it " * (n % 40),
            "containment_type": kinds[n % 3],
            "started_at": f"2026-03-{n % 28 + 1:02d}T10:00:00Z",
            "twin": {
                "generalIntent": SHARED_NAMES[n % 8] + spellings[n // 8 % 3],
                "transferReason": "",
                "dropOffLocation": "",
            },
        }
        for n in range(count)
    ]


def classification(job_id, count, **config):
    return {
        "kind": "job", "job_id": job_id, "workflow": "classification", "task": "classify_sessions",
        "user_id": "user-1", "config": config, "sessions": sessions(count),
    }  # fmt: skip


def submit(deployment, *jobs):
    deployment.topics.produce_json(deployment.topics.requests, [(job["job_id"], job) for job in jobs])


def progress_of(deployment, job_id):
    records = deployment.topics.reader(deployment.topics.progress).to_the_end()
    return [record.json for record in records if record.json.get("job_id") == job_id]


SCALE = 10


def test_600_sessions_take_a_fifth_of_the_time_of_one_after_the_other(deployment):
    """A call of 1 s and 50 ms a session, all times a tenth: 63 s one after the other."""
    deployment.twin.start(latency=f"fixed:{1000 / SCALE}", latency_per_item_ms=50 / SCALE)
    deployment.redis.start()
    deployment.start(config=deployment.config(limits={"concurrency": 8}, **shipped_tasks(deployment)))
    # With a new Redis the first permits are late.
    submit(deployment, classification("warm-up", 1))
    job_results(deployment.topics, 1)

    began = time.monotonic()
    submit(deployment, classification("many", 600))
    result = job_results(deployment.topics, 2, 120)["many"]
    took = time.monotonic() - began

    assert_valid("job_result", result)
    assert (result["status"], result["partial"]) == ("completed", False)
    assert result["summary"]["stats"]["discovery_sessions"] == 90
    assert result["summary"]["total_time_ms"] * SCALE <= 126_000
    assert took * SCALE <= 126 + 10  # the way there and back isn't scaled
    names = result["summary"]["classifications"]["generalIntents"]
    assert sorted(name.split(" #")[0] for name in names) == sorted(SHARED_NAMES)
    planted = [s["twin"]["generalIntent"].split(" #")[0] for s in sessions(600)]
    assert [r["facts"]["generalIntent"].split(" #")[0] for r in result["results"]] == planted
    assert {r["facts"]["generalIntent"] for r in result["results"]} == set(names)
    deployment.wait_until_done()
    deployment.stop()
    events = progress_of(deployment, "many")
    assert_is_a_whole_story(events)
    steps = [event["step"] for event in events]
    assert [s for n, s in enumerate(steps) if n == 0 or steps[n - 1] != s] == ["discovery", "rounds", "conflicts", "completed"]
    print(f"600 sessions: {result['summary']['total_time_ms'] * SCALE / 1000} s of 630 s, {result['summary']['stats']}")


def test_every_session_has_a_result_though_calls_fail_and_sessions_are_left_out(deployment):
    deployment.twin.start(latency="fixed:20", error_rate="500=0.1", answer_fault="missing=0.1", seed=7)
    deployment.redis.start()
    deployment.start(config=deployment.config(limits={"concurrency": 8}, **shipped_tasks(deployment)))
    submit(deployment, classification("faulty", 200))
    result = job_results(deployment.topics, 1, 120)["faulty"]
    assert result["status"] == "completed"
    assert [r["user_id"] for r in result["results"]] == [f"u{n}" for n in range(200)]
    assert {r["status"] for r in result["results"]} <= {"ok", "fallback"}
    assert_valid("job_result", result)
    deployment.stop()


def test_a_classification_goes_on_after_a_kill_and_asks_nothing_twice(deployment):
    deployment.twin.start(latency="fixed:50")
    deployment.redis.start()
    deployment.start(config=deployment.config(limits={"concurrency": 8}, **shipped_tasks(deployment)))
    job = classification("killed", 120, discovery_min_sessions=10, discovery_max_sessions=20)
    submit(deployment, job)
    deployment.topics.reader(deployment.topics.progress).until(
        lambda records: any(r.json["step"] == "rounds" for r in records), 60, "a round"
    )
    (daemon,) = deployment.daemons
    daemon.kill()
    in_flight = 8
    asked_before = deployment.twin.summary()["items_asked"]
    daemon.start()
    deployment.wait_until_assigned()
    result = job_results(deployment.topics, 1, 120)["killed"]
    assert (result["status"], result["partial"]) == ("completed", False)
    assert asked_before > 10
    # What was in flight at the kill is in doubt, and asked again; nothing else is.
    assert deployment.twin.summary()["items_asked"] <= 120 + 3 + in_flight * 4
    assert_is_a_whole_story_without_repeats(deployment, "killed")
    deployment.stop()


def assert_is_a_whole_story_without_repeats(deployment, job_id):
    records = deployment.topics.reader(deployment.topics.progress).to_the_end()
    by_id = {r.message_id: r.json for r in records if r.json.get("job_id") == job_id}
    assert_is_a_whole_story(sorted(by_id.values(), key=lambda event: event["sequence"]))


EXAMPLES = ("chain", "classification", "comparison", "fields", "map", "query")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_each_workflow(deployment, name):
    """Planned, sent and followed from the command line; what was planned is what is called."""
    deployment.twin.start(latency="fixed:5")
    config = deployment.config(redis=None, **shipped_tasks(deployment))
    deployment.start(config=config)
    file = paths.SOURCE / "examples" / f"{name}.json"
    job = json.loads(file.read_text())
    assert_valid("job", job)
    ctl = Ctl(deployment, config)
    (plan,) = ctl.lines("plan", file)
    assert deployment.twin.summary()["requests"] == 0
    *_, result = ctl.lines("submit", file, "--watch")
    assert_valid("job_result", result)
    assert (result["job_id"], result["status"], result["partial"]) == (job["job_id"], "completed", False)
    # The names that a classification will have to compare aren't known before, nor is how many units the twin writes at once.
    if name not in ("classification", "chain"):
        assert plan["batches"] == result["summary"]["calls"]
    assert plan["least_cost_usd"] is not None
    # The twin counts tokens in a simpler way than they are estimated.
    assert float(plan["least_cost_usd"]) * 0.8 <= float(result["summary"]["cost_usd"]) <= float(plan["most_cost_usd"])
    deployment.wait_until_done()
    deployment.stop()
    assert_is_a_whole_story(progress_of(deployment, job["job_id"]))


def examples_as(prefix):
    jobs = {name: json.loads((paths.SOURCE / "examples" / f"{name}.json").read_text()) for name in EXAMPLES}
    return {name: job | {"job_id": f"{prefix}-{name}"} for name, job in jobs.items()}


def answers(deployment):
    """Those that somebody was still there for."""
    return sum(call["status"] == 200 and not call["client_closed"] for call in deployment.twin.journal())


# What a call cost, and where a message stood, is another thing each time.
OF_THE_RUN = ("usage", "cost_usd", "duration_ms", "queued_ms", "batch_id", "origin")


def what_is_said(results):
    if isinstance(results, list):
        return [what_is_said(each) for each in results]
    if isinstance(results, dict):
        return {name: what_is_said(value) for name, value in results.items() if name not in OF_THE_RUN}
    return results


def test_a_job_of_each_workflow_ends_the_same_though_its_replica_is_killed(deployment):
    deployment.redis.start()
    deployment.twin.start(latency="fixed:300")
    (daemon,) = deployment.start(config=deployment.config(limits={"concurrency": 2}, **shipped_tasks(deployment)))
    calm, killed = examples_as("calm"), examples_as("killed")
    submit(deployment, *calm.values())
    undisturbed = job_results(deployment.topics, len(EXAMPLES), 120)

    submit(deployment, *killed.values())
    for _ in range(4):
        already = answers(deployment)
        wait_for(
            lambda already=already: answers(deployment) >= already + 2 and deployment.twin.summary()["open_requests"] > 0,
            60, "a call after two answers",
        )  # fmt: skip
        daemon.kill()
        daemon.start()
    results = job_results(deployment.topics, 2 * len(EXAMPLES), 120)
    deployment.wait_until_done()
    deployment.stop()

    for name in EXAMPLES:
        before, after = (found[job[name]["job_id"]] for found, job in ((undisturbed, calm), (results, killed)))
        assert (after["status"], after["partial"]) == ("completed", False), name
        assert what_is_said(after["results"]) == what_is_said(before["results"]), name
        assert_is_a_whole_story_without_repeats(deployment, killed[name]["job_id"])


BY_FLAGS = {
    "analyze_conversations": ("--text", "The parcel came late.", "--text", "Where is my refund?"),
    "fill_form": ("--field", "name=Full name", "--field", "summary=Summary", "--user-data", "person.json", "--context", "a form"),
    "compare_documents": ("--standard", "ours=lease.txt", "--candidate", "lease.txt", "--candidate", "b=annex.txt", "--force-batch"),
    "ask_documents": ("--question", "When is the rent due?", "--document", "lease.txt", "--document", "annex.txt"),
    "classify_sessions": ("--sessions", "sessions.jsonl"),
    "write_plan": ("--total-units", "4", "--units-per-batch", "2", "--goal", "a marathon", "--unit-schema", "week.json"),
}  # fmt: skip


def test_each_workflow_by_flags(deployment):
    deployment.twin.start(latency="fixed:5")
    config = deployment.config(redis=None, **shipped_tasks(deployment))
    deployment.start(config=config)
    ctl = Ctl(deployment, config)
    folder = deployment.folder / "work"
    folder.mkdir()
    (folder / "person.json").write_text('{"full name": "Ada"}')
    (folder / "lease.txt").write_text("The rent is due on the first day.")
    (folder / "annex.txt").write_text("No pets are kept.")
    (folder / "sessions.jsonl").write_text("".join(json.dumps(session) + "\n" for session in sessions(3)))
    (folder / "week.json").write_text('{"type": "object"}')
    files = {file.name: str(file) for file in folder.iterdir()}
    for task, flags in BY_FLAGS.items():
        named = []
        for flag in flags:
            file = next((name for name in files if flag.endswith(name)), "")
            named.append(flag.removesuffix(file) + files[file] if file else flag)
        *_, result = ctl.lines("submit", "--task", task, "--user", "u1", "--watch", *named)
        assert_valid("job_result", result)
        assert (result["task"], result["status"], result["partial"]) == (task, "completed", False), result
    # What is of another workflow is told before anything is sent.
    done = ctl.run("submit", "--task", "ask_documents", "--user", "u1", "--text", "x")
    assert (done.returncode, "for jobs of map" in done.stderr.decode()) == (2, True)
    deployment.stop()


def test_steps_and_modes_of_documents(deployment):
    deployment.twin.start(latency="fixed:5")
    deployment.start(config=deployment.config(redis=None, **shipped_tasks(deployment)))
    comparison = json.loads((paths.SOURCE / "examples" / "comparison.json").read_text())
    one = comparison | {"job_id": "one", "candidates": comparison["candidates"][:1]}
    query = json.loads((paths.SOURCE / "examples" / "query.json").read_text())
    # Longer than one prompt: parts, and one answer made of theirs.
    paragraph = "The rent for the flat is paid on the third working day of each month. " * 20 + "\n\n"
    long = query | {"job_id": "long", "documents": [{"id": "lease", "text": paragraph * 700}]}
    submit(deployment, comparison, one, query, long)
    results = job_results(deployment.topics, 4)
    modes = {id: (r["summary"]["batch_mode"], r["summary"]["mode_reason"]) for id, r in results.items()}
    assert modes == {
        comparison["job_id"]: (True, "3 candidates or more"),
        "one": (False, "fewer than 3 candidates"),
        query["job_id"]: (False, "42000 tokens or fewer"),
        "long": (True, "more than 42000 tokens"),
    }
    assert len(results["long"]["results"][0]["parts"]) >= 2
    # The twin makes quotations up.
    assert all(c["unverified"] for c in results["long"]["results"][0]["citations"])
    deployment.wait_until_done()
    deployment.stop()

    def told(id):
        return [(event["step"], event["percent"]) for event in progress_of(deployment, id)]

    assert told("one") == [
        ("queued", 0), ("retrieving_data", 10), ("generating_prompt", 30), ("calling_llm", 50),
        ("processing_results", 80), ("saving_results", 90), ("completed", 100),
    ]  # fmt: skip
    assert told(query["job_id"]) == [
        ("queued", 0), ("retrieving_data", 10), ("retrieving_data", 20), ("retrieving_data", 30),
        ("generating_prompt", 35), ("calling_llm", 50), ("saving_results", 90), ("completed", 100),
    ]  # fmt: skip
    first = progress_of(deployment, "one")[0]
    assert (first["batch_mode"], first["mode_reason"]) == (False, "fewer than 3 candidates")
    assert first["estimated_tokens"] > 0
    assert "batch_mode" not in progress_of(deployment, "one")[1]


def test_a_job_is_asked_of_the_route_that_it_chooses(deployment):
    deployment.twin.start(latency="fixed:5")
    model = {"context_window": 128_000, "max_output_tokens": 16_000, "input_usd_per_million": "1", "output_usd_per_million": "2"}
    config = deployment.config(
        redis=None, models={"twin/other": model}, routes={"fast": {"models": ["twin/other"]}}, **shipped_tasks(deployment)
    )
    deployment.start(config=config)
    comparison = json.loads((paths.SOURCE / "examples" / "comparison.json").read_text())
    chosen = comparison | {"job_id": "chosen", "model_selection": "fast"}
    unknown = comparison | {"job_id": "unknown", "model_selection": "best"}
    assert_valid("job", chosen)
    submit(deployment, chosen, unknown)
    results = job_results(deployment.topics, 2)
    asked = {call["model"] for call in deployment.twin.journal()}
    by_flags = Ctl(deployment, config).lines(
        "submit", "--task", "analyze_conversations", "--user", "u1", "--text", "Where is my refund?",
        "--model-selection", "fast", "--watch",
    )[-1]  # fmt: skip
    deployment.wait_until_done()
    deployment.stop()
    assert asked == {"other"}
    assert results["chosen"]["status"] == "completed"
    assert (results["unknown"]["status"], results["unknown"]["error"]["code"]) == ("failed", "invalid_message")
    assert results["unknown"]["error"]["message"] == 'model_selection: route "best": no such route is configured'
    assert by_flags["results"][0]["model"] == "twin/other"
