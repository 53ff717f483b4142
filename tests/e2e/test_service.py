"""What the units of systemd/ count on: the daemon's side of a service, with the test in the service manager's place."""

import signal

import pytest

from harness.daemon import Daemon
from harness.service_manager import WATCHDOG_S, ServiceManager
from harness.texts import make_inputs
from harness.threads import CannotTrace, standing_still
from harness.waiting import wait_for


@pytest.fixture
def manager(tmp_path, monkeypatch):
    made = ServiceManager(tmp_path, monkeypatch)
    yield made
    made.close()


def start(deployment, **changes):
    providers = {"twin": {"api_key": "credential:openai"}}
    return deployment.start(config=deployment.config(redis=None, providers=providers, **changes))[0]


def test_tells_that_it_is_ready_and_alive(deployment, manager):
    deployment.twin.start()
    daemon = start(deployment)
    assert manager.count("READY=1") == 1
    already = manager.count("WATCHDOG=1")
    manager.wait_for("WATCHDOG=1", already + 2, timeout_s=WATCHDOG_S * 3)
    manager.wait_for("STATUS=5 partitions, 0 records open, 0 calls in flight")
    assert manager.count("STOPPING=1") == 0
    assert daemon.stop() == 0


def test_is_ready_while_kafka_is_away(deployment, manager):
    daemon = Daemon(deployment.folder, "replica-1", deployment.config(redis=None, kafka={"brokers": "127.0.0.1:1"}))
    deployment.daemons.append(daemon)
    daemon.start()
    manager.wait_for("READY=1")
    manager.wait_for("WATCHDOG=1", 2, timeout_s=WATCHDOG_S * 3)
    assert daemon.is_running()


def test_variable_of_the_template_unit_names_the_instance(deployment, manager):
    deployment.twin.start()
    assert start(deployment).status()["instance"] == "host-blue"


def test_first_sigterm_waits_for_calls_in_flight_and_the_second_does_not(deployment, manager):
    deployment.twin.start(latency_ms=120_000)
    daemon = start(deployment, limits={"drain_timeout": "100s"})
    deployment.ask(make_inputs(1, seed=1, most_bytes=500))
    wait_for(lambda: daemon.status()["calls"]["in_flight"] == 1, 30, "the call is in flight")

    daemon.send(signal.SIGTERM)
    manager.wait_for("STOPPING=1")
    manager.wait_for("WATCHDOG=1", manager.count("WATCHDOG=1") + 2, timeout_s=WATCHDOG_S * 3)
    assert daemon.is_running()
    assert daemon.stop() == 0


def test_livez_tells_that_the_main_thread_hangs(deployment):
    """Its number is the process's."""
    deployment.twin.start()
    daemon = deployment.start(config=deployment.config(redis=None))[0]
    assert daemon.get("/livez")[0] == 200
    try:
        with standing_still(daemon.pid):
            wait_for(lambda: daemon.get("/livez") == (503, "a thread hangs\n"), 60, lambda: daemon.get("/livez"))
    except CannotTrace as error:
        pytest.skip(f"no process may trace another here: {error}")
    wait_for(lambda: daemon.get("/livez")[0] == 200, 30, lambda: daemon.get("/livez"))
    deployment.ask(make_inputs(3, seed=1, most_bytes=500))
    deployment.wait_until_done()
