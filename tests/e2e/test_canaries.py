"""Keys, prompts, items and answers stay where they belong, at the most talkative settings and when all goes wrong."""

import json
import os
import pathlib
import subprocess
import tempfile

import pytest

from harness.canaries import assert_absent, forms
from harness.daemon import LLMBATCHD, to_toml
from harness.deployment import TASK
from harness.parrot import WAYS, Parrot
from harness.paths import BIN
from harness.waiting import wait_for

# A provider's key looks like a name, so that it would pass for a code; the others need encoding.
SECRETS = {
    "the provider's key": "sk-canary-Qx7_provider.0aZ",
    "the Redis password": "canary redis/+=&?%7f\"\\Qx7",
    "the SASL password": "canary;kafka/+=&?%41<Qx7>",
    "the key's password": "canary-ssl/Qx7+key=password",
}
# What a task says.
PROMPTS = {
    "the system text": "CanarySystemQx7 ünter \"quotes\"",
    "the prompt": "CanaryPromptQx7 with\ttabs & <tags>",
    "a variable": "CanaryVariableQx7/+=",
}
# What an item says.
INPUTS = {
    "an input's text": "CanaryInputQx7 «ёж» ?&=%",
    "an input's name": "CanaryNameQx7",
    "a malformed field": "CanaryFieldQx7",
}
ANSWERS = {"an answer": "CanaryAnswerQx7 \"in\" 日本/+"}
# What is echoed to where its sender looks for it, and to nowhere else.
ECHOED = {
    "an item's id": "CanaryIdQx7",
    "a user": "CanaryUserQx7",
    "a record's key": "CanaryKeyQx7",
    "metadata": "CanaryMetadataQx7",
    "a header": "CanaryHeaderQx7",
    "a job's id": "CanaryJobQx7",
    "a task's name": "CanaryTaskQx7",
}
EVERYTHING = SECRETS | PROMPTS | INPUTS | ANSWERS | ECHOED
SCHEMA = {"type": "object", "required": ["label"], "properties": {"label": {"type": "string", "maxLength": 100}}}


def write_secret(deployment, name):
    file = deployment.folder / f"{name}.secret".replace(" ", "-").replace("'", "")
    file.write_text(SECRETS[name] + "\n")
    return f"file:{file}"


def config(deployment, parrot):
    (deployment.folder / "answer.schema.json").write_text(json.dumps(SCHEMA))
    task = {
        "system": PROMPTS["the system text"],
        "prompt": PROMPTS["the prompt"] + " {{variable}}\n{{items_json}}",
        "variables": {"variable": PROMPTS["a variable"]},
        "output_schema": "answer.schema.json",
        "max_batch_items": 1,
        "max_attempts": 2,
        "max_item_attempts": 2,
        "linger_ms": 0,
    }
    base = deployment.config()
    provider = {
        "api": "openai",
        "base_url": parrot.base_url,
        "allow_private": True,
        "api_key": write_secret(deployment, "the provider's key"),
    }
    return deployment.config(
        kafka={
            "properties": {
                "debug": "all",
                "sasl.password": write_secret(deployment, "the SASL password"),
                "ssl.key.password": write_secret(deployment, "the key's password"),
            }
        },
        redis={"user": "canary", "password": write_secret(deployment, "the Redis password")},
        providers={"twin": provider, "locked": provider},
        models={"locked/test": base["models"]["twin/test"]},
        tasks={TASK: task, "locked": base["tasks"][TASK] | task | {"route": ["locked/test"]}},
    )


def item(number, words, **fields):
    return {
        "kind": "item",
        "id": ECHOED["an item's id"] + f"-{number}",
        "task": TASK,
        "input": {INPUTS["an input's name"]: INPUTS["an input's text"] + " " + words},
        "user_id": ECHOED["a user"],
        "metadata": {"note": ECHOED["metadata"]},
    } | fields


def malformed():
    """Messages that are refused, with a canary at the place that is to blame."""
    name, text = INPUTS["a malformed field"], INPUTS["an input's text"]
    yield from (text, f'{{"{text}', f'["{text}"]', json.dumps(text), f'{{"{name}": 1, "{name}": 2}}')
    yield from (json.dumps(item(0, "", **fields)) for fields in (
        {"kind": name}, {"input": text}, {"input": None}, {"id": [text]}, {"task": {name: 1}}, {"user_id": "\u0007" + name},
        {"priority": text}, {"deadline": text}, {"max_cost_usd": text}, {"metadata": text}, {"real_time": text},
        {"input": {"a": 1}, "text": text}, {"metadata": {name: "x" * 20_000}},
    ))  # fmt: skip
    yield f'{{"kind": "item", "id": "1", "task": "{TASK}", "input": {{"{name}": 1, "{name}": 2}}}}'
    job = {"kind": "job", "job_id": name, "workflow": [text], "task": TASK, "user_id": name, "items": [item(1, text)]}
    yield json.dumps(job)
    yield json.dumps(job | {"workflow": "map", "items": [{"id": text}]})
    yield json.dumps(job | {"workflow": "map", "items": [item(1, text), item(1, text)]})


