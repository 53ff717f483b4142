"""The package's units under a real systemd, in a clean Debian with its own first process: the sandbox, credentials, reload, watchdog,
restarts, several instances, upgrade and removal. It takes root, control groups of version 2, and tools/setup/clean-root."""

import json
import urllib.request

import pytest

from harness.daemon import merged, to_toml
from harness.process import free_port
from harness.root import Machine, why_no_machine
from harness.texts import make_inputs
from harness.waiting import wait_for

UNIT = "llmbatchd"
MAIN_FILE = "/etc/llmbatchd/llmbatchd.toml"
KEY_FILE = "/etc/llmbatchd/credentials/openai"
DROP_INS = "/etc/systemd/system/llmbatchd.service.d"

WHY_NOT = why_no_machine()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


class Service:
    """The installed package on a machine of its own, configured for a deployment's Kafka, Redis and provider."""

    def __init__(self, machine, deployment):
        self.machine = machine
        self.deployment = deployment
        self.port = free_port()
        deployment.redis.start()
        deployment.twin.start()

    def configure(self, changes=None, path=MAIN_FILE, port=None):
        own = {"admin": {"listen": f"127.0.0.1:{port or self.port}"}, "providers": {"twin": {"api_key": "credential:openai"}}}
        config = merged(self.deployment.config(), own)
        self.machine.write(path, to_toml(merged(config, changes or {})))

    def systemctl(self, *arguments, expect=0):
        return self.machine.run("systemctl", *arguments, expect=expect)

    def show(self, name):
        return self.machine.show(UNIT, name)

    def start(self):
        self.configure()
        self.machine.write(KEY_FILE, "test-key", "0600")
        self.systemctl("start", UNIT)
        assert self.show("ActiveState") == "active", self.machine.run("journalctl", "-u", UNIT)

    def status(self, port=None):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}/status", timeout=10) as answer:
                return json.load(answer)
        except OSError:
            return {}

    def answers(self, prefix, count=3):
        """Asks some items; each has a good result."""
        results = self.deployment.topics.reader(self.deployment.topics.results)
        inputs = make_inputs(count, seed=1, most_bytes=500, prefix=prefix)
        self.deployment.ask(inputs)
        wanted = {value["id"] for value in inputs}
        records = results.until(lambda found: {each.json["id"] for each in found} >= wanted, 60, "the results")
        assert {each.json["status"] for each in records if each.json["id"] in wanted} == {"ok"}

    def journal(self):
        return self.machine.run("journalctl", "-u", "llmbatchd*", "-o", "cat", "--no-pager")


@pytest.fixture
def machine(tmp_path, package, why_no_clean_root):
    if why_no_clean_root:
        pytest.skip(why_no_clean_root)
    made = Machine(tmp_path / "machine")
    try:
        made.install(package)
        yield made
    finally:
        made.close()


@pytest.fixture
def service(machine, deployment):
    return Service(machine, deployment)


def test_is_not_started_by_its_installation(service):
    assert service.show("ActiveState") == "inactive"
    assert service.show("UnitFileState") == "disabled"


def test_without_its_key_it_says_so(service):
    """The exit codes that docs/troubleshooting.md names."""
    service.configure()
    service.systemctl("start", UNIT, expect=1)
    assert service.show("ExecMainStatus") == "243"


def test_wrong_configuration_is_told_and_not_tried_again(service):
    service.machine.write(KEY_FILE, "test-key", "0600")
    service.configure({"limits": {"concurency": 5}, "tasks": {"analyze": {"max_batch_items": 0}}})
    service.systemctl("start", UNIT, expect=1)
    assert service.show("ExecMainStatus") == "78"
    # Not "activating", as it is while a restart is due.
    assert (service.show("ActiveState"), service.show("NRestarts")) == ("failed", "0")
    told = service.journal()
    assert "limits.concurency" in told and "max_batch_items" in told, told


