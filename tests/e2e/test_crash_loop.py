"""kill -9 at random moments, again and again: nothing is lost, and only what was in flight is asked twice.

For more of it: tests/e2e/crash_loop --kills 300
"""

from harness import crash_loop

KILLS = 25


def test_replicas_that_are_killed_again_and_again(deployment):
    outcome = crash_loop.run(deployment, KILLS)

    assert outcome.is_sound(), outcome
    assert outcome.slowest_return_s < 5, outcome
    print(outcome)


def test_a_replica_on_its_own(deployment):
    """Its own leases and claims don't keep it waiting."""
    outcome = crash_loop.run(deployment, kills=5, seed=2, replicas=1)

    assert outcome.is_sound(), outcome
    assert outcome.slowest_return_s < 5, outcome


def test_exactly_once(deployment):
    """Readers of committed records see every result once, whatever is killed when."""
    outcome = crash_loop.run(deployment, kills=15, seed=3, delivery="exactly_once")

    assert outcome.is_sound(), outcome
    assert outcome.slowest_return_s < 5, outcome


def test_at_each_point_of_a_requests_life(deployment):
    outcome = crash_loop.run_at_points(deployment)

    assert outcome.is_sound(), outcome


def test_amid_answers(deployment):
    outcome = crash_loop.run_amid_answers(deployment, kills=5)

    assert outcome.is_sound(), outcome
    assert outcome.asked_again >= 5, outcome


def test_exactly_once_at_each_point(deployment):
    outcome = crash_loop.run_at_points(deployment, seed=2, delivery="exactly_once")

    assert outcome.is_sound(), outcome
