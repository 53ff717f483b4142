"""Limits that nobody has told: found by trying, over two replicas, and followed when they change."""

import itertools
import os
import statistics
import time

import pytest
from test_limits import ONE_ITEM, in_use_ms, inputs_of, start

from harness.waiting import wait_for

# How often the limit changes; more than two say more, and take longer.
PERIODS = int(os.environ.get("ADAPTIVE_PERIODS", "2"))
PERIOD_S = 30
SETTLING_S = 5
FINDING_S = 20
CHANGES = (0.75, 1.25, 1.25, 0.75, 0.75, 1.25)


class Account:
    """A provider whose limit changes by a quarter in each period."""

    def __init__(self, twin, setting, first):
        self._twin = twin
        self._setting = setting
        self.limits = [first]
        for change in itertools.islice(itertools.cycle(CHANGES), PERIODS):
            self.limits.append(round(self.limits[-1] * change))
        self.changes_ms = []

    def run(self):
        """Returns when the last period is over."""
        wait_for(self._twin.journal, 60, "the first call")
        time.sleep(FINDING_S)  # time is what is measured here
        for limit in self.limits[1:]:
            self._twin.script(**{self._setting: limit})
            self.changes_ms.append(self._twin.journal()[-1]["received_ms"])
            time.sleep(PERIOD_S)

    def windows(self):
        """Of each period: where it has settled, its end, and its limit."""
        for begin_ms, limit in zip(self.changes_ms, self.limits[1:]):
            yield begin_ms + SETTLING_S * 1_000, begin_ms + PERIOD_S * 1_000, limit


def start_adaptive(deployment, replicas=2, most=128):
    """No other limit holds."""
    twin = {"concurrency": 200, "adaptive": {"min": 2, "max": most}}
    start(deployment, replicas, limits={"concurrency": 200}, providers={"twin": twin}, **ONE_ITEM)


def refused_share(journal, spans):
    """Of the calls that came in one of these spans of time."""
    calls = [call for call in journal if any(begin <= call["received_ms"] < end for begin, end in spans)]
    return sum(call["status"] == 429 for call in calls) / len(calls)


def refusals_of(account, journal):
    """In all since the first change; and without the seconds after each change."""
    in_all = refused_share(journal, [(account.changes_ms[0], account.changes_ms[-1] + PERIOD_S * 1_000)])
    settled = refused_share(journal, [(begin, end) for begin, end, _ in account.windows()])
    return in_all, settled


def calls_against_retry_after(journal, retry_after_ms, until_known_ms=100):
    refusals = [call["completed_ms"] for call in journal if call["status"] == 429]
    received = [call["received_ms"] for call in journal]
    return sum(
        any(refused + until_known_ms < at < refused + retry_after_ms for at in received) for refused in refusals
    )


def status_of_limit(deployment):
    pools = {pool["pool"]: pool for pool in deployment.daemons[0].status()["limits"]}
    (limit,) = [pool for name, pool in pools.items() if name.startswith("model:")]
    return limit


def test_a_hidden_limit_of_calls_at_once_is_found_and_followed(deployment):
    retry_after_s = 0.25
    account = Account(deployment.twin, "concurrency", 48)
    deployment.twin.start(
        latency="uniform:500-1500", concurrency=account.limits[0], retry_after_seconds=retry_after_s
    )
    start_adaptive(deployment)
    deployment.ask(inputs_of(60 * (FINDING_S + PERIODS * PERIOD_S)))
    account.run()

    limit = status_of_limit(deployment)
    journal = deployment.twin.journal()
    answered = [call for call in journal if call["status"] == 200]
    used = possible = 0
    for begin, end, size in account.windows():
        used += in_use_ms(answered, begin, end)
        possible += size * (end - begin)
    refused, settled = refusals_of(account, journal)
    print(f"calls at once: {used / possible:.3f} used, {refused:.4f} refused, when settled {settled:.4f}")
    assert used / possible >= 0.95
    assert refused <= 0.015
    assert calls_against_retry_after(journal, retry_after_s * 1_000) == 0
    assert limit["changed_by"] in ("growth", "refusal")
    assert abs(limit["limit"] - account.limits[-1]) <= 0.25 * account.limits[-1]


def test_a_hidden_rate_of_requests_is_found_and_followed(deployment):
    account = Account(deployment.twin, "requests_per_minute", 4_800)
    deployment.twin.start(latency_ms=300, requests_per_minute=account.limits[0], limit_burst_seconds=1)
    start_adaptive(deployment)
    deployment.ask(inputs_of(100 * (FINDING_S + PERIODS * PERIOD_S)))
    account.run()

    journal = deployment.twin.journal()
    used = possible = 0
    for begin, end, per_minute in account.windows():
        used += sum(call["status"] == 200 and begin <= call["received_ms"] < end for call in journal)
        possible += per_minute / 60_000 * (end - begin)
    refused, settled = refusals_of(account, journal)
    print(f"requests a minute: {used / possible:.3f} used, {refused:.4f} refused, when settled {settled:.4f}")
    assert used / possible >= 0.95
    assert refused <= 0.02


@pytest.mark.parametrize("fault", ["529", "503"])
def test_an_overloaded_provider_is_asked_less(deployment, fault):
    deployment.twin.start(latency_ms=100)
    start_adaptive(deployment, replicas=1, most=64)
    deployment.ask(inputs_of(6_000))
    wait_for(lambda: status_of_limit(deployment)["limit"] == 64, 60, "nothing keeps it from growing")
    deployment.twin.script(latency_ms=100, next=[{"fault": fault, "times": 1, "retry_after_seconds": 0.1}])
    wait_for(lambda: status_of_limit(deployment)["changed_by"] == "refusal", 20, "the limit goes down")


def test_a_provider_that_gets_slow_is_asked_less(deployment):
    """It refuses nothing, but works on so many calls at a time and lets the others wait."""
    workers, call_ms = 16, 300
    deployment.twin.start(latency=f"uniform:{call_ms - 100}-{call_ms + 100}", workers=workers)
    start_adaptive(deployment)
    a_second = workers * 1_000 / call_ms
    rounds = max(1, PERIODS // 2)
    deployment.ask(inputs_of(round(1.5 * a_second * (FINDING_S + rounds * PERIOD_S))))
    wait_for(deployment.twin.journal, 60, "the first call")
    time.sleep(FINDING_S)  # time is what is measured here
    for _ in range(rounds):
        begin_ms = deployment.twin.summary()["now_ms"]
        time.sleep(PERIOD_S)
        calls = [call for call in deployment.twin.journal() if call["completed_ms"] and call["completed_ms"] >= begin_ms]
        used = len(calls) / PERIOD_S / a_second
        took = statistics.mean(call["completed_ms"] - call["received_ms"] for call in calls)
        limit = status_of_limit(deployment)
        print(f"slow provider: {used:.3f} used, {took / call_ms:.2f} times as long, limit {limit['limit']}")
        assert used >= 0.9
        # With all calls that are allowed it would be eight times as long.
        assert took <= 3 * call_ms
    assert limit["changed_by"] in ("growth", "latency")
