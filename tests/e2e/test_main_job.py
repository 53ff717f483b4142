"""The main job: items of many sizes and languages through two replicas that share one limit."""

import collections
import dataclasses
import decimal
import subprocess

import pytest

from harness.deployment import MAX_BATCH_ITEMS, MAX_BATCH_TOKENS, Deployment
from harness.schemas import assert_valid
from harness.texts import make_inputs

COUNT = 2000
CONCURRENCY = 5


@dataclasses.dataclass
class Finished:
    folder: object
    deployment: Deployment
    requests: list
    results: list
    summary: dict
    asked: dict


@pytest.fixture(scope="module")
def finished(kafka, tmp_path_factory):
    """The job done and the replicas stopped; each test looks at another side of it."""
    deployment = Deployment(kafka, tmp_path_factory.mktemp("main-job"))
    try:
        deployment.redis.start()
        deployment.twin.start(latency="uniform:20-60")
        deployment.start(replicas=2)
        deployment.ask(make_inputs(COUNT, seed=1), metadata={"source": "e2e"})
        results = deployment.topics.reader(deployment.topics.results)
        results.until_count(COUNT, 240)
        deployment.wait_until_done()
        deployment.stop()
        yield Finished(
            folder=deployment.folder,
            deployment=deployment,
            requests=deployment.topics.reader(deployment.topics.requests).to_the_end(),
            results=results.to_the_end(),
            summary=deployment.twin.summary(),
            asked=deployment.twin.items(),
        )
    finally:
        deployment.close()


def test_every_id_has_exactly_one_result(finished):
    counts = collections.Counter(record.json["id"] for record in finished.results)
    assert counts == {record.json["id"]: 1 for record in finished.requests}


def test_every_result_is_ok_and_answers_its_own_item(finished):
    for record in finished.results:
        result = record.json
        assert result["status"] == "ok", result
        assert result["output"]["summary"] == f"summary of {result['id']}"


def test_results_keep_key_origin_and_metadata_of_their_request(finished):
    sent = {record.json["id"]: record for record in finished.requests}
    for record in finished.results:
        request = sent[record.json["id"]]
        origin = {"topic": request.topic, "partition": request.partition, "offset": request.offset}
        assert record.key == request.key
        assert record.json["origin"] == origin
        assert record.json["metadata"] == {"source": "e2e"}


def test_results_match_their_schema(finished):
    for record in finished.results:
        assert record.headers["content-type"] == b"application/json"
        assert_valid("item_result", record.json)


def test_message_ids_differ(finished):
    assert len({record.message_id for record in finished.results}) == COUNT


def test_nothing_went_to_the_dead_letters(finished):
    topics = finished.deployment.topics
    assert topics.reader(topics.dead_letters).to_the_end() == []


def test_both_replicas_together_keep_the_limit_and_use_it(finished):
    assert finished.summary["highest_concurrency"] == CONCURRENCY


def test_no_batch_is_above_its_bounds(finished):
    assert finished.summary["max_items_per_request"] <= MAX_BATCH_ITEMS
    assert finished.summary["max_prompt_tokens"] <= MAX_BATCH_TOKENS


def test_items_share_prompts(finished):
    assert finished.summary["requests"] <= COUNT / 3


def test_no_item_is_asked_for_twice(finished):
    assert {id: counts["asked"] for id, counts in finished.asked.items()} == {
        record.json["id"]: 1 for record in finished.requests
    }


def test_tokens_of_the_items_add_up_to_those_of_the_calls(finished):
    for kind, asked in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
        assert sum(record.json["usage"][kind] for record in finished.results) == finished.summary[asked]


def test_costs_of_the_items_add_up_to_the_price_of_the_calls(finished):
    paid = sum(decimal.Decimal(record.json["cost_usd"]) for record in finished.results)
    tokens = finished.summary["prompt_tokens"] + 2 * finished.summary["completion_tokens"]
    assert paid == decimal.Decimal(tokens) / 1_000_000


def test_kcat_reads_the_same_results(finished):
    topics = finished.deployment.topics
    read = subprocess.run(
        ["kcat", "-C", "-q", "-e", "-b", finished.deployment.kafka.bootstrap, "-t", topics.results,
         "-o", "beginning", "-f", "%k\n"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert sorted(read.stdout.split()) == sorted(record.json["id"] for record in finished.requests)
