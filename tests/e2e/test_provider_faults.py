"""A provider that fails in many ways: every item still ends, and no request is sent behind the daemon's back."""

import collections
import decimal

import pytest

from harness.texts import make_inputs

COUNT = 160

ERRORS = {
    "rate limit with Retry-After": {"error_rate": {"429": 0.3}, "retry_after_seconds": 0.2},
    "server errors": {"error_rate": {"500": 0.2, "503": 0.1}, "retry_after_seconds": 0.1},
    "connections reset": {"error_rate": {"reset": 0.2}},
    "answers cut off on the wire": {"error_rate": {"close_mid_body": 0.2}},
    "connections half closed": {"error_rate": {"half_close": 0.2}},
}
WRONG_ANSWERS = {
    "truncated": {"answer_fault": {"truncated": 0.3}},
    "ids missing": {"answer_fault": {"missing": 0.15}},
    "ids twice": {"answer_fault": {"duplicated": 0.3}},
    "ids of nobody": {"answer_fault": {"foreign": 0.3}},
    "garbled": {"answer_fault": {"garbled": 0.2}},
    "empty": {"answer_fault": {"empty": 0.2}},
    "in a code fence, with prose around": {"answer_fault": {"fenced": 0.4, "prose": 0.4}},
}


def run(deployment, behaviour, **changes):
    """Answers COUNT items by a provider that behaves like that; gives their results by id."""
    deployment.twin.start()
    deployment.twin.script(seed=11, latency_ms=10, **behaviour)
    # Chance follows the items of a call: there have to be enough calls for every fault to happen.
    changes.setdefault("tasks", {}).setdefault("analyze", {})["max_batch_items"] = 4
    deployment.start(config=deployment.config(redis=None, **changes))
    inputs = make_inputs(COUNT, seed=8, most_bytes=1500)
    deployment.ask(inputs)
    deployment.wait_until_done(timeout_s=120)
    topics = deployment.topics
    records = topics.reader(topics.results).to_the_end()
    assert collections.Counter(record.json["id"] for record in records) == {value["id"]: 1 for value in inputs}
    return {record.json["id"]: record.json for record in records}


def assert_answers_are_right(results):
    for id, result in results.items():
        assert result["status"] == "ok", result
        assert result["output"]["summary"] == f"summary of {id}"


def assert_every_request_is_accounted_for(deployment):
    """The provider has seen as many requests as the daemon says that it made."""
    made = deployment.daemons[0].metric("llmbatchd_provider_requests_total")
    assert deployment.twin.summary()["requests"] == made


@pytest.mark.parametrize("behaviour", ERRORS.values(), ids=ERRORS.keys())
def test_transient_errors_are_tried_again(deployment, behaviour):
    results = run(deployment, behaviour)

    assert deployment.twin.summary()["by_fault"], "the fault never happened"
    assert_answers_are_right(results)
    assert_every_request_is_accounted_for(deployment)


@pytest.mark.parametrize("behaviour", WRONG_ANSWERS.values(), ids=WRONG_ANSWERS.keys())
def test_wrong_answers_are_repaired_or_asked_again(deployment, behaviour):
    results = run(deployment, behaviour, tasks={"analyze": {"max_item_attempts": 10}})

    assert deployment.twin.summary()["by_fault"], "the fault never happened"
    assert_answers_are_right(results)
    assert_every_request_is_accounted_for(deployment)


def test_retry_after_is_waited_for(deployment):
    refuse_once = {"next": [{"fault": "429", "retry_after_seconds": 2}]}
    run(deployment, refuse_once, limits={"concurrency": 1})

    refused, following = deployment.twin.journal()[:2]
    assert refused["status"] == 429
    assert following["received_ms"] - refused["received_ms"] >= 1900


def test_attempt_that_timed_out_stands_beside_the_exact_cost(deployment):
    results = run(deployment, {"next": [{"fault": "timeout"}]}, tasks={"analyze": {"timeout": "3s"}})

    assert_answers_are_right(results)
    daemon = deployment.daemons[0]

    def paid(name, metric):
        total = sum(decimal.Decimal(result.get(name, "0")) for result in results.values())
        assert float(total) == pytest.approx(daemon.metric(metric))
        return total

    # The prices are $1 and $2 for a million tokens: what the provider reported is paid to the last digit …
    used = collections.Counter()
    for result in results.values():
        used.update(result["usage"])
    assert paid("cost_usd", "llmbatchd_cost_usd_total") * 10**6 == used["input_tokens"] + 2 * used["output_tokens"]
    # … and the one call without a report may have cost an answer of 4,000 tokens, and the input of four items.
    doubted = [result for result in results.values() if "cost_in_doubt_usd" in result]
    assert 1 <= len(doubted) <= 4
    in_doubt = paid("cost_in_doubt_usd", "llmbatchd_cost_in_doubt_usd_total")
    assert decimal.Decimal("0.008") < in_doubt < decimal.Decimal("0.016")
    assert daemon.metric("llmbatchd_calls_repeated_total", reason="timeout") == 1


def test_poisonous_item_fails_alone(deployment):
    results = run(deployment, {"match": [{"text_contains": '"n00007"', "fault": "content_filter"}]})

    poisoned = results.pop("n00007")
    assert (poisoned["status"], poisoned["error"]["code"]) == ("error", "content_filtered")
    assert_answers_are_right(results)


@pytest.mark.parametrize(
    "behaviour, code",
    [
        ({"error_rate": {"400": 1}}, "provider_rejected"),
        ({"answer_fault": {"garbled": 1}}, "answer_invalid"),
        ({"answer_fault": {"missing": 1}}, "answer_missing_item"),
    ],
)
def test_fault_that_stays_ends_every_item_with_its_error(deployment, behaviour, code):
    results = run(deployment, behaviour)

    assert collections.Counter((result["status"], result["error"]["code"]) for result in results.values()) == {
        ("error", code): COUNT
    }
    assert_every_request_is_accounted_for(deployment)


def test_fallback_is_the_output_of_an_item_that_nobody_answers(deployment):
    fallback = {"label": "unknown"}
    config = deployment.config(redis=None, tasks={"analyze": {"fallback": fallback}})
    deployment.twin.start()
    deployment.twin.script(match=[{"text_contains": '"n00003"', "fault": "missing"}])
    deployment.start(config=config)
    deployment.ask(make_inputs(10, seed=9, most_bytes=300))
    deployment.wait_until_done()

    topics = deployment.topics
    results = {r.json["id"]: r.json for r in topics.reader(topics.results).to_the_end()}
    assert results.pop("n00003")["status"] == "fallback"
    assert_answers_are_right(results)
