"""The documents, tried: every command is run word for word, on the usual ports of a network of its own, against real servers.

What the remarks in the documents mean stands in tests/lint/documents.py. Carrying out a document takes root.
"""

import json
import os
import re
import subprocess
import sys
import tomllib

import jsonschema
import pytest

from harness import commands, paths, stage
from harness.daemon import merged, to_toml

sys.path.insert(0, str(paths.SOURCE / "tests/lint"))
from documents import DOCUMENTS, blocks, code_spans, name_of  # noqa: E402

TIMEOUT_S = 180

# How many blocks of a document are looked up, and not run. All others are run.
EXCLUDED = {
    "README.md": 1,
    "bench/README.md": 1,
    "docs/ctl.md": 2,
    "docs/operations.md": 1,
    "docs/testing.md": 2,
    "docs/tutorial.md": 2,
    "examples/README.md": 2,
    "tests/scenarios/README.md": 1,
}

# Shell functions for what a document takes for granted.
FUNCTIONS = """
export PATH="$PWD/build/release/bin:$PATH"
servers() {  # Kafka, Redis and the twin, where documents expect them
  tools/setup/run-kafka /tmp/kafka > /tmp/kafka.log 2>&1 &
  redis-server --port 6379 --save '' > /tmp/redis.log &
  provider-twin --port 8080 --latency-ms 50 > /tmp/twin.log &
  until kcat -b localhost:9092 -L > /dev/null 2>&1; do sleep 0.2; done
}
topics() {
  for topic; do until kcat -b localhost:9092 -L -t "$topic" | grep 'with 4 partitions'; do sleep 0.2; done; done
}
our_topics() { topics llm.requests llm.control llm.results llm.progress llm.dead-letters; }
twin_for_openai() {  # the configuration that is shipped, with the twin in the provider's place
  mkdir -p /etc/llmbatchd/credentials
  for name in openai kafka redis; do echo test-key > "/etc/llmbatchd/credentials/$name"; done
  export CREDENTIALS_DIRECTORY=/etc/llmbatchd/credentials LLMBATCHD_REDIS__URL=redis://localhost:6379/0
  export LLMBATCHD_PROVIDERS__OPENAI__BASE_URL=http://127.0.0.1:8080/v1 LLMBATCHD_PROVIDERS__OPENAI__ALLOW_PRIVATE=true
}
daemon() {
  llmbatchd --config "$1" 2> /tmp/daemon.log &
  until curl -s localhost:9464/status | jq -e '.assigned | length > 0' > /dev/null; do
    kill -0 $! || { cat /tmp/daemon.log >&2; false; }
    sleep 0.2
  done
}
triage() {  # a task for the shipped configuration
  echo '{"type": "object", "required": ["team"], "properties": {"team": {"type": "string"}}}' > configs/tasks/triage.schema.json
  printf '[tasks.triage]\\nroute = ["openai/gpt-6-luna"]\\nprompt = "{{items_json}}"\\noutput_schema = "triage.schema.json"\\n' \
    > configs/tasks/triage.toml
}
"""

