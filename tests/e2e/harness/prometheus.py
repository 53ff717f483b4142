"""A Prometheus server of a test's own that watches replicas with the rules of dashboards/."""

import json
import urllib.error
import urllib.parse
import urllib.request

from . import paths
from .process import Process, free_port
from .waiting import wait_for

_RULES = paths.SOURCE / "dashboards"


class Prometheus:
    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self._process = None
        folder.mkdir(parents=True)

    def start(self, daemons, job="llmbatchd", rules=_RULES, interval="1s"):
        """Scrapes them that often from now on, by the rules of a folder; waits until it is ready to be asked."""
        targets = ", ".join(f'"127.0.0.1:{daemon.port}"' for daemon in daemons)
        config = self.folder / "prometheus.yml"
        config.write_text(
            f"global: {{scrape_interval: {interval}, evaluation_interval: {interval}}}\n"
            f"rule_files: ['{rules}/*.rules.yml']\n"
            f"scrape_configs: [{{job_name: {job}, static_configs: [{{targets: [{targets}]}}]}}]\n"
        )
        self._process = Process(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{self.port}"],
            self.folder / "prometheus.log",
        )  # fmt: skip
        wait_for(self._ready, 30, lambda: f"Prometheus is ready: {self._process.tail()}")

    def close(self):
        if self._process:
            self._process.kill()

    def query(self, expression):
        """The result of an instant query: a list of {"metric": labels, "value": [time, text]}."""
        return self.get("/api/v1/query", query=expression)["result"]

    def firing(self):
        """The names of the alerts that fire now."""
        alerts = self.get("/api/v1/alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def get(self, path, **parameters):
        """The data of an answer of the HTTP API; an expression that is wrong fails the test."""
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None

    def _ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5):
                return True
        except OSError:
            return False
