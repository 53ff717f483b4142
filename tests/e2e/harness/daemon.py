"""Replicas of llmbatchd: their configuration as a value, their processes, their /status."""

import copy
import json
import urllib.error
import urllib.request

from . import paths
from .process import Process, free_port
from .waiting import wait_for

LLMBATCHD = paths.BIN / "llmbatchd"


def to_toml(table, path=()):
    """A nested dict as TOML. Lists hold plain values or dicts without tables of their own."""
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = [f"[{'.'.join(_key(part) for part in path)}]"] if path else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    text = "\n".join(lines) + "\n"
    for key, value in table.items():
        if isinstance(value, dict):
            text += to_toml(value, (*path, key))
    return text


def _key(key):
    return key if key.replace("_", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value):
    if isinstance(value, list):
        return "[" + ", ".join(_value(element) for element in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(element)}" for key, element in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def merged(base, changes):
    """`base` with the nested dict `changes` laid over it; None removes a key."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


class Daemon:
    """One replica, with its configuration file and log in `folder`."""

    def __init__(self, folder, instance, config, arguments=(), within=()):
        """`within`: a command that runs the daemon, such as one that limits it."""
        self.instance = instance
        self.program = LLMBATCHD  # from the next start on
        self.within = within  # likewise
        self._arguments = arguments
        self.port = free_port()
        self.log = folder / f"{instance}.log"
        self._file = folder / f"{instance}.toml"
        self._process = None
        self.configure(config)

    def configure(self, config):
        """Writes the configuration; it counts from the next start or SIGHUP on."""
        own = {"kafka": {"instance": self.instance}, "admin": {"listen": f"127.0.0.1:{self.port}"}}
        self._file.write_text(to_toml(merged(config, own)), encoding="utf-8")

    def start(self):
        self._process = Process([*self.within, self.program, "--config", self._file, *self._arguments], self.log)

    @property
    def pid(self):
        return self._process.pid

    def stop(self):
        """SIGTERM: lets it finish what it has begun. Gives the exit code."""
        return self._process.stop()

    def kill(self):
        """kill -9, in the middle of whatever it is doing."""
        self._process.kill()

    def send(self, signal_number):
        self._process.send(signal_number)

    def close(self):
        if self._process:
            self._process.kill()

    def is_running(self):
        return self._process.is_running()

    def get(self, path):
        """Status code and body of one of the daemon's own pages; (0, "") while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def status(self):
        """/status as a dict; {} while it can't be had."""
        code, body = self.get("/status")
        return json.loads(body) if code == 200 else {}

    def assigned(self, topic):
        return {row["partition"] for row in self.status().get("assigned", ()) if row["topic"] == topic}

    def metric(self, name, **labels):
        """Sum of the samples of that name that carry these labels."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            sample, _, value = line.rpartition(" ")
            sample_name, _, sample_labels = sample.partition("{")
            if sample_name == name and all(f'{key}="{text}"' in sample_labels for key, text in labels.items()):
                total += float(value)
        return total


def wait_until_assigned(daemons, topic, partitions):
    """The replicas together hold every partition of the topic, each of them once, and none stands by."""

    def complete():
        for daemon in daemons:
            assert daemon.is_running(), f"{daemon.instance} ended: {daemon._process.tail()}"
        everybody_reads = all(daemon.status().get("assigned") for daemon in daemons)
        held = [daemon.assigned(topic) for daemon in daemons]
        return everybody_reads and sum(map(len, held)) == partitions and len(set.union(*held)) == partitions

    wait_for(complete, 60, lambda: f"{topic} is assigned: {[d.status().get('assigned') for d in daemons]}")
