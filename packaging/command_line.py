"""What a program's --help says, read once for manual pages and completion."""

import dataclasses
import re
import subprocess

# Where texts begin. What doesn't fit before that has its text on the next line.
_TEXT_COLUMN = 30


@dataclasses.dataclass
class Entry:
    """An option, a positional argument or a subcommand."""

    names: list  # of an option: ["-h", "--help"]
    value: str  # what stands for its value; empty: it takes none
    text: str
    choices: list  # the values it takes, where they are listed


@dataclasses.dataclass
class Command:
    path: list  # ["llmbatchctl", "dlq", "list"]
    what: str
    usage: str
    options: list
    positionals: list
    subcommands: list  # of Command


def read(program, path):
    """The command `path` of the program and everything below it."""
    done = subprocess.run([program, *path[1:], "--help"], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    sections = {"": []}
    section = ""
    for line in lines:
        if re.fullmatch(r"[A-Z]\w+:", line):
            section = line[:-1]
            sections[section] = []
        elif line.strip():
            sections[section].append(line)
    what, usage = sections[""]
    return Command(
        path=path,
        what=what,
        usage=usage.removeprefix("Usage: ").split(" ", len(path))[-1],
        options=[_entry(*each) for each in _entries(sections.get("Options", []))],
        positionals=[_entry(*each) for each in _entries(sections.get("Positionals", []))],
        subcommands=[read(program, [*path, name]) for name, _ in _entries(sections.get("Subcommands", []))],
    )


def _entries(lines):
    """(what stands on the left, what on the right) of each entry."""
    found = []
    for line, following in zip(lines, [*lines, ""][1:], strict=True):
        is_text = line.startswith(" " * _TEXT_COLUMN)
        if is_text:
            found[-1][1] = line.strip()
        elif following.startswith(" " * _TEXT_COLUMN):
            found.append([line.strip(), ""])
        else:
            found.append([line[:_TEXT_COLUMN].strip(), line[_TEXT_COLUMN:].strip()])
    return found


def _entry(left, text):
    # Conditions are told in words, or not at all.
    left = re.sub(r" (Excludes|Needs):.*", "", left).replace(" REQUIRED", "")
    names, _, value = left.partition(" ")
    choices = re.search(r"\{(.*)\}", value)
    value = re.sub(r":(\{.*\}|INT in.*|UINT in.*)", "", value)
    return Entry(names.split(","), value.strip(), text, choices.group(1).split(",") if choices else [])
