"""llmbatchctl against a real broker, checked by a client that isn't its own."""

import json
import os
import pty
import subprocess
import time

import pytest
from confluent_kafka import Producer

from harness import paths
from harness.daemon import to_toml
from harness.deployment import TASK
from harness.schemas import assert_valid

DONE, FAILURE, USAGE, LEFT_OVER, TOO_LATE, CONFIGURATION = 0, 1, 2, 3, 4, 78
LLMBATCHCTL = paths.BIN / "llmbatchctl"

MALFORMED = {
    b"not-json": ("not_json", b"this is no JSON"),
    b"wrong-type": ("wrong_type", json.dumps({"kind": "item", "id": 7, "task": TASK, "text": "x"}).encode()),
    b"not-utf8": ("not_utf8", b'{"kind":"item","id":"x","task":"a","text":"\xff\xfe\x00"}'),
    b"tombstone": ("tombstone", None),
}
HEADERS = [("trace", b"t1"), ("bytes", b"\xff\x00\x80"), ("authorization", b"Bearer canary")]


class Ctl:
    """The program with a configuration of its own."""

    def __init__(self, deployment, config=None):
        self._file = deployment.folder / "ctl.toml"
        self._file.write_text(to_toml(config or deployment.config(redis=None)), encoding="utf-8")

    def command(self, *arguments):
        return [str(LLMBATCHCTL), *map(str, arguments), "--config", str(self._file)]

    def run(self, *arguments, stdin=b""):
        return subprocess.run(self.command(*arguments), input=stdin, capture_output=True, timeout=90, check=False)

    def lines(self, *arguments, expect=DONE):
        """The JSON lines that it writes."""
        done = self.run(*arguments, "--json")
        assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def on_terminal(self, *arguments, answer=b""):
        """Exit code and output of a run whose input and output are a terminal."""
        master, terminal = pty.openpty()
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *self.command(*arguments)], stdin=terminal, stdout=terminal, stderr=terminal
        )  # fmt: skip
        os.close(terminal)
        os.write(master, answer)
        output = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            output += part
        os.close(master)
        return process.wait(30), output.decode()


def make_letters(deployment, messages, config=None, topic=None):
    """Has the daemon put these aside, and stops it. Gives the records of the dead letters' topic by key."""
    topics = deployment.topics
    deployment.twin.start()
    deployment.start(config=config or deployment.config(redis=None))
    topics.produce(topic or topics.requests, messages)
    letters = topics.reader(topics.dead_letters).until_count(len(messages), 60)
    deployment.stop()
    return {letter.key: letter for letter in letters}


@pytest.fixture
def letters(deployment):
    return make_letters(deployment, [(key, value, HEADERS) for key, (_, value) in MALFORMED.items()])


def replayed(deployment, topic=None):
    topics = deployment.topics
    records = topics.reader(topic or topics.requests).to_the_end()
    return [record for record in records if "llmbatch-origin" in record.headers]


def test_list_tells_what_was_put_aside_and_why(deployment, letters):
    listed = Ctl(deployment).lines("dlq", "list")

    assert {(row["partition"], row["offset"]): row["reason"] for row in listed} == {
        (letter.partition, letter.offset): MALFORMED[key][0] for key, letter in letters.items()
    }
    assert all(row["origin"]["topic"] == deployment.topics.requests and row["replayable"] for row in listed)
    assert [row["at"] for row in listed] == sorted(row["at"] for row in listed)
    assert {row["reason"]: row.get("task") for row in listed} == {
        "not_json": None, "wrong_type": TASK, "not_utf8": None, "tombstone": None
    }  # fmt: skip


def test_table_has_one_line_a_letter(deployment, letters):
    done = Ctl(deployment).run("dlq", "list")
    lines = done.stdout.decode().splitlines()
    assert done.returncode == DONE
    assert lines[0].split() == ["PLACE", "TIME", "REASON", "ORIGIN", "SIZE", "TASK", "REPLAY"]
    places = {f"{letter.partition}@{letter.offset}" for letter in letters.values()}
    assert {line.split()[0] for line in lines[1:]} == places


