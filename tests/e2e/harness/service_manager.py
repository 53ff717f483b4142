"""systemd's part, played by the test."""

import socket

from .waiting import wait_for

WATCHDOG_S = 3


class ServiceManager:
    """Hears what a service tells, and hands over what its unit would."""

    def __init__(self, folder, monkeypatch):
        self.heard = []
        path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        credentials = folder / "credentials"
        credentials.mkdir()
        (credentials / "openai").write_text("key-of-the-credential\n")
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", str(WATCHDOG_S * 1_000_000))
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
        monkeypatch.setenv("LLMBATCHD_KAFKA__INSTANCE", "host-blue")

    def count(self, text):
        while True:
            try:
                self.heard += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return sum(line.startswith(text) for line in self.heard)

    def wait_for(self, text, times=1, timeout_s=30):
        wait_for(lambda: self.count(text) >= times, timeout_s, lambda: f"{text} {times} times; heard: {self.heard}")

    def close(self):
        self._socket.close()
