"""A redis-server of a test's own, never the machine's."""

import redis as client

from .process import Process, free_port
from .waiting import wait_for


class Redis:
    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process = None
        folder.mkdir(parents=True)

    def start(self):
        """Starts the server, again after stop() with the same data, and waits until it answers."""
        self._process = Process(
            ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.folder,
             "--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction"],
            self.folder / "redis.log",
        )  # fmt: skip
        wait_for(self._answers, 20, lambda: f"Redis answers: {self._process.tail()}")

    def stop(self):
        self._process.stop(timeout_s=20)

    def close(self):
        if self._process:
            self._process.kill()

    def connection(self):
        return client.Redis(port=self.port, socket_timeout=5)

    def _answers(self):
        try:
            return self.connection().ping()
        except client.exceptions.ConnectionError:
            return False
        except client.exceptions.BusyLoadingError:
            return False
