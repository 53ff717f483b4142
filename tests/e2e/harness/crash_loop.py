"""Kills replicas again and again while they work, and counts what that cost."""

import collections
import dataclasses
import random
import time

from .daemon import LLMBATCHD
from .deployment import TASK
from .paths import BIN
from .texts import make_inputs
from .waiting import wait_for

CRASHING_DAEMON = BIN / "llmbatchd_crashing"
CONCURRENCY = 16
BATCH_ITEMS = 4
ITEMS_PER_KILL = 80
# Of a request's life, as tests/e2e/crashing_daemon.cc knows them.
POINTS = (
    "after-poll", "before-look-up", "after-look-up", "before-permit", "after-permit", "before-send", "after-send",
    "after-last-byte", "before-ledger-write", "after-ledger-write", "before-publish", "after-publish",
    "after-acknowledgement", "before-commit", "after-commit",
)  # fmt: skip
# An answer that reached a replica this long before its end may not have been in the ledger yet; and the provider may take
# this long to see that nobody waits any more.
UNSTORED_MS = 25


@dataclasses.dataclass
class Outcome:
    delivery: str = "at_least_once"
    kills: int = 0
    items: int = 0
    lost: int = 0  # items without a result
    unequal: int = 0  # items whose results differ in their llmbatch-id
    results: int = 0  # messages on the results topic, repeats included
    asked_again: int = 0  # items asked, beyond the first time
    excused: int = 0  # items in calls that were in flight when a replica was killed, or had just ended
    slowest_return_s: float = 0.0  # from a start until the replica holds its partitions again

    def is_sound(self):
        repeats_are_fine = self.delivery == "at_least_once" or self.results == self.items
        return self.lost == 0 and self.unequal == 0 and self.asked_again <= self.excused and repeats_are_fine

    def __str__(self):
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return ", ".join(f"{name} {round(v, 1) if isinstance(v, float) else v}" for name, v in values.items())


