"""Waiting for a condition, never for a time."""

import time


def wait_for(condition, timeout_s, what):
    """The first true value of `condition()`; fails with `what` when it stays untrue for `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what() if callable(what) else what}")
        time.sleep(0.02)
