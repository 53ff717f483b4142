"""The shipped alerts over the real daemon: each fault is made, and its alert has to fire within its time, and to go again.

Times are a sixtieth of the shipped ones, in a copy of the rules: `for: 10m` is ten seconds, `[5m]` five. Nothing else is changed.
"""

import re
import signal
import time

import pytest

from harness import paths
from harness.deployment import TASK, Deployment
from harness.prometheus import Prometheus
from harness.texts import make_inputs
from harness.waiting import wait_for

SHORTER = {"m": "s", "h": "m"}
# A scrape, an evaluation, and what the machine needs.
SLACK_S = 10
NOTHING = set()
COSTLY = {"max_batch_items": 1, "linger_ms": 0, "max_output_tokens": 100}


def in_a_sixtieth(rules):
    """A rules file with its times in seconds for minutes."""

    def shorter(match):
        number, unit = int(match[2]), match[3]
        return f"{match[1]}{number * 24}m" if unit == "d" else f"{match[1]}{number}{SHORTER[unit]}"

    return re.sub(r"(\[|for: )(\d+)([mhd])\b", shorter, rules)


def configuration(deployment):
    """Beside the main task: one whose provider will refuse the key, and one with a budget."""
    task = deployment.config()["tasks"][TASK]
    other = deployment.config()["providers"]["twin"]
    return deployment.config(
        # Reading pauses early, so that records stay in Kafka.
        kafka={"max_message_bytes": 65_536},
        limits={"max_pending_bytes": 1_048_576},
        redis={"lease": "2s"},
        providers={"other": other},
        models={"other/test": deployment.config()["models"]["twin/test"]},
        tasks={
            "refused": task | {"route": ["other/test", "twin/test"]},
            "costly": task | COSTLY | {"budget_day_usd": "0.002"},
        },
    )


@pytest.fixture(scope="module")
def watched(kafka, tmp_path_factory):
    """A deployment, and a Prometheus with the shipped rules in a sixtieth of their time."""
    deployment = Deployment(kafka, tmp_path_factory.mktemp("alerts"))
    server = Prometheus(deployment.folder / "prometheus")
    rules = deployment.folder / "rules"
    rules.mkdir()
    for path in (paths.SOURCE / "dashboards").glob("*.rules.yml"):
        (rules / path.name).write_text(in_a_sixtieth(path.read_text(encoding="utf-8")), encoding="utf-8")
    try:
        deployment.redis.start()
        deployment.twin.start(latency_ms=20)
        server.start(deployment.start(config=configuration(deployment)), rules=rules, interval="500ms")
        deployment.ask(make_inputs(5, seed=1, most_bytes=500, prefix="first"))
        deployment.wait_until_done()
        yield deployment, server
    finally:
        for part in (server, deployment):
            part.close()


def fires(server, alert, not_before_s, within_s):
    """Waits until the alert fires, from now on; it must not fire at once where it has to wait."""
    began = time.monotonic()
    wait_for(lambda: alert in server.firing(), within_s + SLACK_S, lambda: f"{alert} fires; firing: {server.firing()}")
    took = time.monotonic() - began
    print(f"{alert} fired after {took:.1f} s")
    assert took >= not_before_s, took


def goes(server, alert, within_s):
    began = time.monotonic()
    wait_for(lambda: alert not in server.firing(), within_s + SLACK_S, f"{alert} goes")
    print(f"{alert} went after {time.monotonic() - began:.1f} s")


def ask(deployment, count, seed, prefix, task=TASK, **fields):
    inputs = make_inputs(count, seed=seed, most_bytes=500, prefix=prefix)
    messages = [(value["id"], {"kind": "item", "id": value["id"], "task": task, "input": value} | fields) for value in inputs]
    deployment.topics.produce_json(deployment.topics.requests, messages)


def at_rest(watched, *alerts):
    """Nothing is open, and these alerts don't fire, whatever the test before did."""
    deployment, server = watched
    deployment.twin.script()
    deployment.wait_until_done(timeout_s=60)
    wait_for(lambda: not server.firing() & set(alerts), 30, lambda: f"{alerts} go: {server.firing()}")
    return watched


def test_times_are_a_sixtieth():
    assert in_a_sixtieth("for: 10m\nx[5m] y[1h] z[3d] > 900") == "for: 10s\nx[5s] y[1m] z[72m] > 900"