def run(deployment, kills, seed=1, replicas=2, delivery="at_least_once", other_program=None):
    """Kills a replica at `kills` random moments. The deployment's Redis and twin must not be started yet.

    With `other_program`, another version of the daemon, a replica comes back as the one or the other.
    """
    chance = random.Random(seed)
    outcome = Outcome(delivery=delivery, kills=kills, items=kills * ITEMS_PER_KILL)
    twin_began = _begin(deployment, replicas, delivery)
    results = deployment.topics.reader(deployment.topics.results)
    inputs = make_inputs(outcome.items, seed=seed, most_bytes=400)
    ends_ms = []  # of replicas: not before, and not after
    for number in range(kills):
        requests = deployment.twin.summary()["requests"]
        more = chance.randrange(1, ITEMS_PER_KILL // BATCH_ITEMS)
        deployment.ask(inputs[number * ITEMS_PER_KILL : (number + 1) * ITEMS_PER_KILL])
        wait_for(
            lambda: deployment.twin.summary()["requests"] >= requests + more,
            60,
            lambda: f"calls after kill {number}: {[daemon.status() for daemon in deployment.daemons]}",
        )
        # Somewhere between two events, too.
        time.sleep(chance.random() * 0.05)
        victim = chance.choice(deployment.daemons)
        ends_ms.append(_kill(victim, twin_began))
        if other_program:
            victim.program = chance.choice([LLMBATCHD, other_program])
        outcome.slowest_return_s = max(outcome.slowest_return_s, _return_s(deployment, victim))
    deployment.wait_until_done(timeout_s=120)
    deployment.stop()
    _judge(outcome, deployment, results.to_the_end(), {value["id"] for value in inputs}, ends_ms)
    return outcome


def run_at_points(deployment, points=POINTS, rounds=1, seed=1, delivery="at_least_once"):
    """Kills one of two replicas at each of the points, `rounds` times. As run() otherwise."""
    chance = random.Random(seed)
    deaths = [point for _ in range(rounds) for point in points]
    twin_began = _begin(deployment, 2, delivery)
    results = deployment.topics.reader(deployment.topics.results)
    victim = deployment.daemons[0]
    victim.stop()
    inputs = []
    ends_ms = []
    for number, point in enumerate(deaths):
        victim.program = CRASHING_DAEMON
        victim.within = ["env", f"LLMBATCHD_CRASH_AT={point}:{chance.randrange(3)}"]
        victim.start()
        more_at = 0
        deadline = time.monotonic() + 60
        ran_ms = _now_ms(twin_began)
        while victim.is_running():
            ran_ms = _now_ms(twin_began)
            assert time.monotonic() < deadline, f"never came to {point}"
            if time.monotonic() >= more_at:
                # The other replica may have taken all of it.
                more = make_inputs(ITEMS_PER_KILL, seed=seed * 1000 + len(inputs), most_bytes=400)
                for value in more:
                    value["id"] = f"{number}.{len(inputs)}.{value['id']}"
                inputs += more
                deployment.ask(more)
                more_at = time.monotonic() + 3
            time.sleep(0.005)
        ends_ms.append((ran_ms, _now_ms(twin_began)))
    victim.program, victim.within = LLMBATCHD, ()
    slowest_return_s = _return_s(deployment, victim)
    deployment.wait_until_done(timeout_s=120)
    deployment.stop()
    outcome = Outcome(
        delivery=delivery, kills=len(deaths), items=len(inputs), slowest_return_s=slowest_return_s
    )
    _judge(outcome, deployment, results.to_the_end(), {value["id"] for value in inputs}, ends_ms)
    return outcome


def run_amid_answers(deployment, kills, seed=1, delivery="at_least_once"):
    """Kills a replica on its own each time when some answers have begun and don't go on. As run() otherwise."""
    outcome = Outcome(delivery=delivery, kills=kills, items=kills * ITEMS_PER_KILL)
    twin_began = _begin(deployment, 1, delivery)
    results = deployment.topics.reader(deployment.topics.results)
    inputs = make_inputs(outcome.items, seed=seed, most_bytes=400)
    replica = deployment.daemons[0]
    ends_ms = []
    for number in range(kills):
        stalled = stalled_answers(deployment)
        deployment.twin.script(next=[{"fault": "stall", "latency_ms": 0, "times": 3}])
        deployment.ask(inputs[number * ITEMS_PER_KILL : (number + 1) * ITEMS_PER_KILL])
        wait_for(lambda: stalled_answers(deployment) >= stalled + 3, 60, "answers have begun")
        ends_ms.append(_kill(replica, twin_began))
        deployment.twin.script()
        outcome.slowest_return_s = max(outcome.slowest_return_s, _return_s(deployment, replica))
    deployment.wait_until_done(timeout_s=120)
    deployment.stop()
    _judge(outcome, deployment, results.to_the_end(), {value["id"] for value in inputs}, ends_ms)
    return outcome


def stalled_answers(deployment):
    return deployment.twin.summary()["by_fault"].get("stall", 0)


def _begin(deployment, replicas, delivery):
    """Starts everything; gives when the twin's clock began."""
    deployment.redis.start()
    deployment.twin.start(latency="uniform:20-400")
    asked = time.monotonic()
    twin_began = asked - deployment.twin.summary()["now_ms"] / 1000
    config = deployment.config(
        kafka={"delivery": delivery},
        limits={"concurrency": CONCURRENCY},
        tasks={TASK: {"max_batch_items": BATCH_ITEMS, "linger_ms": 20}},
    )
    deployment.start(replicas, config)
    return twin_began


def _now_ms(twin_began):
    return (time.monotonic() - twin_began) * 1000


def _kill(replica, twin_began):
    """Kills it; gives the times on the twin's clock between which it ended."""
    began_ms = _now_ms(twin_began)
    replica.kill()
    return began_ms, _now_ms(twin_began)


def _return_s(deployment, replica):
    """Starts it; gives how long it took until it had partitions."""
    began = time.monotonic()
    replica.start()
    wait_for(lambda: replica.assigned(deployment.topics.requests), 60, "the replica is back")
    return time.monotonic() - began


def _judge(outcome, deployment, records, wanted, ends_ms):
    ids = collections.defaultdict(set)
    for record in records:
        ids[record.json["id"]].add(record.message_id)
    outcome.lost = len(wanted - set(ids))
    outcome.unequal = sum(len(each) > 1 for each in ids.values())
    outcome.results = len(records)
    outcome.asked_again = sum(counts["asked"] - 1 for counts in deployment.twin.items().values())

    def excused(call):
        ended = call["completed_ms"]
        return call["client_closed"] or any(
            ended is None or first - UNSTORED_MS <= ended <= last + UNSTORED_MS for first, last in ends_ms
        )

    outcome.excused = sum(len(call["items"]) for call in deployment.twin.journal() if excused(call))
