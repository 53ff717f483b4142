"""Limits over all replicas, with the provider's journal as the judge: used up, and never passed."""

import collections
import os
import random
import time

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


def in_use_ms(journal, begin_ms, end_ms):
    """Of all calls together, in that time."""
    spans = ((max(call["received_ms"], begin_ms), min(call["completed_ms"] or end_ms, end_ms)) for call in journal)
    return sum(max(0, end - begin) for begin, end in spans)


def test_redis_away_under_load_of_four_replicas(deployment):
    permits, call_ms = 8, 200
    away_s = int(os.environ.get("REDIS_AWAY_SECONDS", "10"))
    lease_s, back_s, measured_s = 5, 8, 4
    deployment.twin.start(latency_ms=call_ms)
    start(deployment, 4, limits={"concurrency": permits}, redis={"lease": f"{lease_s}s"}, **ONE_ITEM)
    # Of the items every replica gets about as many, so there are some for it to the end.
    count = int(permits / call_ms * 1_000 * (away_s + back_s + measured_s + 4) * 1.5)
    deployment.ask(inputs_of(count))
    wait_for(lambda: len(deployment.twin.journal()) >= 2 * permits, 60, "the load")

    deployment.redis.stop()
    time.sleep(away_s)  # the time is what is tried
    away_ms = deployment.twin.summary()["now_ms"]
    deployment.redis.start()
    begin_ms = away_ms + back_s * 1_000
    end_ms = begin_ms + measured_s * 1_000
    wait_for(lambda: deployment.twin.summary()["now_ms"] >= end_ms, 60, "the time of measuring")
    used = in_use_ms(deployment.twin.journal(), begin_ms, end_ms) / (permits * measured_s * 1_000)
    meanwhile = in_use_ms(deployment.twin.journal(), away_ms - away_s * 1_000, away_ms) / (permits * away_s * 1_000)
    print(f"used while Redis was away: {meanwhile:.3f}, from {back_s} s after its return: {used:.3f}")

    results = results_of(deployment, count)
    assert all(result["status"] == "ok" for result in results.values())
    assert deployment.twin.summary()["highest_concurrency"] <= permits
    # Until its lease is over, a replica may count on no more than the permits that it has.
    assert meanwhile >= 0.8 * (away_s - lease_s) / away_s
    assert used >= 0.9


def ask_as(deployment, user, partitions, count):
    key = deployment.topics.key_in(partitions, user)
    items = inputs_of(count, prefix=user)
    fields = {"kind": "item", "task": TASK, "user_id": user}
    deployment.topics.produce_json(
        deployment.topics.requests, [(key, fields | {"id": item["id"], "input": item}) for item in items]
    )


def test_one_user_with_very_many_items_does_not_delay_others(deployment):
    """Ten users with ten items each, first alone and then beside one with very many in another partition."""
    many = int(os.environ.get("GREEDY_ITEMS", "20000"))
    deployment.twin.start(latency_ms=200)
    start(deployment, 2, **ONE_ITEM)

    def seconds_for_ten_users(turn):
        before = len(deployment.twin.journal())
        for number in range(10):
            ask_as(deployment, f"{turn}-{number}-", {1, 2, 3}, 10)

        def calls():
            return [call for call in deployment.twin.journal()[before:] if call["items"][0].startswith(turn)]

        wait_for(lambda: sum(call["completed_ms"] is not None for call in calls()) == 100, 120, "their items are answered")
        return (max(call["completed_ms"] for call in calls()) - min(call["received_ms"] for call in calls())) / 1_000

    alone = seconds_for_ten_users("alone")
    ask_as(deployment, "greedy", {0}, many)
    wait_for(lambda: len(deployment.twin.journal()) > 150, 30, "the greedy user is served")
    beside = seconds_for_ten_users("beside")
    print(f"alone {alone:.2f} s, beside a greedy user {beside:.2f} s: {beside / alone:.2f}")
    assert beside <= 1.5 * alone
