"""File systems of their own to install the package into: a clean Debian (tools/setup/clean-root), or this machine's, under a
layer that takes all changes. A `Machine` is a clean one with its own systemd as the first process. They take root."""

import contextlib
import fcntl
import itertools
import os
import pathlib
import subprocess
import tempfile

from . import paths
from .process import Process
from .waiting import wait_for

CLEAN = paths.SOURCE / "build/clean-root"
# Packages that were downloaded once. Only one apt at a time may use them.
ARCHIVES = paths.SOURCE / "build/clean-root-archives"
OF_DPKG = ("var/lib/dpkg", "var/lib/apt", "var/log", "var/cache", "tmp", "run")

_LAYERS = """
set -eu
folder=$1 below=$2 archives=$3
mount -t tmpfs tmpfs "$folder"
cd "$folder"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=$below,upperdir=upper,workdir=work" root
mount -t proc proc root/proc
[ -z "$archives" ] || mount --bind "$archives" root/var/cache/apt/archives
"""
_REST = "mount --rbind /dev root/dev; touch ready; exec sleep infinity"
# What a container's manager gives to systemd: devices, a control group, nothing of the kernel to write to, and mounts that are
# shared, as credentials need them.
_MACHINE = """
cd root
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
  touch dev/$device
  mount --bind /dev/$device dev/$device
done
mkdir dev/shm dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mkdir -p before
pivot_root . before
umount -l /before
mount --make-rshared /
"""
_SYSTEMD = """
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \\
  systemd.unified_cgroup_hierarchy=1 --unit=basic.target --show-status=no < /dev/null
"""
_KEEP = ("--force-confdef", "--force-confold")
_INSTALL = ("apt-get", "install", "-q", "-y", "--no-install-recommends")
_NO_STALLS = ("-o", "Acquire::http::Timeout=15", "-o", "Acquire::Retries=1")
_FETCHED = "Download complete and in download only mode"
_numbers = itertools.count(1)


def is_clean_root_there():
    return (CLEAN.parent / "clean-root.complete").exists()


class Root:
    """A layer over a clean root, or over this machine's. It goes with its mount namespace."""

    def __init__(self, folder, clean):
        self.folder = folder
        self.is_clean = clean
        self.folder.mkdir()
        if self.is_clean:
            ARCHIVES.mkdir(exist_ok=True)
        self._holder = self._start(["sh", "-c", _LAYERS + self._then(), "sh", folder,
                                    CLEAN if self.is_clean else "/", ARCHIVES if self.is_clean else ""])  # fmt: skip
        wait_for(self._is_ready, 60, lambda: f"the root is ready: {self._holder.tail()}")

    def _then(self):
        return _REST

    def _start(self, command):
        # The namespace lives as long as this process.
        return Process(["unshare", "--mount", "--propagation", "private", *command], self.folder.parent / "root.log")

    def _is_ready(self):
        return self._outside("test", "-e", self.folder / "ready").returncode == 0

    def close(self):
        self._holder.kill()

    def _outside(self, *command):
        return subprocess.run(
            ["nsenter", "--target", str(self._holder.pid), "--mount", *map(str, command)],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def _entered(self):
        return ["nsenter", "--target", str(self._holder.pid), "--mount", "chroot", str(self.folder / "root")]

    def inside(self, *command):
        """The command line of a command that runs in there."""
        environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]
        return [*self._entered(), *environment, *map(str, command)]

    def run(self, *command, expect=0, given=None):
        """What it writes. `expect`: its exit code, or None for any. `given`: bytes for its standard input."""
        done = subprocess.run(
            self.inside(*command), check=False, timeout=180, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            **({"stdin": subprocess.DEVNULL} if given is None else {"input": given}),
        )  # fmt: skip
        said = done.stdout.decode(errors="replace")
        assert expect is None or done.returncode == expect, (command, done.returncode, said)
        return said

    def put(self, source, target):
        self.write(target, pathlib.Path(source).read_bytes())

    def write(self, path, text, mode="0644"):
        given = text.encode() if isinstance(text, str) else text
        self.run("sh", "-c", 'mkdir -p "${1%/*}" && cat > "$1" && chmod "$2" "$1"', "sh", path, mode, given=given)

    def read(self, path):
        return self.run("cat", path)

    def install(self, package):
        """As an operator does it. A layer over this machine has what the package depends on, a clean root gets it from Debian."""
        target = f"/tmp/{package.name}"
        if not self.is_clean:
            self.put(package, target)
            return self.run("dpkg", *_KEEP, "-i", target)
        assert self.fetch_for(package) == ""
        options = [part for option in _KEEP for part in ("-o", f"Dpkg::Options::={option}")]
        with _only_one_apt():
            said = self.run(*_INSTALL, *options, target)
        assert "Setting up llmbatchd" in said, said
        return said

    def fetch_for(self, package):
        """Gets what the package depends on, for all clean roots. Why that can't be had; empty if it is there."""
        target = f"/tmp/{package.name}"
        self.put(package, target)
        # That there is a Debian package for each is not for the network to tell.
        self.run(*_INSTALL, "--simulate", target)
        fetch = ["timeout", "100", *_INSTALL, *_NO_STALLS, "--download-only", target]
        with _only_one_apt():
            said = self.run(*fetch, expect=None)
            if _FETCHED not in said:
                # The lists of packages may be older than the archive.
                self.run("timeout", "60", "apt-get", "update", "-q", *_NO_STALLS, expect=None)
                said = self.run(*fetch, expect=None)
        return "" if _FETCHED in said else f"Debian's archive can't be reached: {said.strip().rpartition(chr(10))[2]}"

    def changes(self):
        """Every path in there that differs from what lies below, but for the package managers' own."""
        found = self._outside("find", f"{self.folder}/upper", "-mindepth", "1", "-printf", "%P\\n").stdout.split("\n")
        return {path for path in found if path and not path.startswith(OF_DPKG)}