def test_filters(deployment, letters):
    ctl = Ctl(deployment)

    def reasons(*filters):
        return sorted(row["reason"] for row in ctl.lines("dlq", "list", *filters))

    everything = sorted(reason for reason, _ in MALFORMED.values())
    assert reasons("--reason", "not_json") == ["not_json"]
    assert reasons("--task", TASK) == ["wrong_type"]
    assert reasons("--since", "1h") == everything
    assert reasons("--until", "1h") == []
    assert reasons("--since", "2100-01-01T00:00:00Z") == []
    assert len(reasons("--limit", "3")) == 3
    assert b"1 more match" in ctl.run("dlq", "list", "--limit", "3").stderr


def test_show_tells_headers_and_the_value_only_when_asked(deployment, letters):
    ctl = Ctl(deployment)
    letter = letters[b"not-utf8"]
    place = f"{letter.partition}@{letter.offset}"

    page = ctl.run("dlq", "show", place)
    assert page.returncode == DONE
    assert b"trace: t1" in page.stdout and b"not-utf8" in page.stdout
    assert b"canary" not in page.stdout
    assert b'"kind"' not in page.stdout

    value = ctl.run("dlq", "show", place, "--value")
    assert (value.returncode, value.stdout) == (DONE, MALFORMED[b"not-utf8"][1])
    assert ctl.run("dlq", "show", "0@99999").returncode == FAILURE
    assert ctl.run("dlq", "show", "0-9").returncode == USAGE


def test_replay_publishes_the_originals_with_their_identity(deployment, letters):
    topics = deployment.topics
    sent = {record.key: record for record in topics.reader(topics.requests).to_the_end()}

    rows = Ctl(deployment).lines("dlq", "replay", "--all")

    assert [row["status"] for row in rows] == ["replayed"] * len(MALFORMED)
    again = {record.key: record for record in replayed(deployment)}
    assert set(again) == set(MALFORMED)
    for key, record in again.items():
        origin = f"{topics.requests}/{sent[key].partition}/{sent[key].offset}".encode()
        assert record.value == sent[key].value == MALFORMED[key][1]
        assert record.headers == sent[key].headers | {"llmbatch-origin": origin}


def test_replay_of_what_was_chosen(deployment, letters):
    ctl = Ctl(deployment)
    chosen = letters[b"wrong-type"]
    place = f"{chosen.partition}@{chosen.offset}"

    assert ctl.run("dlq", "replay").returncode == USAGE
    assert ctl.run("dlq", "replay", "3@9999").returncode == FAILURE
    rows = ctl.lines("dlq", "replay", "--reason", "not_json", "--dry-run")
    assert [row["status"] for row in rows] == ["would_replay"]
    assert replayed(deployment) == []

    assert ctl.run("dlq", "replay", place).returncode == DONE
    assert [record.key for record in replayed(deployment)] == [b"wrong-type"]


def test_letter_of_a_message_that_did_not_fit_is_refused(deployment):
    small = deployment.config(redis=None, kafka={"max_message_bytes": 3000})
    make_letters(deployment, [("large", b"x" * 5000), ("small", b"no JSON")], config=small)
    ctl = Ctl(deployment)

    rows = {row["reason"]: row for row in ctl.lines("dlq", "list")}
    assert (rows["too_large"]["bytes"], rows["too_large"]["replayable"]) == (5000, False)

    rows = ctl.lines("dlq", "replay", "--all", expect=LEFT_OVER)
    assert sorted(row["status"] for row in rows) == ["refused", "replayed"]
    assert "value" in next(row["why"] for row in rows if row["status"] == "refused")
    assert [record.key for record in replayed(deployment)] == [b"small"]
    assert ctl.run("dlq", "replay", "--all", "--dry-run").returncode == LEFT_OVER


def test_letter_is_replayed_only_to_topics_that_are_read(deployment):
    topics = deployment.topics
    payments = topics.name("payments")
    topics.create(payments, 1)
    forged = [("dlq-topic", payments), ("dlq-partition", "0"), ("dlq-offset", "0"), ("dlq-reason", "not_json")]
    topics.produce(topics.dead_letters, [("k", b"1000000", forged)])

    rows = Ctl(deployment).lines("dlq", "replay", "--all", expect=LEFT_OVER)

    assert [row["status"] for row in rows] == ["refused"]
    assert topics.reader(payments).to_the_end() == []