def test_works_in_its_sandbox(service):
    service.start()
    service.answers("sandbox")
    pid = service.show("MainPID")
    facts = dict(line.split(":\t", 1) for line in service.machine.read(f"/proc/{pid}/status").splitlines() if ":\t" in line)
    assert int(facts["Uid"].split()[0]) != 0
    assert {facts[name] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    limits = service.machine.read(f"/proc/{pid}/limits")
    (core,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"]
    # As the daemon sees it: nothing can be written, the key can be read by it alone.
    seen = ["nsenter", f"--target={pid}", "--mount"]
    service.machine.run(*seen, "sh", "-c", "! touch /etc/llmbatchd/x /usr/x /var/lib/x /home/x 2>/dev/null")
    assert "devices" not in service.machine.run(*seen, "ls", "/dev")
    wait_for(lambda: service.show("StatusText").startswith("5 partitions, 0 records open"), 20, lambda: service.show("StatusText"))
    log = service.journal()
    assert "Operation not permitted" not in log and "test-key" not in log


def test_reload_takes_a_good_file_and_refuses_a_wrong_one(service):
    service.start()
    service.configure({"limits": {"concurrency": 3}})
    service.systemctl("reload", UNIT)
    wait_for(lambda: service.status()["limits"][0]["limit"] == 3, 20, lambda: service.status())
    service.configure({"limits": {"concurrency": 0}})
    service.systemctl("reload", UNIT)
    wait_for(lambda: "limits.concurrency" in service.journal(), 20, "the refusal is in the journal")
    assert (service.show("ActiveState"), service.show("NRestarts")) == ("active", "0")
    assert service.status()["limits"][0]["limit"] == 3
    service.answers("after-reloads")


def test_killed_it_comes_back(service):
    service.start()
    service.answers("before")
    service.systemctl("kill", "--signal=KILL", UNIT)
    wait_for(lambda: service.show("NRestarts") == "1" and service.show("ActiveState") == "active", 30, lambda: service.show("SubState"))
    service.answers("after")


def test_watchdog_ends_one_that_stands_still(service):
    service.machine.write(f"{DROP_INS}/watchdog.conf", "[Service]\nWatchdogSec=3\n")
    service.systemctl("daemon-reload")
    service.start()
    service.answers("alive")
    service.systemctl("kill", "--signal=STOP", UNIT)
    wait_for(lambda: service.show("NRestarts") == "1" and service.show("ActiveState") == "active", 40, lambda: service.show("SubState"))
    assert "Watchdog timeout" in service.journal()
    service.answers("again")


def test_stop_waits_for_calls_in_flight(service):
    service.start()
    service.answers("first")
    service.deployment.twin.script(latency_ms=3000)
    service.deployment.ask(make_inputs(1, seed=2, most_bytes=500, prefix="late"))
    wait_for(lambda: service.status()["calls"]["in_flight"] == 1, 30, "the call is in flight")
    service.systemctl("stop", UNIT)
    assert (service.show("Result"), service.show("ExecMainStatus")) == ("success", "0")
    assert service.deployment.topics.open_records(service.deployment.topics.requests) == 0


def test_instances_of_the_template_have_names_of_their_own(service):
    ports = {name: free_port() for name in ("blue", "green")}
    service.machine.write(KEY_FILE, "test-key", "0600")
    for name, port in ports.items():
        service.configure(path=f"/etc/llmbatchd/{name}.toml", port=port)
    service.systemctl("start", *(f"llmbatchd@{name}" for name in ports))
    host = service.machine.run("uname", "-n").strip()
    for name, port in ports.items():
        wait_for(lambda port=port: service.status(port).get("assigned"), 60, f"{name} has partitions")
        assert service.status(port)["instance"] == f"{host}-{name}"
    service.answers("two")


def test_upgrade_restarts_it_and_a_purge_leaves_nothing(service, next_package):
    service.start()
    service.systemctl("enable", UNIT)
    service.answers("before")
    pid, changed = service.show("MainPID"), service.machine.read(MAIN_FILE)

    service.machine.install(next_package)

    assert service.show("ActiveState") == "active"
    assert service.show("MainPID") != pid
    assert service.machine.read(MAIN_FILE) == changed
    assert "new in 99.0" in service.machine.read(MAIN_FILE + ".dpkg-dist")
    service.answers("after")

    service.machine.run("apt-get", "purge", "-q", "-y", "llmbatchd")
    assert "llmbatchd" not in service.systemctl("list-units", "--all", "--no-legend")
    service.machine.run("getent", "passwd", "llmbatchd", expect=2)
    left = service.machine.run("find", "/", "-xdev", "-name", "*llmbatch*", "-not", "-path", "/var/cache/*")
    assert left == ""
