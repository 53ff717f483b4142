"""The command line and the pages for operators."""

import json
import re
import subprocess

import pytest

from harness.daemon import LLMBATCHD, to_toml
from harness.waiting import wait_for

CONFIGURATION_ERROR = 78
USAGE_ERROR = 2


def llmbatchd(*arguments):
    return subprocess.run(
        [str(LLMBATCHD), *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False
    )


def check(folder, text):
    file = folder / "check.toml"
    file.write_text(text, encoding="utf-8")
    return llmbatchd("--check-config", file)


def line_of(text, part):
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_version():
    done = llmbatchd("--version")
    assert done.returncode == 0
    assert re.search(r"\d+\.\d+\.\d+", done.stdout)


def test_help_names_the_options():
    done = llmbatchd("--help")
    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--config", "--check-config", "--version"))


def test_unknown_option_is_a_usage_error():
    done = llmbatchd("--no-such-option")
    assert done.returncode == USAGE_ERROR
    assert "--no-such-option" in done.stderr


def test_sound_configuration(deployment):
    done = check(deployment.folder, to_toml(deployment.config()))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_error_is_told_at_once_with_file_line_and_key(deployment):
    changes = {"limits": {"concurrency": "five"}, "tasks": {"analyze": {"max_batch_itmes": 3, "workflow": "mapp"}}}
    text = to_toml(deployment.config(**changes))

    done = check(deployment.folder, text)

    assert done.returncode == CONFIGURATION_ERROR
    told = done.stdout + done.stderr
    for key, part in (("limits.concurrency", "five"), ("max_batch_itmes", "max_batch_itmes"), ("workflow", '"mapp"')):
        assert re.search(rf"check\.toml:{line_of(text, part)}\b.*{re.escape(key)}", told), (key, told)


def test_broken_toml(deployment):
    done = check(deployment.folder, "[kafka]\nbrokers = \n")
    assert done.returncode == CONFIGURATION_ERROR
    assert "check.toml:2" in done.stdout + done.stderr


def test_file_that_cannot_be_read(tmp_path):
    for option in ("--check-config", "--config"):
        done = llmbatchd(option, tmp_path / "nowhere.toml")
        assert done.returncode == CONFIGURATION_ERROR
        assert (done.stderr + done.stdout).count("nowhere.toml") == 1, done


def test_key_written_into_the_file_is_refused_and_not_told(deployment):
    text = to_toml(deployment.config(providers={"twin": {"api_key": "sk-very-secret"}}))

    done = check(deployment.folder, text)

    assert done.returncode == CONFIGURATION_ERROR
    assert "api_key" in done.stdout + done.stderr
    assert "sk-very-secret" not in done.stdout + done.stderr


def test_start_with_a_bad_configuration_fails(deployment):
    file = deployment.folder / "bad.toml"
    file.write_text(to_toml(deployment.config(limits={"concurrency": 0})), encoding="utf-8")

    done = llmbatchd("--config", file)

    assert done.returncode == CONFIGURATION_ERROR
    assert "concurrency" in done.stderr + done.stdout


@pytest.fixture
def daemon(deployment):
    deployment.twin.start()
    deployment.start(config=deployment.config(redis=None))
    return deployment.daemons[0]


def test_pages(daemon):
    wait_for(lambda: daemon.get("/readyz")[0] == 200, 30, "the daemon is ready")
    assert daemon.get("/livez")[0] == 200
    assert daemon.get("/nothing")[0] == 404


def test_status(daemon):
    status = daemon.status()
    parts = {"version", "librdkafka", "instance", "assigned", "calls", "limits", "providers", "degraded", "jobs"}
    assert status.keys() >= parts
    assert status["instance"] == daemon.instance
    assert all(row.keys() >= {"topic", "partition", "committed", "open", "paused"} for row in status["assigned"])


def test_metrics(deployment, daemon):
    deployment.ask([{"id": "n1", "text": "hello"}])
    deployment.wait_until_done()

    text = daemon.get("/metrics")[1]

    names = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    assert names >= {
        "gen_ai_client_operation_duration_seconds",
        "gen_ai_client_token_usage",
        "llmbatchd_build_info",
        "llmbatchd_provider_requests_total",
        "llmbatchd_results_total",
    }
    assert all(re.match(r"(llmbatchd|gen_ai_client|exposer|process)_", name) for name in names)
    assert daemon.metric("llmbatchd_results_total", status="ok") == 1


def test_logs_are_json_and_say_nothing_of_content_or_keys(deployment, daemon):
    deployment.ask([{"id": "n1", "text": "a very private sentence"}])
    deployment.wait_until_done()
    deployment.stop()

    lines = daemon.log.read_text(encoding="utf-8").splitlines()
    assert lines
    for line in lines:
        assert isinstance(json.loads(line), dict)
        assert "private sentence" not in line
        assert "test-key" not in line


def check_online(deployment, config):
    file = deployment.folder / "online.toml"
    file.write_text(to_toml(config), encoding="utf-8")
    return llmbatchd("--check-config", file, "--online")


def test_online_check_of_what_answers(deployment):
    deployment.redis.start()
    deployment.twin.start()
    done = check_online(deployment, deployment.config())
    assert done.returncode == 0, done
    assert f"kafka: topic {deployment.topics.requests}: 4 partitions" in done.stdout
    assert "redis at 127.0.0.1" in done.stdout
    assert "providers.twin: answers" in done.stdout
    assert deployment.twin.summary()["items_asked"] == 0


def test_online_check_tells_all_that_does_not_answer(deployment):
    done = check_online(deployment, deployment.config(kafka={"results": "llm.nowhere"}))
    assert done.returncode == 1, done
    for told in ("llm.nowhere", "redis: ", f"providers.twin: does not answer at {deployment.twin.base_url}: "):
        assert any(line.startswith("error: ") and told in line for line in done.stderr.splitlines()), (told, done.stderr)


def test_online_check_of_a_refused_key(deployment):
    deployment.twin.start(api_key="another-key")
    done = check_online(deployment, deployment.config(redis=None))
    assert done.returncode == 1, done
    assert "error: providers.twin: answers HTTP 401: the key is refused" in done.stderr
    assert "test-key" not in done.stderr


def test_online_goes_with_a_check_only(deployment):
    assert llmbatchd("--config", deployment.folder / "any.toml", "--online").returncode == USAGE_ERROR
