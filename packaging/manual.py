#!/usr/bin/env python3
"""Fills one manual page's template in.

usage: manual.py TEMPLATE OUTPUT --version V --llmbatchd PROGRAM --llmbatchctl PROGRAM --configuration FILE
"""

import argparse
import gzip
import pathlib
import re

import command_line


def roff(text):
    """Plain text as roff, whatever characters it has."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    return "\n".join(r"\&" + line if line.startswith(".") else line for line in text.splitlines())


def options(command):
    lines = []
    for entry in [*command.positionals, *command.options]:
        names = ", ".join(rf"\fB{roff(name)}\fR" for name in entry.names)
        value = rf" \fI{roff(entry.value)}\fR" if entry.value else ""
        text = entry.text[:1].upper() + entry.text[1:]
        lines.append(f".TP\n{names}{value}\n{roff(text)}.")
    return "\n".join(lines)


def commands(command):
    """Each command that does something, with its options."""
    if command.subcommands:
        return "\n".join(commands(below) for below in command.subcommands)
    title = " ".join(command.path[1:])
    return f".SS {roff(title)}\n{roff(command.what)}.\n{options(command)}"


def keys(path):
    """The commented configuration: a section for each table, an entry for each key."""
    lines, pending = [], []
    text = path.read_text(encoding="utf-8")
    for line in text.splitlines():
        header = re.fullmatch(r"#?(\[\[?[^ ]+\]\]?)\s*(?:# ?(.*))?", line)
        value = re.fullmatch(r"#?([a-z_.]+ = (?:\[[^]]*\]|\{[^}]*\}|\"[^\"]*\"|[^#]*?))\s*(?:# ?(.*))?", line)
        if header:
            lines += [f".SH {roff(header[1])}", *_paragraph(pending, header[2])]
            pending = []
        elif value:
            lines += [f".TP\n\\fB{roff(value[1])}\\fR", *(_paragraph(pending, value[2]) or [r"\&"])]
            pending = []
        elif line.startswith("#"):
            pending += [text] if (text := line.removeprefix("#").strip()) else []
        elif pending and not lines:
            # What the file says of itself, before its first key.
            lines += [".SH READING THE KEYS", *_paragraph(pending, None), ".SH THE FILE"]
            pending = []
    return "\n".join(lines)


def _paragraph(before, behind):
    text = " ".join([*before, *([behind] if behind else [])])
    return [roff(text[:1].upper() + text[1:])] if text else []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("template", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--llmbatchd", required=True)
    parser.add_argument("--llmbatchctl", required=True)
    parser.add_argument("--configuration", type=pathlib.Path, required=True)
    given = parser.parse_args()
    parts = {
        "@VERSION@": lambda: given.version,
        "@OPTIONS@": lambda: options(command_line.read(given.llmbatchd, ["llmbatchd"])),
        "@COMMANDS@": lambda: commands(command_line.read(given.llmbatchctl, ["llmbatchctl"])),
        "@KEYS@": lambda: keys(given.configuration),
    }
    text = given.template.read_text(encoding="utf-8")
    for name, fill in parts.items():
        if name in text:
            text = text.replace(name, fill())
    # No time in it, so that the same sources give the same package.
    given.output.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