def test_replay_of_what_is_in_the_ledger_costs_nothing(deployment):
    topics = deployment.topics
    tickets = topics.name("tickets")
    topics.create(tickets, 2)
    deployment.redis.start()
    # Before anybody bound the topic to a task, its texts were no messages.
    unbound = deployment.config(kafka={"requests": [topics.requests, tickets]})
    make_letters(deployment, [("t1", b"I was charged twice")], config=unbound, topic=tickets)
    bound = deployment.config(kafka={"bindings": [{"topic": tickets, "task": TASK}]})
    deployment.start(config=bound)
    results = topics.reader(topics.results)
    ctl = Ctl(deployment, bound)

    ctl.lines("dlq", "replay", "--task", TASK)
    results.until_count(1, 60)
    ctl.lines("dlq", "replay", "--task", TASK)
    first, second = results.until_count(2, 60)
    deployment.stop()

    assert first.json["status"] == "ok"
    assert len(deployment.twin.journal()) == 1
    assert second.message_id == first.message_id
    assert second.json["output"] == first.json["output"]


def test_list_ends_behind_transactions(deployment):
    topics = deployment.topics
    producer = Producer(
        {"bootstrap.servers": deployment.kafka.bootstrap, "transactional.id": topics.group, "log_level": 0}
    )
    producer.init_transactions(60)
    ctl = Ctl(deployment)

    def values():
        return [row["bytes"] for row in ctl.lines("dlq", "list", "--timeout", "20")]

    producer.begin_transaction()
    producer.produce(topics.dead_letters, b"1", "k")
    producer.commit_transaction(60)
    topics.reader(topics.dead_letters).until_count(1, 60)  # the broker marks the end of it a moment later
    assert values() == [1]  # the last offset is the mark of the commit, which is no record
    producer.begin_transaction()
    producer.produce(topics.dead_letters, b"22", "k")
    producer.flush(60)
    assert values() == [1]  # nobody knows yet whether it counts
    producer.abort_transaction(60)
    assert values() == [1]


def test_more_than_a_few_are_replayed_on_a_terminal_only_if_people_say_so(deployment):
    make_letters(deployment, [(f"k{n}", b"no JSON") for n in range(11)])
    ctl = Ctl(deployment)

    code, output = ctl.on_terminal("dlq", "replay", "--all", answer=b"n\n")
    assert code == FAILURE and "replay 11 letters?" in output
    assert replayed(deployment) == []

    code, output = ctl.on_terminal("dlq", "replay", "--all", answer=b"y\n")
    assert code == DONE and "11 replayed" in output
    assert len(replayed(deployment)) == 11

    code, output = ctl.on_terminal("dlq", "replay", "--all", "--yes")
    assert code == DONE and "replay 11 letters?" not in output


def test_absent_broker_is_an_error_in_time(deployment):
    ctl = Ctl(deployment, deployment.config(redis=None, kafka={"brokers": "127.0.0.1:1"}))
    for command in (("dlq", "list"), ("dlq", "replay", "--all"), ("watch", "j")):
        done = ctl.run(*command, "--timeout", "1")
        assert done.returncode in (FAILURE, TOO_LATE), command
        assert done.stderr


# ── jobs and items ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def running(deployment):
    deployment.twin.start(latency_ms=20)
    deployment.start(config=deployment.config(redis=None))
    return deployment


def test_job_from_flags_is_followed_to_its_result(running):
    inputs = "".join(json.dumps({"id": f"n{n}", "text": f"conversation {n}"}) + "\n" for n in range(60))
    done = Ctl(running).run(
        "submit", "--task", TASK, "--user", "u1", "--job-id", "j1", "--items", "-", "--watch", stdin=inputs.encode()
    )

    assert done.returncode == DONE, done.stderr
    told = done.stdout.decode().splitlines()
    assert told[0] == f"submitted job j1 to {running.topics.requests}"
    messages = [json.loads(line) for line in told[1:]]
    for message in messages:
        assert_valid(message["kind"], message)
    assert {message["kind"] for message in messages[:-1]} == {"progress"}
    assert messages[-1]["kind"] == "job_result"
    assert [item["id"] for item in messages[-1]["results"]] == [f"n{n}" for n in range(60)]


