"""An existing topic bound to a task: its values, as they are, become the inputs of items."""

import collections
import json

import pytest

TRACE = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


@pytest.fixture
def tickets(deployment):
    """A topic that was there before, and the replica that now listens to it."""
    topics = deployment.topics
    topic = topics.name("support.tickets")
    topics.create(topic, topics.partitions)
    deployment.twin.start(latency_ms=20)
    bound = {"bindings": [{"topic": topic, "task": "analyze"}]}
    deployment.start(config=deployment.config(redis=None, kafka=bound))
    deployment.wait_until_assigned(topic)
    return topic


def finish(deployment, topic):
    deployment.wait_until_done(topic=topic)
    deployment.stop()
    topics = deployment.topics
    assert topics.reader(topics.dead_letters).to_the_end() == []
    return topics.reader(topics.results).to_the_end()


def test_json_and_plain_text_values(deployment, tickets):
    values = [(b"json", json.dumps({"id": "t1", "subject": "Größe"}).encode()), (b"text", "Wo ist mein Paket?".encode())]
    deployment.topics.produce(tickets, values)

    results = {record.key: record.json for record in finish(deployment, tickets)}

    assert {key: result["status"] for key, result in results.items()} == {b"json": "ok", b"text": "ok"}
    assert results[b"json"]["output"]["summary"] == "summary of t1"


def test_id_is_the_key_and_keys_may_repeat(deployment, tickets):
    values = [(f"customer-{n % 7}".encode(), f"message {n}".encode()) for n in range(70)]
    deployment.topics.produce(tickets, values)

    results = finish(deployment, tickets)

    assert collections.Counter(record.json["id"] for record in results) == {f"customer-{n}": 10 for n in range(7)}
    assert len({record.message_id for record in results}) == 70
    assert all(record.key.decode() == record.json["id"] for record in results)


def test_values_without_a_key_are_answered(deployment, tickets):
    deployment.topics.produce(tickets, [(None, b"no key at all")])

    (result,) = finish(deployment, tickets)

    assert result.json["status"] == "ok"
    assert result.key is None


def test_headers_are_carried_over_but_not_secrets(deployment, tickets):
    secrets = [("Authorization", b"Bearer s3cret"), ("cookie", b"s3cret"), ("X-Api-Key", b"s3cret"), ("api-key", b"s3cret")]
    headers = [TRACE, ("correlation-id", b"c-1"), *secrets]
    deployment.topics.produce(tickets, [(b"k", b"hello", headers)])

    (result,) = finish(deployment, tickets)

    assert result.headers["traceparent"] == TRACE[1]
    assert result.headers["correlation-id"] == b"c-1"
    assert not {name for name, value in result.headers.items() if b"s3cret" in value}