class Machine(Root):
    """A clean root in which systemd runs as on a machine of its own, but for kernel and network, which are this machine's."""

    def __init__(self, folder):
        self._group = _new_group()
        super().__init__(folder, clean=True)

    def _then(self):
        return _MACHINE + _SYSTEMD

    def _start(self, command):
        return Process(_in_own_namespaces(self._group, command), self.folder.parent / "machine.log")

    def _first_process(self):
        pid = self._holder.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return children[0] if children else "0"

    def _entered(self):
        return ["nsenter", "--target", self._first_process(), "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--root", "--wd"]

    def _is_ready(self):
        assert self._holder.is_running(), self._holder.tail()
        if self._first_process() == "0":
            return False
        said = subprocess.run(self.inside("systemctl", "is-system-running"), capture_output=True, text=True, check=False)
        return said.stdout.strip() in ("running", "degraded")

    def close(self):
        super().close()
        wait_for(lambda: _remove_group(self._group), 20, "the machine's processes are gone")

    def show(self, unit, name):
        """A property of the unit, as systemd tells it."""
        return self.run("systemctl", "show", "--value", "-p", name, unit).strip()


def why_no_machine():
    """Why systemd can't be started here; empty if it can. All that a machine is made of is tried, but for systemd itself."""
    if os.getuid() != 0:
        return "a machine of its own takes root"
    if not is_clean_root_there():
        return "tools/setup/clean-root has made no clean root"
    if not _mount_of_control_groups():
        return "no control groups of version 2 are mounted"
    group = _new_group()
    with tempfile.TemporaryDirectory() as folder:
        command = _in_own_namespaces(group, ["sh", "-c", _LAYERS + _MACHINE, "sh", folder, CLEAN, ""])
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
        except subprocess.TimeoutExpired:
            return "its namespaces and mounts take longer than a minute"
        finally:
            _remove_group(group)
    if done.returncode == 0:
        return ""
    return f"no namespaces, mounts or control group for it: {done.stderr.strip().partition(chr(10))[0]}"


def _in_own_namespaces(group, command):
    own = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child",
           "--propagation", "private", *command]  # fmt: skip
    script = 'mkdir "$1" && echo $$ > "$1/cgroup.procs" && shift && exec "$@"'
    return ["sh", "-c", script, "sh", group, *own]


def _new_group():
    """The path of a control group that is not there yet."""
    return pathlib.Path(_mount_of_control_groups()) / f"llmbatchd-test-{os.getpid()}-{next(_numbers)}"


def _remove_group(group):
    """Whether it is gone: it can't be removed before its last process has ended."""
    for folder in sorted(group.rglob("*/"), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()
    with contextlib.suppress(OSError):
        group.rmdir()
    return not group.exists()


def _mount_of_control_groups():
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return place
    return ""


@contextlib.contextmanager
def _only_one_apt():
    with (ARCHIVES.parent / "clean-root-archives.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