BEFORE = {
    "README.md": "mkdir -p /etc/llmbatchd; echo key > /etc/llmbatchd/openai.key",
    "docs/ctl.md": """
servers; our_topics; twin_for_openai; triage; daemon configs/llmbatchd.toml
printf 'not JSON' | kcat -P -b localhost:9092 -t llm.requests
printf '{"kind": "item", "id": 7, "task": "triage", "text": "I was charged"}' | kcat -P -b localhost:9092 -t llm.requests
printf 'key:' | kcat -P -Z -K : -b localhost:9092 -t llm.requests
kcat -C -q -b localhost:9092 -t llm.dead-letters -o beginning -c 3
seq 40 | jq -c '{id: "c\\(.)", text: "Conversation \\(.)"}' > conversations.jsonl
jq -s '{kind: "job", job_id: "j1", workflow: "map", task: "triage", user_id: "u1", items: .}' conversations.jsonl > job.json
""",
    # A consumer in its own words has read three of five tickets.
    "docs/migration.md": """
servers; our_topics; topics support.tickets support.labels; twin_for_openai
ticket() { echo "customer-$1:ticket $1" | kcat -P -K : -b localhost:9092 -t support.tickets; }
for number in 1 2 3; do ticket $number; done
kcat -b localhost:9092 -G ticket-labels -X auto.offset.reset=earliest -c 3 support.tickets > /tmp/old.log
for number in 4 5; do ticket $number; done
""",
    "docs/operations.md": """
servers; our_topics; twin_for_openai; unset CREDENTIALS_DIRECTORY LLMBATCHD_REDIS__URL
rm -rf /etc/llmbatchd; install -m 755 tests/e2e/harness/systemctl /usr/local/sbin/systemctl
export PATH="${PATH#*:}"
""",
    "docs/troubleshooting.md": """
servers; our_topics; twin_for_openai; daemon configs/llmbatchd.toml
printf 'not JSON' | kcat -P -b localhost:9092 -t llm.requests
kcat -C -q -b localhost:9092 -t llm.dead-letters -o beginning -c 1
""",
    "examples/README.md": "servers; our_topics; twin_for_openai; daemon configs/llmbatchd.toml",
}



def said_in_passing():
    """Commands for looking around that stand within sentences, of all documents."""
    spans = {span for path in DOCUMENTS for _, span in code_spans(path)}
    found = sorted(span for span in spans if re.match(r"(kcat|redis-cli|curl) [^ ]+ ?", span))
    assert len(found) > 4, found
    text = "\n".join(found)
    return text.replace("BROKERS", "localhost:9092").replace("-u URL", "-u redis://localhost:6379/0") + "\n"


# What has to hold when a document has been carried out.
AFTER = {
    # Redis' user may do all that the daemon asks for.
    "docs/operations.md": """
kill "$(pgrep -x llmbatchd)"
twin_for_openai
echo PASSWORD > /etc/llmbatchd/credentials/redis
export LLMBATCHD_REDIS__USER=llmbatchd LLMBATCHD_REDIS__PASSWORD=credential:redis LLMBATCHD_KAFKA__GROUP=second
export LLMBATCHD_BUDGETS__DAY_USD=50 LLMBATCHD_PROVIDERS__OPENAI__REQUESTS_PER_MINUTE=6000
while curl -s localhost:9464/livez; do sleep 0.2; done
daemon configs/llmbatchd.toml
llmbatchctl submit examples/map.json --watch --json --config configs/llmbatchd.toml | tail -n 1 | jq -e '.status == "completed"'
llmbatchctl retry conversations-1 --user user-1 --config configs/llmbatchd.toml
llmbatchctl list --config configs/llmbatchd.toml
llmbatchctl counts --config configs/llmbatchd.toml
curl -s localhost:9464/status | jq -e '.degraded == []'
redis-cli acl log > /tmp/acl.log
cat /tmp/acl.log
[ -z "$(cat /tmp/acl.log)" ]
""",
    "docs/troubleshooting.md": said_in_passing(),
}

as_root = pytest.mark.skipif(os.getuid() != 0, reason="a file system and a network of its own take root")


def to_run(path):
    return [block for block in blocks(path) if block.language in ("sh", "console", "redis", "toml") and not block.exclusion]


