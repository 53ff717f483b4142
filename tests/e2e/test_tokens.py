"""Exact counts against another tokenizer with the same ranks: no text is counted otherwise."""

import os
import pathlib
import random
import subprocess
import sys
import unicodedata

import pytest

from harness import paths
from harness.deployment import TASK
from harness.texts import make_inputs

RANKS = pathlib.Path(sys.prefix) / "ranks" / "fb374d419588a4632f3f557e76b4b70aebbca790"
os.environ["TIKTOKEN_CACHE_DIR"] = str(RANKS.parent)

import tiktoken  # noqa: E402

COUNT = 30


@pytest.fixture(scope="module")
def o200k():
    return tiktoken.get_encoding("o200k_base")


def count(texts):
    """What the daemon's own module counts."""
    done = subprocess.run(
        [paths.BIN / "token_count", RANKS],
        input="".join(text + "\0" for text in texts).encode(),
        capture_output=True,
        check=True,
        timeout=300,
    )
    return [int(line) for line in done.stdout.split()]


def differences(o200k, texts):
    counts = count(texts)
    assert len(counts) == len(texts)
    expected = [len(tokens) for tokens in o200k.encode_ordinary_batch(texts)]
    return [(text[:80], mine, other) for text, mine, other in zip(texts, counts, expected) if mine != other]


def sources():
    """The project's own texts in pieces: code, configuration, prose, JSON, tables."""
    for folder in ("lib", "docs", "configs", "tests", "tools", "schemas", "dashboards"):
        for file in sorted((paths.SOURCE / folder).rglob("*")):
            if file.suffix in {".cc", ".h", ".md", ".py", ".json", ".toml", ".txt", ".inc"} and file.is_file():
                text = file.read_text(encoding="utf-8", errors="ignore").replace("\0", "")
                yield from (text[at : at + 2000] for at in range(0, len(text), 2000))


def characters(rng):
    """Every kind of character that Unicode 14 has beside every other one."""
    by_kind = {}
    for code in [*range(1, 0x3000), *range(0x4E00, 0x5000), *range(0xAC00, 0xAD00), *range(0x1F300, 0x1F700)]:
        character = chr(code)
        kind = unicodedata.category(character)
        if kind not in {"Cs", "Cn"}:
            by_kind.setdefault(kind, []).append(character)
    kinds = sorted(by_kind)
    for _ in range(6000):
        yield "".join(rng.choice(by_kind[rng.choice(kinds)]) for _ in range(rng.randint(1, 60)))


def awkward(rng):
    """What the pattern's branches turn on."""
    parts = ["'s", "'LL", "'re ", "' ", "a", "B", "aB", "AB", "1", "12", "1234", " ", "  ", "\t", "\n", "\r\n", "/", "//"]
    parts += ["\u017f", "'\u017f", "\u00a0", "\u3000", "\u0301", "\u00aa", "\u01c5", "\u4f60", "\U0001f600", "!", "...", "_"]
    for _ in range(12000):
        yield "".join(rng.choice(parts) for _ in range(rng.randint(1, 14)))


@pytest.mark.parametrize("corpus", ["prose", "sources", "characters", "awkward", "long"])
def test_no_text_is_counted_otherwise(o200k, corpus):
    rng = random.Random(9)
    texts = {
        "prose": lambda: [value["text"] for value in make_inputs(800, seed=9)],
        "sources": lambda: list(sources()),
        "characters": lambda: list(characters(rng)),
        "awkward": lambda: list(awkward(rng)),
        "long": lambda: ["a" * 20_000, "ab" * 5_000, "\u4f60" * 3_000, " " * 5_000, "\n" * 5_000, "1" * 5_000, "!" * 5_000],
    }[corpus]()
    found = differences(o200k, texts)
    print(f"{corpus}: {len(texts)} texts, {sum(len(text.encode()) for text in texts)} bytes, {len(found)} differ")
    assert not found, found[:5]


def test_the_daemon_takes_the_file(deployment):
    deployment.redis.start()
    deployment.twin.start(api_key="test-key")
    config = deployment.config(tasks={TASK: {"max_batch_tokens": 3000}}) | {"rank_file": str(RANKS)}
    deployment.start(config=config)
    deployment.ask(make_inputs(COUNT, seed=10, most_bytes=1500))
    reader = deployment.topics.reader(deployment.topics.results)
    reader.until_count(COUNT, 120)
    deployment.wait_until_done()
    assert all(record.json["status"] == "ok" for record in reader.to_the_end())
