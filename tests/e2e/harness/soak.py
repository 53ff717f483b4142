"""Steady load with faults for as long as it is told; counts what is lost and measures what grows."""

import contextlib
import dataclasses
import os
import pathlib
import random
import signal
import statistics
import time

from .daemon import merged
from .deployment import TASK
from .waiting import wait_for

STEP_S = 0.5
CONCURRENCY = 128
MOST_MORE_DESCRIPTORS = 8
PARTS = 3  # memory and descriptors of the first part are compared to those of the last
FAULTS = {
    "429": 0.01,
    "500": 0.01,
    "reset": 0.01,
    "close_mid_body": 0.005,
}


@dataclasses.dataclass
class Outcome:
    minutes: float = 0
    items: int = 0
    items_per_s: float = 0
    lost: int = 0  # items without a result
    unequal: int = 0  # items whose results differ in their llmbatch-id
    errors: int = 0  # items whose result is an error
    faults: int = 0  # servers stopped, replicas killed, configurations changed
    rss_first_mib: float = 0  # median of the first part after the warm-up
    rss_last_mib: float = 0  # median of the last part
    rss_slope_mib_per_h: float = 0  # of a line through all of them
    descriptors_first: int = 0
    descriptors_last: int = 0
    threads_first: int = 0
    threads_last: int = 0

    def is_sound(self):
        more_descriptors = self.descriptors_last - self.descriptors_first
        return self.lost == 0 and self.unequal == 0 and more_descriptors <= MOST_MORE_DESCRIPTORS

    def __str__(self):
        return ", ".join(f"{field.name} {round(getattr(self, field.name), 2)}" for field in dataclasses.fields(self))


def run(deployment, minutes, rate=200, seed=1):
    """`rate` items a second, each a call, over two replicas; the first is measured, the second suffers."""
    chance = random.Random(seed)
    deployment.redis.start()
    deployment.twin.start(latency="uniform:100-500", journal_max_requests=1000)
    deployment.twin.script(error_rate=FAULTS, retry_after_seconds=0.2)
    config = deployment.config(
        limits={"concurrency": CONCURRENCY},
        providers={"twin": {"concurrency": CONCURRENCY}},
        redis={"ledger_ttl": "1m"},
        tasks={TASK: {"max_batch_items": 1, "linger_ms": 0, "max_output_tokens": 1000}},
    )
    measured, victim = deployment.start(2, config)
    reader = deployment.topics.reader(deployment.topics.results)
    outcome = Outcome(minutes=minutes)
    open_items, message_ids, samples = {}, {}, []
    began = time.monotonic()
    warm = began + min(60.0, minutes * 60 / 4)
    end = began + minutes * 60
    next_step, next_fault, mend = began, warm, None
    while (now := time.monotonic()) < end:
        # One at a time.
        if mend and now >= mend[0]:
            mend[1]()
            mend = None
        if now >= next_fault and not mend:
            outcome.faults += 1
            mend = _break_something(deployment, chance, config, victim)
            next_fault = now + chance.uniform(5, 15)
        _ask(deployment, outcome, open_items, int(rate * STEP_S))
        _collect(reader, outcome, open_items, message_ids)
        if now >= warm:
            samples.append(_sample(measured, deployment.twin.port, now - began))
        next_step += STEP_S
        while time.monotonic() < next_step:
            _collect(reader, outcome, open_items, message_ids)
    if mend:
        mend[1]()
    outcome.items_per_s = outcome.items / (time.monotonic() - began)
    deployment.wait_until_assigned()
    deployment.wait_until_done(timeout_s=180)
    wait_for(lambda: _collect(reader, outcome, open_items, message_ids) or not open_items, 60,
             lambda: f"{len(open_items)} items without a result")  # fmt: skip
    deployment.stop()
    outcome.lost = len(open_items)
    _measure(outcome, samples)
    return outcome


def _break_something(deployment, chance, config, victim):
    """Gives when to mend it, and how."""
    now = time.monotonic()
    kind = chance.choice(["redis", "kill", "stop", "reload", "slow", "bad file"])
    if kind == "redis":
        deployment.redis.stop()
        return now + chance.uniform(1, 4), deployment.redis.start
    if kind in ("kill", "stop"):
        victim.kill() if kind == "kill" else victim.stop()
        return now + chance.uniform(0, 3), victim.start
    if kind == "slow":
        deployment.twin.script(latency="uniform:1000-3000", error_rate=FAULTS)
        return now + 5, lambda: deployment.twin.script(error_rate=FAULTS, retry_after_seconds=0.2)
    for daemon in deployment.daemons:
        if kind == "reload":
            daemon.configure(merged(config, {"tasks": {TASK: {"system": f"Version {chance.randrange(5)}"}}}))
        else:
            daemon.configure(merged(config, {"limits": {"concurrency": "many"}}))
        if daemon.is_running():
            daemon.send(signal.SIGHUP)
    # A victim that starts meanwhile must find a sound one.
    return now + 0.5, lambda: [daemon.configure(config) for daemon in deployment.daemons]


def _ask(deployment, outcome, open_items, count):
    inputs = []
    for _ in range(count):
        outcome.items += 1
        id = f"s{outcome.items}"
        open_items[id] = True
        inputs.append({"id": id, "text": f"Item {outcome.items} of the soak, which is not long."})
    deployment.ask(inputs)


def _collect(reader, outcome, open_items, message_ids):
    for record in reader.take():
        result = record.json
        first = open_items.pop(result["id"], False)
        if first:
            outcome.errors += result["status"] != "ok"
        elif message_ids.get(result["id"], record.message_id) != record.message_id:
            outcome.unequal += 1
        message_ids[result["id"]] = record.message_id


def _descriptors(proc, port):
    """But for connections to that port: as many are kept open as calls were in flight at a time."""
    rows = [line.split() for line in (proc / "net/tcp").read_text().splitlines()[1:]]
    to_port = {f"socket:[{row[9]}]" for row in rows if int(row[2].split(":")[1], 16) == port}
    count = 0
    for link in (proc / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since
            count += os.readlink(link) not in to_port
    return count


def _sample(daemon, provider_port, at_s):
    proc = pathlib.Path(f"/proc/{daemon.pid}")
    status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    return {
        "at_h": at_s / 3600,
        "rss_mib": int(status["VmRSS"].split()[0]) / 1024,
        "descriptors": _descriptors(proc, provider_port),
        "threads": int(status["Threads"]),
    }


def _measure(outcome, samples):
    part = max(1, len(samples) // PARTS)

    def median(name, chosen):
        return statistics.median(sample[name] for sample in chosen)

    first, last = samples[:part], samples[-part:]
    outcome.rss_first_mib, outcome.rss_last_mib = median("rss_mib", first), median("rss_mib", last)
    outcome.descriptors_first, outcome.descriptors_last = median("descriptors", first), median("descriptors", last)
    outcome.threads_first, outcome.threads_last = median("threads", first), median("threads", last)
    slope, _ = statistics.linear_regression([s["at_h"] for s in samples], [s["rss_mib"] for s in samples])
    outcome.rss_slope_mib_per_h = slope