def test_job_from_a_file_that_ends_in_part(running, tmp_path):
    message = {
        "kind": "job", "job_id": "j2", "workflow": "map", "task": TASK, "user_id": "u1",
        "items": [{"id": "good", "text": "hello"}, {"id": "bad", "text": "word " * 20_000}],
    }  # fmt: skip
    file = tmp_path / "job.json"
    file.write_text(json.dumps(message, indent=2), encoding="utf-8")
    ctl = Ctl(running)

    assert ctl.lines("submit", file)[0]["job_id"] == "j2"
    code, output = ctl.on_terminal("watch", "j2")

    assert code == LEFT_OVER, output
    assert "j2 completed: 2 items, 1 failed" in output
    assert "1 item_too_large" in output
    # Once more, when all of it is in the past.
    assert ctl.lines("watch", "j2", expect=LEFT_OVER)[-1]["kind"] == "job_result"


def test_all_jobs_of_a_user(running):
    ctl = Ctl(running)
    running.twin.script(latency_ms=15000)
    for number in range(3):
        submit = ("submit", "--task", TASK, "--user", "u9", "--job-id", f"j9-{number}", "--text", "a text")
        assert ctl.run(*submit).returncode == DONE
    ctl.run("submit", "--task", TASK, "--user", "u8", "--job-id", "j8", "--text", "a text")
    progress = running.topics.reader(running.topics.progress)
    progress.until(lambda records: {record.json["job_id"] for record in records} >= {"j9-0", "j9-1", "j9-2"}, 60, "they begin")
    messages = ctl.lines("watch", "--user", "u9")
    assert {message["job_id"] for message in messages} == {"j9-0", "j9-1", "j9-2"}
    assert [message["kind"] for message in messages].count("job_result") == 3
    code, output = ctl.on_terminal("watch", "--user", "u9")
    assert code == DONE and "no job of u9 is under way" in output


def test_terminal_gets_a_bar(running):
    # Long enough to be seen while it runs, also where all else is slow.
    running.twin.script(latency_ms=1500)
    lines = "".join(json.dumps(f"text {n}") + "\n" for n in range(100))
    file = running.folder / "lines.jsonl"
    file.write_text(lines, encoding="utf-8")
    code, output = Ctl(running).on_terminal(
        "submit", "--task", TASK, "--user", "u1", "--job-id", "j3", "--items", file, "--watch"
    )
    assert code == DONE, output
    assert "j3 [####" in output
    assert "j3 completed: 100 items" in output


def test_refused_job_ends_at_once(running):
    ctl = Ctl(running)
    unknown = running.config(redis=None, tasks={"elsewhere": running.config()["tasks"][TASK]})
    done = Ctl(running, unknown).run("submit", "--task", "elsewhere", "--user", "u", "--text", "x", "--watch")
    assert done.returncode == 5, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["error"]["code"] == "unknown_task"
    assert ctl.run("watch", "never-sent", "--timeout", "2").returncode == TOO_LATE


def test_watch_looks_back_as_far_as_it_is_told(deployment):
    topics = deployment.topics
    result = {"kind": "job_result", "job_id": "old", "status": "completed", "partial": False, "results": []}
    producer = Producer({"bootstrap.servers": deployment.kafka.bootstrap, "log_level": 0})
    three_hours_ago = int((time.time() - 3 * 3600) * 1000)
    producer.produce(topics.results, json.dumps(result).encode(), "old", timestamp=three_hours_ago)
    assert producer.flush(60) == 0
    ctl = Ctl(deployment)

    assert ctl.run("watch", "old", "--timeout", "3").returncode == TOO_LATE
    assert ctl.lines("watch", "old", "--since", "4h", "--timeout", "30") == [result]


