"""Limits over all replicas, with the provider's journal as the judge: used up, and never passed."""

import collections
import random

import pytest

from harness.texts import make_text
from harness.waiting import wait_for

TASK = "analyze"
ONE_ITEM = {"tasks": {TASK: {"max_batch_items": 1, "linger_ms": 0}}}


def inputs_of(count, size_bytes=200, prefix="n"):
    rng = random.Random(5)
    return [{"id": f"{prefix}{index:05d}", "text": make_text(rng, "en", size_bytes)} for index in range(count)]


def start(deployment, replicas, **changes):
    deployment.redis.start()
    deployment.start(replicas, config=deployment.config(**changes))


def results_of(deployment, count, timeout_s=120):
    """The results by id, when there is one for each item."""
    reader = deployment.topics.reader(deployment.topics.results)
    reader.until(lambda records: len({r.json["id"] for r in records}) == count, timeout_s, f"{count} results")
    return {record.json["id"]: record.json for record in reader.records}


@pytest.mark.parametrize("chars_per_token", [2, 8], ids=["estimates half", "estimates double"])
def test_a_token_rate_is_used_up_though_estimates_are_wrong(deployment, chars_per_token):
    tokens_per_minute = 240_000
    seconds = 15
    deployment.twin.start(latency_ms=200, chars_per_token=chars_per_token)
    start(
        deployment,
        2,
        limits={"concurrency": 64},
        providers={"twin": {"tokens_per_minute": tokens_per_minute}},
        tasks={TASK: {"max_batch_items": 1, "linger_ms": 0, "max_output_tokens": 100}},
    )
    size = 1500
    deployment.ask(inputs_of(int(tokens_per_minute / 60 * (seconds + 10) / (size / chars_per_token)), size))

    def used():
        """Tokens of the calls that came in the window; the first seconds are for learning."""
        calls = [call for call in deployment.twin.journal() if call["status"] == 200]
        if not calls:
            return None
        begin = calls[0]["received_ms"] + 4_000
        if calls[-1]["received_ms"] < begin + seconds * 1_000:
            return None
        window = [call for call in calls if begin <= call["received_ms"] < begin + seconds * 1_000]
        return sum(call["prompt_tokens"] + call["completion_tokens"] for call in window)

    wait_for(used, 60, "the rate was used for long enough")
    share = used() / (tokens_per_minute / 60 * seconds)
    print(f"share of the token rate: {share:.3f}")
    assert 0.93 <= share <= 1.07


def test_many_calls_at_a_rate_of_requests_all_end_well(deployment):
    rate = 3_500
    deployment.twin.start(latency_ms=100, requests_per_minute=rate, limit_burst_seconds=2)
    start(
        deployment,
        2,
        limits={"concurrency": 64},
        providers={"twin": {"requests_per_minute": rate}},
        **ONE_ITEM,
    )
    deployment.ask(inputs_of(200))

    results = results_of(deployment, 200)
    assert {result["status"] for result in results.values()} == {"ok"}
    summary = deployment.twin.summary()
    print(f"answers by status: {summary['by_status']}")
    assert summary["by_status"] == {"200": 200}


def test_a_rate_that_is_not_configured_costs_no_result(deployment):
    deployment.twin.start(latency_ms=100, requests_per_minute=3_500, limit_burst_seconds=1)
    start(deployment, 2, limits={"concurrency": 64}, **ONE_ITEM)
    deployment.ask(inputs_of(200))

    results = results_of(deployment, 200)
    assert {result["status"] for result in results.values()} == {"ok"}
    assert deployment.twin.summary()["by_status"].get("429", 0) > 0, "the rate was never felt"


def test_a_thousand_calls_at_once_never_pass_a_budget(deployment):
    budget = 0.05
    deployment.twin.start(latency_ms=300)
    start(
        deployment,
        2,
        limits={"concurrency": 200},
        providers={"twin": {"concurrency": 200}},
        budgets={"day_usd": str(budget), "when_spent": "error"},
        tasks={TASK: {"max_batch_items": 1, "linger_ms": 0, "max_output_tokens": 200}},
    )
    deployment.ask(inputs_of(1_000))

    results = results_of(deployment, 1_000)
    statuses = collections.Counter(result["status"] for result in results.values())
    codes = {result["error"]["code"] for result in results.values() if result["status"] == "error"}
    summary = deployment.twin.summary()
    spent = (summary["prompt_tokens"] + 2 * summary["completion_tokens"]) / 1e6
    print(f"{statuses}, spent ${spent:.6f} of ${budget}")
    assert codes == {"budget_exceeded"}
    assert spent <= budget
    assert spent >= 0.9 * budget


def test_a_pool_of_a_provider_holds_over_all_replicas(deployment):
    deployment.twin.start(latency="uniform:20-200")
    start(deployment, 3, limits={"concurrency": 20}, providers={"twin": {"concurrency": 4}}, **ONE_ITEM)
    deployment.ask(inputs_of(300))

    results = results_of(deployment, 300)
    assert {result["status"] for result in results.values()} == {"ok"}
    assert deployment.twin.summary()["highest_concurrency"] == 4
    pools = {pool["pool"]: pool for pool in deployment.daemons[0].status()["limits"]}
    assert pools["provider:twin"]["limit"] == 4


def test_a_pool_of_a_task_leaves_permits_to_others(deployment):
    deployment.twin.start(latency_ms=100)
    start(
        deployment,
        2,
        limits={"concurrency": 6},
        tasks={
            TASK: {"max_batch_items": 1, "linger_ms": 0, "concurrency": 2},
            "other": deployment.config()["tasks"][TASK] | {"max_batch_items": 1, "linger_ms": 0},
        },
    )
    deployment.ask(inputs_of(100))
    deployment.ask(inputs_of(100, prefix="other"), task="other")

    results = results_of(deployment, 200)
    assert {result["status"] for result in results.values()} == {"ok"}
    journal = deployment.twin.journal()
    assert max(call["concurrency"] for call in journal) == 6, "the permits that the one task leaves serve the other"
    of_task = [call for call in journal if not call["items"][0].startswith("other")]
    at_once = max(
        sum(other["received_ms"] <= call["received_ms"] < other["completed_ms"] for other in of_task)
        for call in of_task
    )
    assert at_once <= 2
