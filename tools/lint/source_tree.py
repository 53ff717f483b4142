"""What the lint scripts share: the module table, C++ sources with line numbers, and how findings are reported."""

import argparse
import dataclasses
import pathlib
import re
import subprocess
import sys
import tomllib

_COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^()\s\\]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"', re.DOTALL
)
_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


@dataclasses.dataclass(frozen=True)
class Include:
    line: int
    path: str
    is_angled: bool


@dataclasses.dataclass(frozen=True)
class Module:
    name: str
    uses: frozenset
    third_party: tuple
    is_pure: bool


def root_from_arguments(description):
    parser = argparse.ArgumentParser(description=description)
    here = pathlib.Path(__file__).resolve()
    parser.add_argument("--root", type=pathlib.Path, default=here.parents[2])
    return parser.parse_args().root.resolve()


def load_table(root):
    """The modules and the programs of the tree's tools/lint/layers.toml, by name."""
    with open(root / "tools/lint/layers.toml", "rb") as file:
        table = tomllib.load(file)
    rows = table["modules"]
    pure = {name for name, row in rows.items() if row.get("pure")}
    modules = {}
    for name, row in rows.items():
        uses = set(row["uses"])
        if "pure" in uses:
            uses = (uses - {"pure"}) | (pure - {name})
        modules[name] = Module(name, frozenset(uses), tuple(row.get("third_party", ())), name in pure)
    programs = {name: tuple(row.get("third_party", ())) for name, row in table.get("programs", {}).items()}
    return modules, programs


def cpp_files(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".h", ".cc"))


def includes(path):
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = _INCLUDE.match(line)
        if match:
            found.append(Include(number, match[2], match[1] == "<"))
    return found


def code_lines(path):
    """The file's numbered lines without comments and without the contents of string literals."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])

    text = path.read_text(encoding="utf-8")
    kept = _COMMENT_OR_STRING.sub(lambda m: m[0] if _is_include(text, m) else blank(m), text)
    return list(enumerate(kept.splitlines(), 1))


def _is_include(text, match):
    start = text.rfind("\n", 0, match.start()) + 1
    return _INCLUDE.match(text[start : match.end()]) is not None


def tracked_files(root):
    """The files that git tracks; every file where the tree is not a git checkout."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z"], capture_output=True, check=False
    )
    if listed.returncode != 0:
        return sorted(p for p in root.rglob("*") if p.is_file() and p.relative_to(root).parts[0] not in (".git", "build"))
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [root / name for name in names if (root / name).is_file()]


def report(findings):
    """Prints the findings, one a line, and ends the script: 0 without any, else 1."""
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} finding(s)")
    sys.exit(1 if findings else 0)
