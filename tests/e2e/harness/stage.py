"""A place to carry out what documents say, word for word: this machine's file system under a layer that takes all
changes, and a loopback network of its own, so that the usual ports are free. It takes root."""

import subprocess

from . import paths

CHECKOUT = "/checkout"
SCRIPTS = "/stage"

# Run in namespaces of mounts, network and processes: whatever a script leaves running ends with it.
_SET = """
set -eu
folder=$1 source=$2 programs=$3 scripts=$4
python3 -c 'import fcntl, socket, struct
with socket.socket() as any: fcntl.ioctl(any, 0x8914, struct.pack("16sh14x", b"lo", 0x41))'
mount -t tmpfs tmpfs "$folder"
cd "$folder"
mkdir upper work root upper-of-source work-of-source
mount -t overlay overlay -o "lowerdir=/,upperdir=upper,workdir=work" root
mkdir -p root@CHECKOUT@ root@SCRIPTS@
mount -t overlay overlay -o "lowerdir=$source,upperdir=upper-of-source,workdir=work-of-source" root@CHECKOUT@
mkdir -p root@CHECKOUT@/build/release/bin
mount --bind "$programs" root@CHECKOUT@/build/release/bin
mount --bind "$scripts" root@SCRIPTS@
mount -t proc proc root/proc
mount --rbind /dev root/dev
rm -rf root/etc/llmbatchd
cd root@CHECKOUT@
exec chroot "$folder/root" env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
  bash -c 'cd @CHECKOUT@ && exec bash @SCRIPTS@/main.sh'
""".replace("@CHECKOUT@", CHECKOUT).replace("@SCRIPTS@", SCRIPTS)


def run(folder, timeout_s):
    """Runs `folder/scripts/main.sh` in the checkout; gives its exit code, or None if it took too long."""
    place = folder / "place"
    place.mkdir()
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child",
               "--propagation", "private", "sh", "-c", _SET, "sh", place, paths.SOURCE, paths.BIN, folder / "scripts"]  # fmt: skip
    with (folder / "stage.log").open("wb") as log:
        try:
            return subprocess.run(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=timeout_s, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            return None
