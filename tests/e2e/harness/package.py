"""The Debian package, as `make package` builds it, and a later one."""

import fcntl
import re
import subprocess

from . import paths

BUILD = paths.BIN.parent


def build(folder):
    with (BUILD / "package.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _run("cmake", "--build", BUILD, "--target", "manual")
        _run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder)
    (made,) = folder.glob("*.deb")
    return made


def later(package, folder):
    """Version 99.0, with another default in each configuration file."""
    tree = folder / "tree"
    _run("dpkg-deb", "-R", package, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*", "Version: 99.0", control.read_text(), flags=re.MULTILINE))
    for path in (tree / "DEBIAN/conffiles").read_text().split():
        if path.endswith(".toml"):
            with open(tree / path.lstrip("/"), "a", encoding="utf-8") as file:
                file.write("\n# new in 99.0\n")
    (tree / "DEBIAN/md5sums").unlink()
    made = folder / "llmbatchd_99.0_amd64.deb"
    _run("dpkg-deb", "-b", "--root-owner-group", tree, made)
    return made


def _run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done
