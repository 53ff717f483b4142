"""The documents for operators and newcomers, read as blocks and names.

A fenced block says in which language it is. Comments right above it tell the tests what to do with it:

    <!-- checked only: REASON -->   its commands are looked up (programs, options, targets), and not run
    <!-- not run: REASON -->        nothing is done with it
    <!-- file: NAME -->             it is written into that file before the document's commands are run
    <!-- laid over: FILE -->        a part of a configuration; it is checked as a change to that one
    <!-- alike: REASON -->          of the output numbers and distances may differ

`<!-- words: FILE=my.toml -->`, anywhere in a document, says what stands for a placeholder in its commands.
"""

import dataclasses
import pathlib
import re

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("bench", "ctl", "dashboards", "examples", "packaging", "systemd", "tests/scenarios", "tools/demo",
           "tools/setup", "tools/twin")  # fmt: skip
DOCUMENTS = [
    SOURCE / "README.md",
    *sorted((SOURCE / "docs").rglob("*.md")),
    *(SOURCE / folder / "README.md" for folder in FOLDERS),
]

# How a block in this language is tested, in tests/e2e/test_docs.py unless said otherwise.
LANGUAGES = {
    "sh": "the commands are run",
    "console": "what stands after `$ ` is run, the rest is its output",
    "redis": "the commands are given to redis-cli",
    "toml": "llmbatchd --check-config",
    "json": "messages are valid by schemas/",
    "text": "not at all: a drawing",
}
EXCLUSIONS = ("checked only", "not run")
_REMARKS = (*EXCLUSIONS, "file", "laid over", "alike")

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
_REMARK = re.compile(r"<!-- ([a-z ]+): (.+) -->")


@dataclasses.dataclass(frozen=True)
class Block:
    document: str  # its path in the repository
    line: int  # of its first line of text
    language: str
    text: str
    remarks: dict

    @property
    def exclusion(self):
        return next((name for name in EXCLUSIONS if name in self.remarks), None)

    @property
    def commands(self):
        """What is typed, as one shell script."""
        if self.language == "console":
            return "\n".join(line[2:] for line in self.text.splitlines() if line.startswith("$ "))
        return self.text

    @property
    def output(self):
        """What a console shows beside what is typed."""
        return [line for line in self.text.splitlines() if not line.startswith("$ ")]


def name_of(path):
    return str(path.relative_to(SOURCE))


def blocks(path, text=None):
    """The fenced blocks of a document, in their order, with placeholders in commands filled in."""
    text = path.read_text(encoding="utf-8") if text is None else text
    words = placeholders(text)
    found = []
    for match in _FENCE.finditer(text):
        indent = match["indent"]
        lines = [line.removeprefix(indent) for line in match["text"].splitlines()]
        content = "\n".join(lines) + "\n"
        if match["language"] in ("sh", "console", "redis"):
            for word, value in words.items():
                content = re.sub(rf"\b{word}\b", lambda _, value=value: value, content)
        first_line = text.count("\n", 0, match.start()) + 2
        found.append(Block(name_of(path), first_line, match["language"], content, _remarks_above(text[: match.start()])))
    return found


def placeholders(text):
    return dict(pair.split("=", 1) for line in re.findall(r"<!-- words: (.+) -->", text) for pair in line.split())


def _remarks_above(text):
    remarks = {}
    for line in reversed(text.splitlines()):
        remark = _REMARK.fullmatch(line.strip())
        if not remark or remark[1] == "words":
            return remarks
        assert remark[1] in _REMARKS, f"a remark that no test knows: {line}"
        remarks[remark[1]] = remark[2]
    return remarks


def code_spans(path):
    """(line, text) of what stands in the running text as code."""
    text = path.read_text(encoding="utf-8")
    # What is fenced becomes as many empty lines.
    text = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    for number, line in enumerate(text.splitlines(), 1):
        for span in re.findall(r"``(.+?)``|`([^`]+)`", line):
            yield number, (span[0] or span[1]).strip()


def names_in(text):
    """Words of a span or command that are names of the project's own: with an underscore, all small."""
    return set(re.findall(r"(?<![\w.$%{-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w(]|\.\w)", text))
