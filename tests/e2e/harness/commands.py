"""Commands that documents name and that can't be run in a test: whether programs, sub-commands, options and targets exist."""

import functools
import json
import re
import shlex
import shutil
import subprocess
import sys

from . import paths

sys.path.insert(0, str(paths.SOURCE / "packaging"))
import command_line  # noqa: E402

OURS = ("llmbatchd", "llmbatchctl", "provider-twin")
OF_SYSTEMD = ("systemctl", "journalctl", "systemd-analyze", "systemd-creds")


def faults(text, every_program=True):
    """What is wrong with these lines of shell. Not `every_program`: those that nothing is known of may be anything."""
    text = re.sub(r"\\\n", " ", text)
    found = []
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", line)
        for part in re.split(r"\s(?:&&|\|\||\||;)\s|;\s*|\s[12]?>\s", line):
            found += _faults_of_one(_words(part), every_program)
    return found


def is_command(text):
    """It names one of the programs that something is known of, with something to do."""
    words = _words(text)
    return len(words) > 1 and bool(_checker(words[0]))


def _words(part):
    try:
        words = shlex.split(part)
    except ValueError:
        words = part.split()
    while words and (re.match(r"[A-Z_]+=", words[0]) or words[0] in ("time", "sudo")):
        words.pop(0)
    return words


def _checker(program):
    if re.match(r"build/\w+/bin/", program) and program.rpartition("/")[2] not in OURS:
        return _check_built
    if program.startswith(("tests/", "tools/", "bench/")):
        return _check_script
    name = program.rpartition("/")[2]
    if name in OURS:
        return _check_ours
    if name in OF_SYSTEMD:
        return _check_systemd
    return {"make": _check_make, "ctest": _check_ctest, "cmake": _check_cmake}.get(name)


def _faults_of_one(words, every_program):
    if not words:
        return []
    checker = _checker(words[0])
    if checker:
        return [f"{' '.join(words)}: {fault}" for fault in checker(words)]
    if every_program and not shutil.which(words[0]):
        return [f"{words[0]}: no such program"]
    return []


def _options(words):
    return [word.partition("=")[0].strip("[]") for word in words if re.match(r"\[?--?[a-zA-Z]", word)]


@functools.cache
def _help(program):
    return command_line.read(paths.BIN / program, [program])


@functools.cache
def _text_of_help(program):
    return subprocess.run([program, "--help"], capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}).stdout


def _check_ours(words):
    program = words[0].rpartition("/")[2]
    if program == "provider-twin":
        known = set(re.findall(r"--[a-z-]+", _text_of_help(str(paths.BIN / program))))
        return [f"no option {option}" for option in _options(words[1:]) if option not in known]
    commands = [_help(program)]
    for word in words[1:]:
        names = re.split(r"[|/]", word)  # a synopsis names several at once
        below = [each for command in commands for each in command.subcommands if each.path[-1] in names]
        if below and len(below) == len(names):
            commands = below
        elif any(command.subcommands for command in commands) and re.fullmatch(r"[a-z]+(\|[a-z]+)*", word):
            return [f"no sub-command {word}"]
    known = {name for command in commands for option in command.options for name in option.names}
    return [f"no option {option}" for option in _options(words[1:]) if option not in known]


def _check_systemd(words):
    text = _text_of_help(words[0])
    wrong = [f"no option {option}" for option in _options(words[1:]) if not re.search(rf"(^|\s){option}\b", text, re.MULTILINE)]
    verb = next((word for word in words[1:] if not word.startswith("-")), None)
    if words[0] == "systemctl" and verb and not re.search(rf"^  {verb}\b", text, re.MULTILINE):
        wrong.append(f"no verb {verb}")
    units = {path.name.removesuffix(".service").partition("@")[0] for path in (paths.SOURCE / "systemd").glob("*.service")}
    named = [word.partition("@")[0] for word in words[1:] if word.startswith("llmbatch")]
    return wrong + [f"no unit {name}" for name in named if name not in units]


def _check_make(words):
    targets = re.findall(r"^([a-z]+):", (paths.SOURCE / "Makefile").read_text(), re.MULTILINE)
    return [f"no target {word}" for word in words[1:] if re.fullmatch(r"[a-z]+", word) and word not in targets]


def _presets(kind):
    return {preset["name"] for preset in json.loads((paths.SOURCE / "CMakePresets.json").read_text())[kind]}


def _value(words, option):
    return words[words.index(option) + 1] if option in words else None


def _check_ctest(words):
    wrong = [] if _value(words, "--preset") in _presets("testPresets") else ["no such preset"]
    labels = set((_value(words, "-L") or "unit").split("|"))
    wrong += [f"no label {label}" for label in labels - {"unit", "sim", "scenario", "driver", "lint", "e2e"}]
    name = _value(words, "-R")
    if name and name.startswith("e2e.") and name != "e2e.NAME":
        wrong += [] if (paths.SOURCE / f"tests/e2e/test_{name[4:]}.py").exists() else [f"no test {name}"]
    return wrong


def _check_cmake(words):
    kind = "buildPresets" if "--build" in words else "configurePresets"
    wrong = [] if _value(words, "--preset") in _presets(kind) else ["no such preset"]
    target = _value(words, "--target")
    return wrong + (_check_target(target) if target else [])


def _check_built(words):
    wrong = _check_target(words[0].rpartition("/")[2])
    for suite in re.findall(r"--gtest_filter=(\w+)\.", " ".join(words)):
        wrong += [] if _is_in_tests(rf"TEST(_F|_P)?\({suite}\b") else [f"no test suite {suite}"]
    return wrong


def _check_target(target):
    there = any(re.search(rf"\b{target}\b", path.read_text()) for path in _cmake_files())
    # A module's tests and the fuzzers are named after their folders and files.
    name, _, kind = target.rpartition("_")
    if kind == "test":
        there = there or any(path.is_dir() for path in (paths.SOURCE / "tests").glob(f"*/{name}"))
    if kind == "fuzz":
        there = there or any((paths.SOURCE / "tests/fuzz").glob(f"{target}*"))
    return [] if there else [f"no target {target}"]


def _cmake_files():
    folders = ("bench", "ctl", "daemon", "tests", "tools", "lib")
    return [path for folder in folders for path in (paths.SOURCE / folder).rglob("CMakeLists.txt")]


def _is_in_tests(pattern):
    return any(re.search(pattern, path.read_text()) for path in (paths.SOURCE / "tests").rglob("*.cc"))


def _check_script(words):
    path = paths.SOURCE / words[0]
    if not path.is_file():
        return ["no such file"]
    text = path.read_text(encoding="utf-8")
    return [f"no option {option}" for option in _options(words[1:]) if option not in text]
