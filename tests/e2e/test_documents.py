"""Documents, items and sessions by reference: fetched from Redis and from an https host, and nobody's else."""

import http.server
import json
import ssl
import threading

import pytest

from harness.certificates import Authority
from harness.deployment import TASK
from harness.schemas import assert_valid
from test_jobs import job_results
from test_workflows import progress_of, sessions, shipped_tasks, submit

LEASE = "The rent is due on the first day of each month. Repairs are paid by the landlord."


class Host:
    """Serves one text over https, and remembers what it was asked for."""

    def __init__(self, folder):
        self.authority = Authority(folder)
        self.asked = []
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                status, body = {"/annex": (200, b"No pets are kept.")}.get(self.path, (404, b"no such thing"))
                if self.path == "/moved":
                    status = 302
                self.send_response(status)
                self.send_header("Location", "/annex")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        sound = self.authority.issue("sound")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sound.certificate, sound.key)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.place = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path / "host")
    yield host
    host.close()


def question(job_id, *references, user_id="u1"):
    documents = [{"id": f"d{n}", "ref": reference} for n, reference in enumerate(references)]
    job = {
        "kind": "job", "job_id": job_id, "workflow": "query", "task": "ask_documents", "user_id": user_id,
        "question": "When is the rent due?", "documents": documents,
    }  # fmt: skip
    assert_valid("job", job)
    return job


def start(deployment, host, **settings):
    deployment.twin.start(latency="fixed:5")
    deployment.redis.start()
    redis = deployment.redis.connection()
    prefix = "{" + deployment.topics.group + "}:doc:"
    redis.set(prefix + "u1:lease", LEASE)
    documents = {"hosts": [host.place], "ca_file": str(host.authority.file), "allow_private": True} | settings
    deployment.start(config=deployment.config(documents=documents, **shipped_tasks(deployment)))


def test_documents_of_redis_and_of_a_host_are_asked_about(deployment, host):
    start(deployment, host)
    submit(deployment, question("both", "redis:lease", f"https://{host.place}/annex"))
    result = job_results(deployment.topics, 1)["both"]
    deployment.wait_until_done()
    deployment.stop()
    assert_valid("job_result", result)
    assert (result["status"], result["partial"]) == ("completed", False)
    assert host.asked == ["/annex"]
    events = progress_of(deployment, "both")
    for event in events:
        assert_valid("progress", event)
    assert [(e["step"], e["percent"]) for e in events] == [
        ("queued", 0), ("retrieving_data", 10), ("retrieving_data", 20), ("retrieving_data", 30),
        ("generating_prompt", 35), ("calling_llm", 50), ("saving_results", 90), ("completed", 100),
    ]  # fmt: skip
    assert sum("batch_mode" in event for event in events) == 1


def test_what_is_not_there_or_not_allowed_ends_only_its_job(deployment, host):
    start(deployment, host)
    redis = deployment.redis.connection()
    redis.set("{" + deployment.topics.group + "}:doc:u1:long", "x" * 5_000_000)
    port = host.place.split(":")[1]
    wrong = {
        "another-user": (question("another-user", "redis:lease", user_id="u2"), "document_unavailable"),
        "none": (question("none", "redis:nothing"), "document_unavailable"),
        "long": (question("long", "redis:long"), "item_too_large"),
        "another-host": (question("another-host", f"https://localhost:{port}/annex"), "forbidden"),
        "no-such-path": (question("no-such-path", f"https://{host.place}/secret"), "document_unavailable"),
        "moved": (question("moved", f"https://{host.place}/moved"), "document_unavailable"),
    }
    submit(deployment, *(job for job, _ in wrong.values()), question("sound", "redis:lease"))
    results = job_results(deployment.topics, len(wrong) + 1)
    deployment.wait_until_done()
    deployment.stop()
    assert results.pop("sound")["status"] == "completed"
    for job_id, result in results.items():
        assert_valid("job_result", result)
        assert (result["status"], result["error"]["code"]) == ("failed", wrong[job_id][1]), result
        assert result["error"]["message"].startswith('documents[0].ref: document "d0": ')
        assert "secret" not in result["error"]["message"] and port not in result["error"]["message"]
    assert host.asked.count("/annex") == 0


def test_a_private_host_is_not_reached_unless_that_is_allowed(deployment, host):
    start(deployment, host, allow_private=False)
    submit(deployment, question("inside", f"https://{host.place}/annex"))
    result = job_results(deployment.topics, 1)["inside"]
    deployment.stop()
    assert result["error"]["code"] == "forbidden"
    assert host.asked == []


def test_items_and_sessions_are_where_the_job_says_over_a_kill(deployment, host):
    start(deployment, host)
    deployment.twin.script(latency="fixed:150")
    redis = deployment.redis.connection()
    prefix = "{" + deployment.topics.group + "}:doc:u1:"
    items = [{"id": f"i{n}", "input": {"id": f"i{n}", "text": "Where is my parcel?"}} for n in range(200)]
    redis.set(prefix + "items", "\n".join(json.dumps(item) for item in items))
    redis.set(prefix + "sessions", json.dumps(sessions(30)))
    redis.set(prefix + "wrong", json.dumps(items[0]) + '\n{"id":"b"}')
    common = {"kind": "job", "user_id": "u1"}
    jobs = [
        common | {"job_id": "map", "workflow": "map", "task": TASK, "items_ref": "redis:items"},
        common | {"job_id": "sort", "workflow": "classification", "task": "classify_sessions", "sessions_ref": "redis:sessions",
                  "config": {"discovery_min_sessions": 2}},
        common | {"job_id": "wrong", "workflow": "map", "task": TASK, "items_ref": "redis:wrong"},
        common | {"job_id": "none", "workflow": "map", "task": TASK, "items_ref": "redis:none"},
        common | {"job_id": "annex", "workflow": "map", "task": TASK, "items_ref": f"https://{host.place}/annex"},
    ]  # fmt: skip
    for job in jobs:
        assert_valid("job", job)
    submit(deployment, *jobs)
    (daemon,) = deployment.daemons
    deployment.topics.reader(deployment.topics.results).until_count(40, 60)
    daemon.kill()
    daemon.start()
    results = job_results(deployment.topics, len(jobs), timeout_s=120)
    deployment.wait_until_done()
    deployment.stop()
    for result in results.values():
        assert_valid("job_result", result)
    assert (results["map"]["status"], results["map"]["partial"]) == ("completed", False)
    assert [r["id"] for r in results["map"]["results"]] == [item["id"] for item in items]
    assert results["sort"]["status"] == "completed"
    assert [r["user_id"] for r in results["sort"]["results"]] == [f"u{n}" for n in range(30)]
    errors = {id: (r["error"]["code"], r["error"]["message"]) for id, r in results.items() if r["status"] == "failed"}
    assert errors == {
        "wrong": ("invalid_message", "items_ref: line 2: input: missing"),
        "none": ("document_unavailable", errors["none"][1]),
        "annex": ("invalid_message", "items_ref: line 1: not JSON at byte 0"),
    }
    assert errors["none"][1].startswith("items_ref: ")
    # Only what was in flight at the kill was asked twice, at the most.
    assert deployment.twin.summary()["items_asked"] <= deployment.twin.summary()["items_distinct"] + 5 * 20