def script(path, folder):
    """Writes what carries the document out; gives its blocks by the name of their script."""
    scripts = folder / "scripts"
    scripts.mkdir(parents=True)
    (scripts / "functions.sh").write_text(FUNCTIONS)
    (scripts / "before.sh").write_text(BEFORE.get(name_of(path), ""))
    (scripts / "key").write_text("test-key\n")
    lines = [
        "set -eE -o pipefail",
        """trap 'echo "${BASH_SOURCE[0]##*/} $LINENO $BASH_COMMAND" >> /stage/failed' ERR""",
        "source /stage/functions.sh",
        "source /stage/before.sh",
    ]
    for number, block in enumerate(blocks(path)):
        if name := block.remarks.get("file"):
            (scripts / f"{number}.file").write_text(block.text, encoding="utf-8")
            lines.append(f"cp /stage/{number}.file {name}")
    by_name = {}
    for number, block in enumerate(to_run(path)):
        name = f"{number:02}.sh"
        by_name[name] = block
        (scripts / name).write_text(commands_of(block, number, scripts), encoding="utf-8")
        lines.append(f"source /stage/{name} < /stage/key > /stage/{name}.out 2>&1")
    (scripts / "after.sh").write_text(AFTER.get(name_of(path), ""))
    lines.append("source /stage/after.sh")
    (scripts / "main.sh").write_text("\n".join([*lines, "touch /stage/done"]) + "\n")
    return by_name


def commands_of(block, number, scripts):
    if block.language == "redis":
        return "redis-cli " + " ".join(f"'{word}'" for word in block.text.split()) + " | grep -x OK\n"
    if block.language != "toml":
        return block.commands
    if base := block.remarks.get("laid over"):
        with open(paths.SOURCE / base, "rb") as file:
            text = to_toml(merged(tomllib.load(file), tomllib.loads(block.text)))
        (scripts / f"{number}.toml").write_text(text, encoding="utf-8")
        place = f"{base.rpartition('/')[0]}/checked.toml"
        return f"cp /stage/{number}.toml {place}\ntwin_for_openai\nllmbatchd --check-config {place}\n"
    return f"llmbatchd --check-config {block.remarks['file']}\n"


def end_of(log, lines=15):
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) if log.exists() else ""


def carry_out(path, folder):
    """Runs the document's commands; gives, for each block, what it wrote."""
    by_name = script(path, folder)
    code = stage.run(folder, TIMEOUT_S)
    scripts = folder / "scripts"
    failed = scripts / "failed"
    if code != 0 or not (scripts / "done").exists():
        started = sorted(scripts.glob("*.sh.out"))
        at = started[-1].name.removesuffix(".out") if started else "before.sh"
        if failed.exists():
            at = failed.read_text(encoding="utf-8").splitlines()[0].partition(" ")[0]
        place = f"{name_of(path)}:{by_name[at].line}" if at in by_name else f"{at} of {name_of(path)}"
        told = failed.read_text(encoding="utf-8") if failed.exists() else f"ended with {code} (None: not within {TIMEOUT_S} s)"
        raise AssertionError(f"{place}: {told}\n{end_of(scripts / f'{at}.out')}\n{end_of(folder / 'stage.log')}")
    return [(block, (scripts / f"{name}.out").read_text(encoding="utf-8", errors="replace")) for name, block in by_name.items()]


@as_root
@pytest.mark.parametrize("path", [path for path in DOCUMENTS if to_run(path)], ids=name_of)
def test_commands_do_what_they_say(path, tmp_path):
    for block, output in carry_out(path, tmp_path):
        if block.language == "console":
            there = {shown(line, block) for line in output.splitlines()}
            assert [line for line in block.output if shown(line, block) not in there] == [], output


def shown(line, block):
    """The line as it is compared."""
    if "alike" in block.remarks:
        line = re.sub(r"[0-9]+", "0", line)
    return re.sub(r"\s+", " ", line).strip()


@as_root
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```sh\ntrue\nllmbatchd --chekc-config x\n```\n", "00.sh 2 llmbatchd"),
        ("```sh\nllmbatchctl submitt --config x\n```\n", "00.sh 1 llmbatchctl"),
        ("```sh\nfalse | cat\n```\n", "00.sh 1 cat"),
        ("<!-- laid over: configs/llmbatchd.toml -->\n```toml\n[limits]\nconcurency = 3\n```\n", "limits.concurency"),
    ],
)
def test_wrong_commands_are_found(text, told, tmp_path, monkeypatch):
    document = paths.SOURCE / "docs/not-there.md"
    monkeypatch.setattr(sys.modules[__name__], "blocks", lambda _, found=tuple(blocks(document, text)): list(found))
    with pytest.raises(AssertionError, match=re.escape(told)):
        carry_out(document, tmp_path)


