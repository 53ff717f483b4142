"""What the end-to-end tests share. The broker is one for a file; everything else is made for each test."""

import pytest

from harness import package as packages
from harness import root as roots
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


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    return packages.build(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def next_package(package, tmp_path_factory):
    """A later version with another default in each configuration file."""
    return packages.later(package, tmp_path_factory.mktemp("next"))


@pytest.fixture(scope="session")
def why_no_clean_root(package, tmp_path_factory):
    """Why the package can't be tried in a clean root; empty if it can, and then what it depends on is there."""
    if not roots.is_clean_root_there():
        return "tools/setup/clean-root has made no clean root"
    made = roots.Root(tmp_path_factory.mktemp("fetched") / "root", clean=True)
    try:
        return made.fetch_for(package)
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
