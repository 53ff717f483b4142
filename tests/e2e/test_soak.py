"""Two minutes of steady load with faults: nothing is lost, nothing grows. For more of it: tests/e2e/soak --minutes 60"""

from harness import soak

MINUTES = 2
# Two minutes show a leak of every call or fault, not a slope.
MOST_GROWTH_MIB = 10


def test_steady_load_with_faults(deployment):
    outcome = soak.run(deployment, MINUTES)

    print(outcome)
    assert outcome.is_sound(), outcome
    assert outcome.errors == 0, outcome
    assert outcome.faults >= 4, outcome
    assert outcome.rss_last_mib - outcome.rss_first_mib < MOST_GROWTH_MIB, outcome
