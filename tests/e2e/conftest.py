"""What the end-to-end tests share. The broker is one for a file; everything else is made for each test."""

import pytest

from harness.deployment import Deployment
from harness.kafka import Kafka


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    broker = Kafka(tmp_path_factory.mktemp("kafka") / "broker")
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


@pytest.fixture
def deployment(kafka, tmp_path):
    """Topics; a twin and a Redis, neither started; no replica yet."""
    made = Deployment(kafka, tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows how the logs of its processes end."""
    report = (yield).get_result()
    if not report.failed:
        return
    folders = {value.folder for value in item.funcargs.values() if hasattr(value, "folder")}
    for log in sorted(log for folder in folders for pattern in ("*.log", "*/*.log") for log in folder.glob(pattern)):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        report.sections.append((f"end of {log}", "\n".join(line[:500] for line in lines[-25:])))
