"""A redis-server of a test's own, never the machine's."""

import os
import subprocess

import redis as client

from .process import Process, free_port
from .waiting import wait_for


class Redis:
    def __init__(self, folder):
        self.folder = folder
        self.tls_port = free_port()
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process = None
        folder.mkdir(parents=True)

    def start(self, certificate=None, disk_mib=None):
        """Starts the server, again after stop() with the same data, and waits until it answers.

        With a certificate it listens with TLS as well, on `tls_port`. With `disk_mib` its folder is a disk of its own, of
        that size (takes root), and lost with the process.
        """
        on_disk = []
        if disk_mib:
            script = f'mount -t tmpfs -o size={disk_mib}m tmpfs {self.folder} && exec "$@"'
            on_disk = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
        tls = []
        if certificate:
            tls = ["--tls-port", self.tls_port, "--tls-cert-file", certificate.certificate, "--tls-key-file", certificate.key,
                   "--tls-ca-cert-file", certificate.certificate, "--tls-auth-clients", "no"]  # fmt: skip
        self._process = Process(
            [*on_disk, "redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.folder,
             "--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction", *tls],
            self.folder / "redis.log",
        )  # fmt: skip
        wait_for(self._answers, 20, lambda: f"Redis answers: {self._process.tail()}")

    def stop(self):
        self._process.stop(timeout_s=20)

    def kill(self):
        self._process.kill()

    def cut_log(self, share):
        """Takes the last part of what it has logged since its start away, while it isn't running."""
        log = self.folder / "appendonlydir/appendonly.aof.1.incr.aof"
        os.truncate(log, int(log.stat().st_size * (1 - share)))

    def close(self):
        if self._process:
            self.kill()

    def fill_disk(self):
        """Leaves no byte free on a disk of its own."""
        self._on_disk("sh", "-c", f"cat /dev/zero > {self.folder}/filler", expect=1)

    def free_disk(self):
        self._on_disk("rm", f"{self.folder}/filler", expect=0)

    def _on_disk(self, *command, expect):
        done = subprocess.run(
            ["nsenter", "--target", str(self._process.pid), "--mount", *command], capture_output=True, check=False
        )
        assert done.returncode == expect, done

    def connection(self):
        return client.Redis(port=self.port, socket_timeout=5)

    def _answers(self):
        try:
            return self.connection().ping()
        except client.exceptions.ConnectionError:
            return False
        except client.exceptions.BusyLoadingError:
            return False