def test_nothing_fires_while_all_is_well(watched):
    deployment, server = watched
    began = time.monotonic()
    while time.monotonic() - began < 4:
        ask(deployment, 1, seed=2, prefix=f"well{time.monotonic_ns()}")
        deployment.wait_until_done()
        assert server.firing() == NOTHING


def test_refused_key(watched):
    deployment, server = watched
    deployment.twin.script(match=[{"text_contains": "refuse me", "fault": "401", "times": 1}])
    deployment.topics.produce_json(
        deployment.topics.requests, [("r", {"kind": "item", "id": "r", "task": "refused", "text": "refuse me"})]
    )
    fires(server, "LlmbatchdProviderRefuses", not_before_s=0, within_s=5)
    goes(server, "LlmbatchdProviderRefuses", within_s=5)


def test_no_progress(watched):
    deployment, server = at_rest(watched, "LlmbatchdNoProgress")
    deployment.twin.script(latency_ms=600_000)
    ask(deployment, 20, seed=4, prefix="hanging")
    fires(server, "LlmbatchdNoProgress", not_before_s=10, within_s=5 + 10)
    deployment.twin.stop()
    deployment.twin.start(latency_ms=20)
    goes(server, "LlmbatchdNoProgress", within_s=10)


def test_lag_grows(watched):
    """Records are large, for what is on its way to the daemon, up to 10 MiB, is no lag."""
    deployment, server = at_rest(watched, "LlmbatchdLagGrows")
    # 33 items a second are answered.
    deployment.twin.script(latency_ms=3000)
    ask(deployment, 1500, seed=7, prefix="behind", padding="x" * 20_000)
    began = time.monotonic()
    for second in range(60 + SLACK_S):
        ask(deployment, 60, seed=8, prefix=f"lag{second}", padding="x" * 20_000)
        if "LlmbatchdLagGrows" in server.firing():
            break
        wait_for(lambda second=second: time.monotonic() - began > second + 1, 5, "a second for each 60")
    assert "LlmbatchdLagGrows" in server.firing(), server.query("job:llmbatchd_lag_records:sum")
    took = time.monotonic() - began
    print(f"LlmbatchdLagGrows fired after {took:.1f} s")
    assert took >= 30, took
    deployment.twin.script()
    goes(server, "LlmbatchdLagGrows", within_s=30)


def test_redis_away(watched):
    deployment, server = at_rest(watched, "LlmbatchdDegraded", "LlmbatchdLedgerWriteFailures")
    deployment.twin.script(latency_ms=2000)
    ask(deployment, 20, seed=3, prefix="without-redis")
    (daemon,) = deployment.daemons
    wait_for(lambda: daemon.status()["calls"]["in_flight"], 10, "a call is in flight")
    deployment.redis.stop()
    fires(server, "LlmbatchdLedgerWriteFailures", not_before_s=0, within_s=5)
    fires(server, "LlmbatchdDegraded", not_before_s=0, within_s=5)
    deployment.redis.start()
    deployment.twin.script()
    # Whether the ledger can be used again shows with its next use.
    wait_for(lambda: daemon.metric("llmbatchd_redis_up") == 1, 20, "Redis answers")
    ask(deployment, 1, seed=8, prefix="redis-is-back")
    goes(server, "LlmbatchdDegraded", within_s=5)
    goes(server, "LlmbatchdLedgerWriteFailures", within_s=5)


def test_budget_spent(watched):
    deployment, server = at_rest(watched, "LlmbatchdBudgetSpent")
    ask(deployment, 40, seed=5, prefix="costly", task="costly")
    fires(server, "LlmbatchdBudgetSpent", not_before_s=10, within_s=10)
    config = configuration(deployment)
    config["tasks"]["costly"]["budget_day_usd"] = "100"
    (daemon,) = deployment.daemons
    daemon.configure(config)
    daemon.send(signal.SIGHUP)
    # What waits asks again every half minute, and goes on when the next call of its task has told of the new budget.
    wait_for(lambda: daemon.metric("llmbatchd_config_reloads_total", outcome="ok") == 1, 20, "the reload")
    ask(deployment, 1, seed=6, prefix="after-the-raise", task="costly")
    goes(server, "LlmbatchdBudgetSpent", within_s=30)