def test_item_from_flags(running):
    topics = running.topics
    done = Ctl(running).run("submit", "--task", TASK, "--item-id", "i1", "--input", '{"id": "i1", "text": "hello"}')
    assert done.returncode == DONE, done.stderr
    (result,) = topics.reader(topics.results).until_count(1, 60)
    assert (result.json["id"], result.json["status"]) == ("i1", "ok")


def test_message_that_llmbatchd_would_refuse_is_not_sent(deployment):
    ctl = Ctl(deployment)
    for arguments, told in (
        (("--task", TASK, "--text", "x"), b"user_id: missing"),
        (("--task", "analyse", "--user", "u", "--text", "x"), b"did you mean 'analyze'?"),
        (("--task", TASK, "--user", "u", "--text", "x", "--priority", "12"), b"priority"),
        (("--task", TASK, "--user", "u", "--text", "x", "--topic", "elsewhere"), b"elsewhere"),
        ((), b"--task"),
        (("--task", TASK, "--user", "u", "--text", "x", "-"), b"file"),
    ):
        done = ctl.run("submit", *arguments)
        assert (done.returncode, told in done.stderr) == (USAGE, True), (arguments, done.stderr)
    assert deployment.topics.reader(deployment.topics.requests).to_the_end() == []


def test_one_job_is_watched_or_those_of_a_user(deployment):
    ctl = Ctl(deployment)
    assert ctl.run("watch").returncode == USAGE
    assert ctl.run("watch", "a-job", "--user", "u").returncode == USAGE


# ── configuration ──────────────────────────────────────────────────────────────────────────────────────────


def test_config_show_tells_values_and_places_and_no_secret(deployment, monkeypatch):
    monkeypatch.setenv("LLMBATCHD_LIMITS__CONCURRENCY", "9")
    config = deployment.config(redis=None, kafka={"properties": {"sasl.password": f"file:{deployment.key_file}"}})
    ctl = Ctl(deployment, config)

    rows = {(row["section"], row["key"]): row for row in ctl.lines("config", "show")}

    assert rows["limits", "concurrency"] == {
        "section": "limits", "key": "concurrency", "value": "9", "source": "$LLMBATCHD_LIMITS__CONCURRENCY"
    }  # fmt: skip
    assert rows["limits", "drain_timeout"]["source"] == "default"
    file, line = rows["kafka", "brokers"]["source"].rsplit(":", 1)
    assert "brokers" in open(file, encoding="utf-8").read().splitlines()[int(line) - 1]
    shown = ctl.run("config", "show", "--full").stdout.decode()
    assert f'"file:{deployment.key_file}"' in shown
    assert "test-key" not in shown


def test_credentials_of_providers_need_not_be_within_reach(deployment):
    config = deployment.config(redis=None, providers={"twin": {"api_key": "credential:openai"}})
    deployment.topics.reader(deployment.topics.dead_letters).to_the_end()  # the broker knows it by now
    assert Ctl(deployment, config).lines("dlq", "list") == []


def test_prices_check(deployment):
    def check(as_of):
        prices = deployment.folder / "prices.toml"
        prices.write_text(
            '[models."twin/other"]\ncontext_window = 1000\nmax_output_tokens = 100\n'
            f'input_usd_per_million = "1"\noutput_usd_per_million = "2"\nas_of = {as_of}\n'
        )
        base = deployment.config(redis=None) | {"prices": str(prices)}
        config = {"prices": base.pop("prices")} | base
        done = Ctl(deployment, config).run("prices", "check", "--json")
        return done.returncode, {row["model"]: row["price"] for row in map(json.loads, done.stdout.splitlines())}

    code, prices = check("2020-01-01")
    assert code == LEFT_OVER
    assert prices == {"twin/test": "undated", "twin/other": "old"}


def test_broken_configuration_is_told_as_llmbatchd_does(deployment):
    done = Ctl(deployment, deployment.config(redis=None, limits={"concurrency": 0})).run("dlq", "list")
    assert done.returncode == CONFIGURATION
    assert b"limits.concurrency" in done.stderr