def ask_everything(deployment):
    """Writes messages of every fate; gives how many results and dead letters they make."""
    key, headers = ECHOED["a record's key"], [("x-note", ECHOED["a header"].encode())]
    values = [json.dumps(item(n, f"way={way}")) for n, way in enumerate(sorted(WAYS))]
    values.append(json.dumps(item("u", "way=good", task=ECHOED["a task's name"])))
    values.append(json.dumps(item("l", "way=good", deadline="2001-01-01T00:00:00Z")))
    job = {"kind": "job", "job_id": ECHOED["a job's id"], "workflow": "map", "task": TASK, "user_id": ECHOED["a user"]}
    values.append(json.dumps(job | {"items": [item("g", "way=good"), item("b", "way=400")]}))
    letters = list(malformed())
    messages = [(key, value.encode(), headers) for value in values + letters]
    deployment.topics.produce(deployment.topics.requests, messages)
    return len(values) + 2, len(letters)


@pytest.fixture
def parrot():
    made = Parrot(ANSWERS["an answer"])
    yield made
    made.close()


def redis_content(connection):
    """Every key and value of the server as bytes, but the messages of jobs: they are kept for a retry."""
    readers = {
        b"string": lambda key: [connection.get(key) or b""],
        b"hash": lambda key: [part for pair in connection.hgetall(key).items() if pair[0] != b"request" for part in pair],
        b"zset": lambda key: connection.zrange(key, 0, -1),
        b"none": lambda _: [],  # It has expired since.
    }
    content = []
    for key in connection.keys():
        content += [key, *readers[connection.type(key)](key)]
    return b"\n".join(content)


def without_echo(result):
    """What the daemon itself says in a result's message."""
    said = {name: value for name, value in result.items() if name not in ("id", "job_id", "user_id", "task", "metadata")}
    if "results" in said:
        said["results"] = [without_echo(each) for each in said["results"]]
    return said


def test_nothing_gets_out(deployment, parrot):
    deployment.redis.start()
    # The daemon is refused at first, so that what it says of that is read too.
    daemon = deployment.start(config=config(deployment, parrot), arguments=["--log-level", "debug"])[0]
    wait_for(lambda: "Redis is away" in daemon.log.read_text(), 30, "Redis refuses")
    connection = deployment.redis.connection()
    connection.acl_setuser(
        "canary", enabled=True, passwords=["+" + SECRETS["the Redis password"]], keys="*", channels="*", commands=["+@all"]
    )
    results, letters = ask_everything(deployment)
    topics = deployment.topics
    records = topics.reader(topics.results).until_count(results, 90)
    dead = topics.reader(topics.dead_letters).until_count(letters, 60)
    statuses = {json.loads(record.value).get("status") for record in records}
    assert statuses >= {"ok", "error"}, "the canaries' ways were not all taken"

    # Refused for good: its items stay open.
    topics.produce_json(topics.requests, [(ECHOED["a record's key"], item("x", "locked", task="locked"))])
    wait_for(lambda: "provider refuses all calls" in daemon.log.read_text(), 30, "the provider refuses")
    pages = b"".join(daemon.get(path)[1].encode() for path in ("/metrics", "/status", "/livez", "/readyz"))
    assert_absent(EVERYTHING, "the pages", pages)
    assert_absent(EVERYTHING, "the command line", pathlib.Path(f"/proc/{daemon.pid}/cmdline").read_bytes())
    assert_absent(SECRETS | PROMPTS | INPUTS, "Redis", redis_content(connection))
    deployment.redis.stop()
    wait_for(lambda: "permits" in daemon.status()["degraded"], 30, "the replica misses Redis")
    deployment.stop()

    log = daemon.log.read_bytes()
    assert b'"debug"' in log, "nothing was logged at debug level"
    assert_absent(EVERYTHING, "the log", log)
    for record in records:
        value = json.loads(record.value)
        assert_absent(SECRETS | PROMPTS | INPUTS, "a result", record.value)
        assert_absent(ANSWERS, "an error", json.dumps(value.get("error")).encode())
        assert_absent(ECHOED, "a result beyond its echo", json.dumps(without_echo(value)).encode())
        assert_absent(EVERYTHING, "llmbatch-id", record.message_id)
    for record in topics.reader(topics.progress).to_the_end():
        assert_absent(SECRETS | PROMPTS | INPUTS | ANSWERS, "progress", record.value)
    for record in dead:
        said = b"\n".join(value for name, value in record.headers.items() if name.startswith(("dlq-", "llmbatch-")))
        assert_absent(EVERYTHING, "a dead letter's reasons", said)


