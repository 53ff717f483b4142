"""One process started by a test, with its output in a log file. It is ended by its pid, never by its name."""

import pathlib
import random
import signal
import socket
import subprocess


def free_port():
    """A loopback port that nobody uses right now.

    It lies below the ports that the system gives to outgoing connections: a server that a test stops and starts again
    would otherwise find its port taken, now and then by a client that was knocking at it.
    """
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.SystemRandom().randrange(15_000, 32_000)))
                return probe.getsockname()[1]
            except OSError:
                continue


class Process:
    def __init__(self, arguments, log):
        self.log = pathlib.Path(log)
        with self.log.open("ab") as output:
            self._popen = subprocess.Popen(
                # It ends with the test, even if the test is killed. setpriv becomes the program, so the pid stays.
                ["setpriv", "--pdeathsig", "KILL", *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self):
        return self._popen.pid

    def is_running(self):
        return self._popen.poll() is None

    def stop(self, timeout_s=60):
        """Asks it to end and gives its exit code; whoever does not end in time fails the test."""
        if self.is_running():
            self._popen.send_signal(signal.SIGTERM)
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end within {timeout_s} s of SIGTERM; see {self.log}") from None

    def send(self, signal_number):
        self._popen.send_signal(signal_number)

    def kill(self):
        """kill -9, and waits until it is gone."""
        if self.is_running():
            self._popen.kill()
        self._popen.wait()

    def tail(self, lines=30):
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
