"""Messages that can't be processed: each is answered or put aside as it came, and the rest goes on."""

import hashlib
import json

import pytest

from harness.deployment import TASK
from harness.texts import make_inputs

GOOD = 40


def item(**fields):
    return {"kind": "item", "id": "x", "task": TASK, "text": "hello"} | fields


def encoded(value):
    return json.dumps(value, ensure_ascii=False).encode()


def with_member(member):
    return encoded(item())[:-1] + b", " + member + b"}"


# Name: reason that the dead letter gives, value.
DEAD = {
    "no JSON": ("not_json", b"this is no JSON"),
    "half of it": ("not_json", encoded(item())[:-5]),
    "something behind it": ("not_json", encoded(item()) + b"\x00{}"),
    "empty": ("not_json", b""),
    "tombstone": ("tombstone", None),
    "not UTF-8": ("not_utf8", b'{"kind":"item","id":"x","task":"analyze","text":"\xff\xfe"}'),
    "wrong type": ("wrong_type", encoded(item(id=7))),
    "list": ("wrong_type", b"[1, 2, 3]"),
    "missing field": ("missing_field", encoded({"kind": "item", "task": TASK, "text": "hello"})),
    "unknown kind": ("unknown_kind", encoded(item(kind="surprise"))),
    "invalid value": ("invalid_value", encoded(item(priority=10))),
    "too deep": ("too_deep", with_member(b'"metadata": ' + b'{"a":' * 100 + b"1" + b"}" * 100)),
    "duplicate key": ("duplicate_key", with_member(b'"id": "y"')),
}
DLQ_HEADERS = {"dlq-reason", "dlq-detail", "dlq-topic", "dlq-partition", "dlq-offset", "dlq-attempts", "dlq-at"}


@pytest.fixture
def running(deployment):
    deployment.twin.start(latency_ms=20)
    deployment.start(config=deployment.config(redis=None))
    return deployment


def finish(deployment, results):
    """All requests committed, the replica stopped: what was published, by key."""
    topics = deployment.topics
    deployment.wait_until_done()
    deployment.stop()
    published = topics.reader(topics.results).to_the_end()
    dead = topics.reader(topics.dead_letters).to_the_end()
    assert len(published) == results
    return {record.key.decode(): record for record in published}, {record.key.decode(): record for record in dead}


def test_unreadable_messages_go_to_the_dead_letters_as_they_came(running):
    topics = running.topics
    good = make_inputs(GOOD, seed=5, most_bytes=300)
    running.ask(good[: GOOD // 2])
    topics.produce(topics.requests, [(name, value, [("trace", b"t1")]) for name, (_, value) in DEAD.items()])
    running.ask(good[GOOD // 2 :])

    results, dead = finish(running, results=GOOD)

    sent = {r.key.decode(): r for r in topics.reader(topics.requests).to_the_end()}
    assert set(results) == {value["id"] for value in good}
    assert set(dead) == set(DEAD)
    assert {name: letter.headers["dlq-reason"].decode() for name, letter in dead.items()} == {
        name: reason for name, (reason, _) in DEAD.items()
    }
    for name, letter in dead.items():
        assert letter.value == DEAD[name][1], name
        assert letter.headers.keys() >= DLQ_HEADERS | {"trace"}, name
        assert letter.headers["trace"] == b"t1"
        place = [letter.headers[h].decode() for h in ("dlq-topic", "dlq-partition", "dlq-offset")]
        assert place == [topics.requests, str(sent[name].partition), str(sent[name].offset)]


def test_dead_letters_tell_which_field_is_wrong_and_nothing_of_the_content(running):
    topics = running.topics
    topics.produce(topics.requests, [("wrong", encoded(item(id=7, text="my secret")))])

    _, dead = finish(running, results=0)

    assert b"id" in dead["wrong"].headers["dlq-detail"]
    assert b"secret" not in dead["wrong"].headers["dlq-detail"]


def test_sound_messages_that_cannot_be_fulfilled_get_an_error_result(running):
    topics = running.topics
    unfulfillable = {
        "unknown_task": item(id="unknown_task", task="no-such-task"),
        "item_too_large": item(id="item_too_large", text="word " * 20_000),
    }
    topics.produce_json(topics.requests, unfulfillable.items())
    running.ask(make_inputs(GOOD, seed=6, most_bytes=300))

    results, dead = finish(running, results=GOOD + len(unfulfillable))

    assert dead == {}
    for code in unfulfillable:
        assert results[code].json["status"] == "error"
        assert results[code].json["error"]["code"] == code
        assert results[code].json["error"]["retryable"] is False


def test_message_of_seven_megabytes(running):
    topics = running.topics
    large = encoded(item(id="large", text="word " * 1_400_000))
    assert 7_000_000 <= len(large) < 7_100_000
    topics.produce(topics.requests, [("large", large)])
    running.ask(make_inputs(GOOD, seed=7, most_bytes=300))

    results, dead = finish(running, results=GOOD + 1)

    assert dead == {}
    assert results["large"].json["error"]["code"] == "item_too_large"


def test_unreadable_message_of_seven_megabytes_is_kept_whole(running):
    topics = running.topics
    large = b"x" * 7_000_000
    topics.produce(topics.requests, [("large", large)])

    _, dead = finish(running, results=0)

    assert hashlib.sha256(dead["large"].value).digest() == hashlib.sha256(large).digest()