def test_forms_are_found():
    for text in EVERYTHING.values():
        for form in forms(text):
            with pytest.raises(AssertionError):
                assert_absent({"it": text}, "here", b"before " + form + b" behind")


@pytest.mark.parametrize(
    "changes",
    [
        {"providers": {"twin": {"api_key": "SECRET"}}},
        {"providers": {"twin": {"base_url": "https://user:SECRET@localhost/v1"}}},
        {"providers": {"twin": {"proxy": "http://user:SECRET@localhost:3128"}}},
        {"providers": {"twin": {"headers": {"Authorization": "Bearer SECRET"}}}},
        {"redis": {"password": "SECRET"}},
        {"redis": {"url": "redis://user:SECRET@localhost:6379/0"}},
        {"kafka": {"properties": {"sasl.password": "SECRET"}}},
        {"kafka": {"properties": {"ssl.keystore.password": "SECRET"}}},
        {"kafka": {"properties": {"ssl.key.pem": "SECRET"}}},
        {"kafka": {"properties": {"sasl.oauthbearer.client.secret": "SECRET"}}},
    ],
    ids=str,
)
def test_secret_in_the_wrong_place_is_refused_and_not_told(deployment, changes):
    secret = "canary-misplaced-Qx7"
    text = to_toml(deployment.config(**changes)).replace("SECRET", secret)
    assert secret in text
    assert_refused_in_silence(deployment.folder, text, secret)


@pytest.mark.parametrize("line", ["api_key = canary-bare-Qx7", 'api_key = "canary-bare-Qx7', 'api_key "canary-bare-Qx7"'])
def test_secret_in_broken_toml_is_not_told(deployment, line):
    text = to_toml(deployment.config()) + f"\n[providers.other]\n{line}\n"
    assert_refused_in_silence(deployment.folder, text, "canary-bare-Qx7")


def assert_refused_in_silence(folder, text, secret):
    file = folder / "misplaced.toml"
    file.write_text(text, encoding="utf-8")
    for command in ([LLMBATCHD, "--check-config", file], [BIN / "llmbatchctl", "config", "show", "--config", file]):
        done = subprocess.run(list(map(str, command)), capture_output=True, timeout=30, check=False)
        assert done.returncode == 78, done
        assert_absent({"the secret": secret}, "what it prints", done.stdout + done.stderr)


def test_variable_with_a_secret_is_refused_and_not_told(deployment, monkeypatch):
    monkeypatch.setenv("LLMBATCHD_PROVIDERS__TWIN__API_KEY", "canary-variable-Qx7")
    assert_refused_in_silence(deployment.folder, to_toml(deployment.config()), "canary-variable-Qx7")


def test_no_core_is_dumped(deployment):
    """Only root may look into a process that is not dumpable, and the kernel dumps no core of it."""
    # Elsewhere, because it has to be readable for another user.
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        file = folder / "daemon.toml"
        (folder / "key").write_text("canary-core-Qx7")
        changes = {"admin": {"listen": "127.0.0.1:0"}, "providers": {"twin": {"api_key": f"file:{folder / 'key'}"}}}
        file.write_text(to_toml(deployment.config(redis=None, **changes)), encoding="utf-8")
        as_nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.getuid() == 0 else []

        def owner_of_a_running(command, ready):
            with subprocess.Popen([*as_nobody, *map(str, command)], stderr=subprocess.PIPE, stdout=subprocess.PIPE) as it:
                try:
                    assert ready in (it.stderr if ready else it.stdout).readline()
                    return os.stat(f"/proc/{it.pid}/environ").st_uid
                finally:
                    it.kill()

        assert owner_of_a_running([LLMBATCHD, "--config", file], b"started") == 0
        # Of an ordinary program it is the user's own.
        shown = owner_of_a_running(["sh", "-c", "echo; exec sleep 60"], b"")
        assert shown == (65534 if as_nobody else os.getuid())
