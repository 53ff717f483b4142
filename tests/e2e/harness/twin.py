"""The provider twin: a provider on loopback that answers by script and remembers what it was asked."""

import json
import urllib.request

from . import paths
from .process import Process, free_port
from .waiting import wait_for


class Twin:
    def __init__(self, folder, port=None):
        self._folder = folder
        self.port = port or free_port()
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self._process = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, **settings):
        """Starts it with settings of its command line (`latency_ms=50`)."""
        flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", value)]
        port_file = self._folder / "port"
        port_file.unlink(missing_ok=True)
        self._process = Process(
            [paths.BIN / "provider-twin", "--port", self.port, "--port-file", port_file, *flags],
            self._folder / "twin.log",
        )
        wait_for(port_file.exists, 20, lambda: f"the twin listens: {self._process.tail()}")

    def stop(self):
        self._process.stop(timeout_s=20)

    def close(self):
        if self._process:
            self._process.kill()

    def script(self, **behaviour):
        """Changes how it behaves from now on (see tools/twin/README.md)."""
        self._request("/_twin/script", json.dumps(behaviour).encode())

    def journal(self):
        """One dict a request, in the order of arrival."""
        return [json.loads(line) for line in self._request("/_twin/journal").splitlines()]

    def summary(self):
        return json.loads(self._request("/_twin/summary"))

    def items(self):
        """How often each item was asked for and answered, by its input's id."""
        return json.loads(self._request("/_twin/items"))

    def _request(self, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()
