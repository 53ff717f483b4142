"""The Debian package in a clean Debian: installed, run, upgraded, purged. Where tools/setup/clean-root has made none it is tried
over this machine's file system, which says less: what it depends on is there anyway. Either takes root.

Under a systemd of its own: test_systemd.py.
"""

import dataclasses
import gzip
import json
import os
import re
import subprocess
import warnings

import pytest

from harness import paths
from harness.daemon import merged, to_toml
from harness.process import Process, free_port
from harness.root import Root

MAIN_FILE = "/etc/llmbatchd/llmbatchd.toml"

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="mounting a file system takes root")


@pytest.fixture
def root(tmp_path, why_no_clean_root):
    made = Root(tmp_path / "overlay", clean=not why_no_clean_root)
    if why_no_clean_root:
        warnings.warn(f"{why_no_clean_root}; the package is tried over this machine's files", stacklevel=1)
    yield made
    made.close()


def test_names_its_libraries_and_configuration_files(package):
    control = subprocess.run(["dpkg-deb", "-f", package], capture_output=True, text=True, check=True).stdout
    depends = re.search(r"^Depends: (.*)$", control, re.MULTILINE)[1]
    for library in ("libc6", "librdkafka1", "libcurl4", "libhiredis0.14", "libssl3", "libsystemd0", "libjemalloc2"):
        assert re.search(rf"\b{re.escape(library)}\b", depends), depends
    listing = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
    files = {line.split()[5].lstrip("."): line.split() for line in listing.splitlines()}
    assert {owner for _, owner, *_ in files.values()} == {"root/root"}
    in_etc = {path for path in files if path.startswith("/etc/") and not path.endswith("/")}
    assert in_etc == set((paths.SOURCE / "packaging/debian/conffiles").read_text().split())
    shipped = {path.relative_to(paths.SOURCE / "configs") for path in (paths.SOURCE / "configs").rglob("*") if path.is_file()}
    assert in_etc == {f"/etc/llmbatchd/{path}" for path in shipped}
    assert all(path.startswith(("/etc", "/usr")) for path in files if path != "/"), files.keys()


def test_installs_user_folders_units_and_manual(root, package):
    root.install(package)
    assert "install ok installed" in root.run("dpkg-query", "-W", "-f", "${Status}", "llmbatchd")
    user, group = root.run("getent", "passwd", "llmbatchd"), root.run("getent", "group", "llmbatchd")
    assert user.strip().endswith("nologin"), user
    assert group
    assert root.run("stat", "-c", "%a %U %G", "/etc/llmbatchd", "/etc/llmbatchd/credentials").splitlines() == [
        "750 root llmbatchd", "700 root root"]  # fmt: skip
    for unit in ("llmbatchd.service", "llmbatchd@blue.service"):
        assert root.run("systemd-analyze", "verify", unit) == ""
    for page, section in (("llmbatchd", 8), ("llmbatchctl", 1), ("llmbatchd.toml", 5)):
        told = root.run("gzip", "-dc", f"/usr/share/man/man{section}/{page}.{section}.gz")
        assert told.startswith(f".TH {page.upper()} {section} "), told[:100]
    root.write("/etc/llmbatchd/credentials/openai", "key-of-a-test", "0600")
    checked = root.run("env", "CREDENTIALS_DIRECTORY=/etc/llmbatchd/credentials", "llmbatchd", "--check-config", MAIN_FILE)
    assert "fine" in checked, checked


@dataclasses.dataclass
class Command:
    path: list
    options: list
    below: list


def commands_of(program, path=()):
    """Every command of the program, as its --help tells."""
    told = subprocess.run([program, *path, "--help"], capture_output=True, text=True, check=True).stdout
    below = re.findall(r"^  ([a-z]+) ", told.partition("\nSubcommands:")[2], re.MULTILINE)
    yield Command(list(path), re.findall(r"^  (?:-[a-z],)?(--[a-z-]+)", told, re.MULTILINE), below)
    for name in below:
        yield from commands_of(program, (*path, name))


