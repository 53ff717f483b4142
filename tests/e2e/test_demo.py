"""The demo is a newcomer's first impression: it has to end well without any server."""

import os
import subprocess

from harness import paths


def test_demo_runs_to_its_end():
    done = subprocess.run(
        [paths.SOURCE / "tools/demo/run", "--build", paths.BIN.parent],
        capture_output=True, text=True, timeout=180, check=False, env=os.environ | {"TERM": "dumb"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