def test_blocks_that_are_not_run_are_counted():
    counted = {name_of(path): sum(bool(block.exclusion) for block in blocks(path)) for path in DOCUMENTS}
    assert {name: count for name, count in counted.items() if count} == EXCLUDED


def test_commands_that_are_not_run_name_what_exists():
    wrong = []
    for path in DOCUMENTS:
        for block in blocks(path):
            if block.exclusion == "checked only":
                wrong += [f"{block.document}:{block.line}: {fault}" for fault in commands.faults(block.commands)]
        for line, span in code_spans(path):
            if commands.is_command(span):
                wrong += [f"{name_of(path)}:{line}: {fault}" for fault in commands.faults(span, every_program=False)]
    assert wrong == []


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("llmbatchctl submitt x", "no sub-command submitt"),
        ("llmbatchctl dlq list|shew --config FILE", "no sub-command list|shew"),
        ("llmbatchctl dlq replay --al --config FILE", "no option --al"),
        ("llmbatchd --chekc-config FILE", "no option --chekc-config"),
        ("build/release/bin/provider-twin --latensy-ms 5", "no option --latensy-ms"),
        ("make dema", "no target dema"),
        ("ctest --preset release -R e2e.nothing", "no test e2e.nothing"),
        ("ctest --preset relaese -L unit", "no such preset"),
        ("build/debug/bin/ofsets_test", "no target ofsets_test"),
        ("tests/e2e/soak --minuets 3", "no option --minuets"),
        ("systemctl relaod llmbatchd", "no verb relaod"),
        ("systemctl reload llmbatch", "no unit llmbatch"),
        ("journalctl --unti llmbatchd", "no option --unti"),
        ("no-such-program x", "no such program"),
    ],
)  # fmt: skip
def test_wrong_names_are_found(command, fault):
    (found,) = commands.faults(command)
    assert found.endswith(fault)


def test_messages_are_valid():
    wrong = []
    for path in DOCUMENTS:
        for block in blocks(path):
            if block.language == "json" and not block.exclusion:
                wrong += [f"{block.document}:{block.line}: {fault}" for fault in faults_of_json(block.text)]
    assert wrong == []


def faults_of_json(text):
    """Values one after the other; those with a kind are messages. `, …}` says that there is more."""
    shortened = ", …}" in text
    text = text.replace(", …}", "}")
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        try:
            value, at = decoder.raw_decode(text, re.compile(r"\s*").match(text, at).end())
        except json.JSONDecodeError as error:
            yield str(error)
            return
        if isinstance(value, dict) and "kind" in value:
            schema = json.loads((paths.SCHEMAS / f"{value['kind']}.schema.json").read_text(encoding="utf-8"))
            validator = jsonschema.validators.validator_for(schema)(without_required(schema) if shortened else schema)
            yield from (f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value))


def without_required(schema):
    if isinstance(schema, list):
        return [without_required(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: without_required(value) for key, value in schema.items() if key not in ("required", "oneOf")}


def test_wrong_messages_are_found():
    assert list(faults_of_json('{"kind": "item", "id": 7, "task": "t", "text": "x"}')) != []
    assert list(faults_of_json('{"kind": "item", ')) != []
    assert list(faults_of_json('{"kind": "item", "id": "7", "task": "t", "text": "x"}')) == []


def test_command_line_of_the_twin_is_that_of_its_document():
    """Flags that only the document, or only the program, knows."""
    text = (paths.SOURCE / "tools/twin/README.md").read_text(encoding="utf-8")
    told = {f"--{name.replace('_', '-')}" for name in re.findall(r"`([a-z_]+)`", text)} | set(re.findall(r"--[a-z-]+", text))
    done = subprocess.run([paths.BIN / "provider-twin", "--help"], capture_output=True, text=True, check=True)
    assert set(re.findall(r"--[a-z-]+", done.stdout)) - told == set()