def test_manual_tells_every_option_and_every_key(package, tmp_path):
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)

    def page(name, section):
        text = gzip.decompress((tmp_path / f"usr/share/man/man{section}/{name}.{section}.gz").read_bytes()).decode()
        return text.replace("\\-", "-").replace("\\e", "\\")

    shown = subprocess.run(
        [tmp_path / "usr/bin/llmbatchctl", "config", "show", "--json", "--config", paths.SOURCE / "configs/llmbatchd.toml"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    values = [json.loads(line) for line in shown.splitlines()]
    keys = {value["key"] for value in values if value["section"].partition(".")[0] in ("kafka", "redis", "admin", "limits", "providers")}
    assert len(keys) > 30
    manual = page("llmbatchd.toml", 5)
    assert [key for key in sorted(keys) if f"\\fB{key} = " not in manual] == []
    for program, section in (("llmbatchd", 8), ("llmbatchctl", 1)):
        told = page(program, section)
        for command in commands_of(tmp_path / "usr/bin" / program):
            # A command that only leads to others has no part of its own.
            if command.below:
                continue
            part = told.partition(f".SS {' '.join(command.path)}\n")[2].partition("\n.SS ")[0] if command.path else told
            missing = [option for option in command.options if f"\\fB{option}\\fR" not in part]
            assert part and missing == [], (program, command.path, missing)


def test_completion(package, tmp_path):
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)

    def complete(*words):
        file = tmp_path / "usr/share/bash-completion/completions" / words[0]
        line = " ".join(f"'{word}'" for word in words)
        script = f"source {file}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _{words[0]}; echo ${{COMPREPLY[@]}}"
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split()

    for program in ("llmbatchd", "llmbatchctl"):
        for command in commands_of(tmp_path / "usr/bin" / program):
            assert set(complete(program, *command.path, "")) == {*command.below, *command.options}, command
    assert complete("llmbatchctl", "dlq", "re") == ["replay"]
    assert complete("llmbatchctl", "dlq", "replay", "--dr") == ["--dry-run"]
    assert complete("llmbatchctl", "dlq", "replay", "--config", "") == []
    assert complete("llmbatchd", "--ch") == ["--check-config"]
    assert complete("llmbatchd", "--log-level", "w") == ["warning"]


def test_runs_as_its_user(root, package, deployment):
    root.install(package)
    deployment.redis.start()
    deployment.twin.start()
    port = free_port()
    config = merged(deployment.config(), {
        "admin": {"listen": f"127.0.0.1:{port}"},
        "providers": {"twin": {"api_key": "file:/etc/llmbatchd/twin.key"}},
    })  # fmt: skip
    root.write(MAIN_FILE, to_toml(config))
    root.write("/etc/llmbatchd/twin.key", "key-of-a-test")
    # As the unit does it, but for the sandbox.
    command = root.inside("setpriv", "--reuid=llmbatchd", "--regid=llmbatchd", "--clear-groups", "--inh-caps=-all",
                          "--no-new-privs", "llmbatchd", "--config", MAIN_FILE)  # fmt: skip
    daemon = Process(command, deployment.folder / "packaged.log")
    try:
        deployment.ask([{"id": "n1", "text": "hello"}])
        results = deployment.topics.reader(deployment.topics.results)
        (record,) = results.until_count(1, 60)
        assert record.json["status"] == "ok", daemon.tail()
        deployment.wait_until_done()
        assert daemon.stop() == 0
    finally:
        daemon.kill()


def test_upgrade_keeps_changed_configuration(root, package, next_package):
    root.install(package)
    changed = root.read(MAIN_FILE).replace("concurrency = 5 ", "concurrency = 7 ")
    root.write(MAIN_FILE, changed)
    root.write("/etc/llmbatchd/credentials/openai", "key-of-a-test", "0600")
    root.write("/etc/llmbatchd/blue.toml", "of the administrator")

    root.install(next_package)

    assert "99.0" in root.run("dpkg-query", "-W", "-f", "${Version}", "llmbatchd")
    assert root.read(MAIN_FILE) == changed
    assert "new in 99.0" in root.read(MAIN_FILE + ".dpkg-dist")
    assert "new in 99.0" in root.read("/etc/llmbatchd/prices.toml"), "one that nobody changed is the new one"
    assert root.read("/etc/llmbatchd/credentials/openai") == "key-of-a-test"
    assert root.read("/etc/llmbatchd/blue.toml") == "of the administrator"
    root.run("env", "CREDENTIALS_DIRECTORY=/etc/llmbatchd/credentials", "llmbatchd", "--check-config", MAIN_FILE)


def test_removal_keeps_the_configuration_and_a_purge_leaves_nothing(root, package):
    root.install(package)
    root.write("/etc/llmbatchd/credentials/openai", "key-of-a-test", "0600")

    root.run("dpkg", "-r", "llmbatchd")
    left = {path for path in root.changes() if "llmbatchd" in path}
    assert "etc/llmbatchd/llmbatchd.toml" in left
    assert not any(path.startswith("usr") and not path.endswith("/") for path in left), left

    root.run("dpkg", "-P", "llmbatchd")
    assert {path for path in root.changes() if "llmbatchd" in path or "llmbatchctl" in path} == set()
    for base in ("passwd", "group"):
        root.run("getent", base, "llmbatchd", expect=2)
    assert "llmbatchd" not in root.read("/var/lib/dpkg/status")


def test_readme_of_the_package_lists_what_is_there():
    folder = paths.SOURCE / "packaging"
    text = (folder / "README.md").read_text(encoding="utf-8")
    for path in folder.iterdir():
        assert path.name in text or path.name == "README.md", path

