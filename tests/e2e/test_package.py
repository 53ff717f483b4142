"""The Debian package in a file system of its own: installed, run, upgraded, purged. Building that file system takes root."""

import gzip
import json
import os
import re
import subprocess

import pytest

from harness import paths
from harness.daemon import merged, to_toml
from harness.process import Process, free_port
from harness.waiting import wait_for

BUILD = paths.BIN.parent
MAIN_FILE = "/etc/llmbatchd/llmbatchd.toml"
OF_DPKG = ("var/lib/dpkg", "var/log", "var/cache", "tmp", "run")

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="mounting a file system takes root")


class Root:
    """This machine's file system under a layer that takes all changes and goes with its mount namespace."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir()
        layers = f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work"
        # The namespace lives as long as this process.
        script = (f"mount -t tmpfs tmpfs {folder} && cd {folder} && mkdir upper work root && "
                  f"mount -t overlay overlay -o {layers} root && mount -t proc proc root/proc && "
                  "mount --rbind /dev root/dev && touch ready && exec sleep infinity")  # fmt: skip
        self._holder = Process(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script], folder.parent / "root.log"
        )
        wait_for(lambda: self._outside("test", "-e", folder / "ready").returncode == 0, 20, self._holder.tail)

    def close(self):
        self._holder.kill()

    def _outside(self, *command):
        return subprocess.run(
            ["nsenter", "--target", str(self._holder.pid), "--mount", *map(str, command)],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def inside(self, *command):
        """The command line of a command that runs in there."""
        environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]
        return ["nsenter", "--target", str(self._holder.pid), "--mount",
                "chroot", str(self.folder / "root"), *environment, *map(str, command)]  # fmt: skip

    def run(self, *command, expect=0):
        done = subprocess.run(self.inside(*command), capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == expect, (command, done)
        return done.stdout + done.stderr

    def put(self, source, target, mode="0644"):
        done = self._outside("install", "-D", "-m", mode, source, f"{self.folder}/root{target}")
        assert done.returncode == 0, done

    def write(self, path, text, mode="0644"):
        file = self.folder.parent / "written"
        file.write_text(text, encoding="utf-8")
        self.put(file, path, mode)

    def read(self, path):
        return self.run("cat", path)

    def changes(self):
        """Every path in there that differs from this machine's, but for dpkg's own."""
        found = self._outside("find", f"{self.folder}/upper", "-mindepth", "1", "-printf", "%P\\n").stdout.split("\n")
        return {path for path in found if path and not path.startswith(OF_DPKG)}


@pytest.fixture
def root(tmp_path):
    made = Root(tmp_path / "overlay")
    yield made
    made.close()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package, as `make package` builds it."""
    folder = tmp_path_factory.mktemp("package")
    for command in (["cmake", "--build", BUILD, "--target", "manual"], ["cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder]):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done
    (file,) = folder.glob("*.deb")
    return file


@pytest.fixture(scope="module")
def next_package(package, tmp_path_factory):
    """A later version with another default in each configuration file."""
    folder = tmp_path_factory.mktemp("next") / "tree"
    subprocess.run(["dpkg-deb", "-R", package, folder], check=True)
    control = folder / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*", "Version: 99.0", control.read_text(), flags=re.MULTILINE))
    for path in (folder / "DEBIAN/conffiles").read_text().split():
        if path.endswith(".toml"):
            with open(folder / path.lstrip("/"), "a", encoding="utf-8") as file:
                file.write("\n# new in 99.0\n")
    (folder / "DEBIAN/md5sums").unlink()
    made = folder.parent / "llmbatchd_99.0_amd64.deb"
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", folder, made], check=True, capture_output=True)
    return made


def install(root, package):
    target = f"/tmp/{package.name}"
    root.put(package, target)
    return root.run("dpkg", "--force-confdef", "--force-confold", "-i", target)


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
    install(root, package)
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
    for program, section, arguments in (("llmbatchd", 8, []), ("llmbatchctl", 1, ["submit"]), ("llmbatchctl", 1, ["dlq", "replay"])):
        help_text = subprocess.run(
            [tmp_path / "usr/bin" / program, *arguments, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for option in re.findall(r"^  (?:-h,)?(--[a-z-]+)", help_text, re.MULTILINE):
            assert f"\\fB{option}\\fR" in page(program, section), (program, option)


def test_completion(package, tmp_path):
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)

    def complete(*words):
        file = tmp_path / "usr/share/bash-completion/completions" / words[0]
        line = " ".join(f"'{word}'" for word in words)
        script = f"source {file}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _{words[0]}; echo ${{COMPREPLY[@]}}"
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split()

    commands = {"dlq", "submit", "plan", "watch", "list", "status", "show", "counts", "cancel", "retry", "config", "prices"}
    assert set(complete("llmbatchctl", "")) == commands | {"--help", "--version"}
    assert complete("llmbatchctl", "dlq", "re") == ["replay"]
    assert complete("llmbatchctl", "dlq", "replay", "--dr") == ["--dry-run"]
    assert complete("llmbatchctl", "dlq", "replay", "--config", "") == []
    assert complete("llmbatchd", "--ch") == ["--check-config"]
    assert complete("llmbatchd", "--log-level", "w") == ["warning"]


def test_runs_as_its_user(root, package, deployment):
    install(root, package)
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
    install(root, package)
    changed = root.read(MAIN_FILE).replace("concurrency = 5 ", "concurrency = 7 ")
    root.write(MAIN_FILE, changed)
    root.write("/etc/llmbatchd/credentials/openai", "key-of-a-test", "0600")
    root.write("/etc/llmbatchd/blue.toml", "of the administrator")

    install(root, next_package)

    assert "99.0" in root.run("dpkg-query", "-W", "-f", "${Version}", "llmbatchd")
    assert root.read(MAIN_FILE) == changed
    assert "new in 99.0" in root.read(MAIN_FILE + ".dpkg-dist")
    assert "new in 99.0" in root.read("/etc/llmbatchd/prices.toml"), "one that nobody changed is the new one"
    assert root.read("/etc/llmbatchd/credentials/openai") == "key-of-a-test"
    assert root.read("/etc/llmbatchd/blue.toml") == "of the administrator"
    root.run("env", "CREDENTIALS_DIRECTORY=/etc/llmbatchd/credentials", "llmbatchd", "--check-config", MAIN_FILE)


def test_removal_keeps_the_configuration_and_a_purge_leaves_nothing(root, package):
    install(root, package)
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

