"""What the documents name exists: metrics, alerts, keys of the configuration, unit settings, files, and every other name in code.

Whether the commands in them work is tested in tests/e2e/test_docs.py.
"""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from dashboard_files import OF_PROMETHEUS, SOURCE, defined, faults, histograms
from documents import DOCUMENTS, LANGUAGES, blocks, code_spans, name_of, names_in
from systemd_test import Root

# Names in code that aren't the project's own.
OF_OTHERS = {"co_await": "C++", "send_offsets": "librdkafka", "used_memory": "Redis"} | dict.fromkeys(
    ("consumer_group", "kafka_franz", "openai_chat_completion", "rate_limit", "seed_brokers", "server_address", "system_prompt"),
    "Redpanda Connect",
)
# Built from tests/, and no metric.
PROGRAMS = {"llmbatchd_crashing"}
# Parts of this table are names of librdkafka's.
FREE = "kafka.properties"


def tracked_files():
    return subprocess.run(["git", "ls-files"], cwd=SOURCE, capture_output=True, text=True, check=True).stdout.split()


def names_in_use():
    """Every name with an underscore in the sources, in the names of files and of test programs."""
    texts = []
    for name in tracked_files():
        texts.append(name.replace("/", " "))
        folders = pathlib.Path(name).parts[:-1]
        is_program = not pathlib.Path(name).suffix
        # The texts of tests have wrong names on purpose; those of the programs beside them don't.
        if folders[:1] == ("tests",) and not is_program:
            texts.append(f"{folders[-1]}_test")
        elif not name.endswith(".md"):
            texts.append((SOURCE / name).read_text(encoding="utf-8", errors="ignore"))
    return {name for text in texts for name in re.findall(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+", text)} | PROGRAMS


def keys():
    """Table → keys, of every key that configs/ shows, set or as a comment. A table's own name is `*`."""
    found, table = {"": set()}, ""
    for path in (SOURCE / "configs/llmbatchd.toml", SOURCE / "configs/tasks/analyze_conversations.toml"):
        table = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if header := re.match(r'#?\[\[?([a-z]+)(?:\.("[^"]*"|\w+))?\]', line):
                first, second = header[1], header[2]
                table = f"{first}.{second}" if second in ("bindings", "properties") else f"{first}.*" if second else first
                found.setdefault(table, set())
                found[""].add(first)
            elif value := re.match(r"#?([a-z_]+) = ", line):
                found[table].add(value[1])
    # Keys that are told of in a comment of another one.
    found["tasks.*"] |= {"workflow", "route", "budget_day_usd", "budget_month_usd", "variables"}
    found["models.*"] |= {"tokens_per_minute", "input_tokens_per_minute", "output_tokens_per_minute"}
    found["redis"] |= {"ca_file"}
    return found


def wrong_keys(span, known):
    """What a span of code says of the configuration that isn't so."""
    if re.fullmatch(r"\[\[?[a-z]+[^ ]*\]\]?", span):
        first = re.match(r"\[\[?([a-z]+)", span)[1]
        return [] if first in known[""] else [f"{span} is no table"]
    if re.fullmatch(r"\w+\.(toml|json|md|cc|h|py)", span):
        return []
    path = re.match(r'([a-z]+(?:_[a-z]+)*(?:\.(?:[A-Za-z_]+|"[^"]*"))*)( = |$)', span)
    if not path or path[1].startswith(FREE):
        return []
    first, *rest = path[1].split(".")
    if rest:
        if first not in known[""]:
            return []
        tables = [f"{first}.*"] if len(rest) > 1 else [first]
        is_known = f"{first}.{rest[0]}" in known or any(rest[-1] in known.get(table, ()) for table in tables)
        return [] if is_known else [f"{span} is no key"]
    if not path[2]:
        return []
    return [] if any(first in names for names in known.values()) else [f"{first} is no key"]


class Blocks(unittest.TestCase):
    def test_each_says_its_language(self):
        for path in DOCUMENTS:
            text = path.read_text(encoding="utf-8")
            found = blocks(path)
            with self.subTest(name_of(path)):
                fences = len(re.findall(r"^ *```", text, re.MULTILINE))
                self.assertEqual(2 * len(found), fences, "a block is fenced in another way")
                for block in found:
                    self.assertIn(block.language, LANGUAGES, f"line {block.line}")

    def test_remarks_have_a_meaning(self):
        for path in DOCUMENTS:
            remarks = re.findall(r"<!--(.*?)-->", path.read_text(encoding="utf-8"))
            used = sum(len(block.remarks) for block in blocks(path))
            words = sum(remark.startswith(" words: ") for remark in remarks)
            self.assertEqual(len(remarks), used + words, f"{name_of(path)}: a comment stands above no block")

    def test_remarks_are_found(self):
        text = "<!-- words: FILE=a.toml -->\n\n<!-- not run: it takes a day -->\n```sh\nsleep FILE\n```\n"
        (block,) = blocks(SOURCE / "README.md", text)
        self.assertEqual((block.exclusion, block.text, block.line), ("not run", "sleep a.toml\n", 5))


class Names(unittest.TestCase):
    def test_metrics_exist(self):
        known = defined() | histograms() | OF_PROMETHEUS | dict.fromkeys(PROGRAMS, set())
        for path in DOCUMENTS:
            with self.subTest(name_of(path)):
                self.assertEqual(faults(path.read_text(encoding="utf-8"), known), [])

    def test_names_in_code_exist(self):
        in_use = names_in_use() | set(OF_OTHERS)
        for path in DOCUMENTS:
            wrong = {(line, name) for line, span in code_spans(path) for name in names_in(span) if name not in in_use}
            with self.subTest(name_of(path)):
                self.assertEqual(wrong, set())

    def test_keys_of_the_configuration_exist(self):
        known = keys()
        for path in DOCUMENTS:
            wrong = [(line, fault) for line, span in code_spans(path) for fault in wrong_keys(span, known)]
            with self.subTest(name_of(path)):
                self.assertEqual(wrong, [])

    def test_wrong_names_are_found(self):
        known = keys()
        for span, found in (
            ("limits.concurency", ["limits.concurency is no key"]),
            ("limits.concurrency", []),
            ("providers.NAME.concurrency", []),
            ("providers.NAME.concurency", ["providers.NAME.concurency is no key"]),
            ("max_batch_itmes = 1", ["max_batch_itmes is no key"]),
            ("[limit]", ["[limit] is no table"]),
            ('kafka.properties.sasl.password = "credential:kafka"', []),
        ):
            with self.subTest(span):
                self.assertEqual(wrong_keys(span, known), found)
        self.assertEqual(names_in("`x` max_batch_itmes = 1") - names_in_use(), {"max_batch_itmes"})

    def test_unit_settings_are_known_to_systemd(self):
        spans = {span for path in DOCUMENTS for _, span in code_spans(path)}
        settings = {span for span in spans if re.match(r"[A-Z][A-Za-z]{4,}=", span) and not span.startswith("Exec")}
        self.assertGreater(len(settings), 5)
        with tempfile.TemporaryDirectory() as folder:
            root = Root(folder)
            lines = "\n".join(setting.partition("=")[0] + "=" for setting in sorted(settings))
            unit = (root.units / "llmbatchd.service").read_text(encoding="utf-8").replace("[Service]", f"[Service]\n{lines}")
            (root.units / "llmbatchd.service").write_text(unit, encoding="utf-8")
            self.assertNotIn("Unknown key", root.verify("llmbatchd.service"))

    def test_every_error_code_is_explained(self):
        schema = json.loads((SOURCE / "schemas/item_result.schema.json").read_text(encoding="utf-8"))
        codes = set(find(schema, "code")["enum"])
        explained = set(re.findall(r"`([a-z_]+)`", (SOURCE / "docs/troubleshooting.md").read_text(encoding="utf-8")))
        self.assertEqual(codes - explained, set())


def find(value, name):
    """The first member of that name, however deep."""
    if isinstance(value, list):
        return next((found for each in value if (found := find(each, name))), None)
    if not isinstance(value, dict):
        return None
    return value[name] if name in value else find(list(value.values()), name)


class Links(unittest.TestCase):
    def test_each_leads_somewhere(self):
        for path in DOCUMENTS:
            for target, _, anchor in re.findall(r"\]\(([^)#]*)(#([^)]+))?\)", path.read_text(encoding="utf-8")):
                if "://" in target:
                    continue
                aim = path.parent / target if target else path
                self.assertTrue(aim.exists(), f"{name_of(path)}: {target}")
                if anchor:
                    self.assertIn(anchor, anchors(aim), f"{name_of(path)}: {target}#{anchor}")

    def test_each_document_is_reached_from_the_readme(self):
        reached, waiting = set(), [SOURCE / "README.md"]
        while waiting:
            path = waiting.pop()
            if path in reached or not path.exists():
                continue
            reached.add(path)
            if path.is_dir():
                waiting += path.glob("*.md")
            elif path.suffix == ".md":
                text = path.read_text(encoding="utf-8")
                waiting += [(path.parent / target).resolve() for target in re.findall(r"\]\(([^)#:]+)", text)]
        ours = {name_of(path) for path in DOCUMENTS if "docs" in path.parts}
        self.assertEqual(ours - {name_of(path) for path in reached}, set())


def anchors(path):
    """Its headings as GitHub and others name them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


if __name__ == "__main__":
    unittest.main()
