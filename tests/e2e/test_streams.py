"""Streamed answers in every wire format, whole and broken."""

import collections

import pytest

from harness.deployment import TASK
from harness.texts import make_inputs

COUNT = 60

FORMATS = {
    "openai": {"base_url": "/v1"},
    "openai_responses": {"base_url": "/v1"},
    "azure_openai": {"base_url": ""},
    "anthropic": {"base_url": ""},
    "gemini": {"base_url": ""},
}

# What happens to the first calls. The first three are sound HTTP responses: nothing but the stream tells.
FAULTS = ("stream_cut", "stream_error", "stream_garbage", "close_mid_body", "stall")


def config(deployment, name, **provider):
    provider = {"api": name, "stream_above_output_tokens": 0} | FORMATS[name] | provider
    provider["base_url"] = f"http://127.0.0.1:{deployment.twin.port}{provider['base_url']}"
    return deployment.config(providers={"twin": provider}, tasks={TASK: {"max_item_attempts": 5}})


def results_of(deployment):
    reader = deployment.topics.reader(deployment.topics.results)
    reader.until_count(COUNT, 120)
    deployment.wait_until_done()
    return reader.to_the_end()


@pytest.mark.parametrize("name", FORMATS)
def test_broken_streams_are_asked_again(deployment, name):
    deployment.redis.start()
    deployment.twin.start(api_key="test-key")
    deployment.twin.script(next=[{"fault": fault} for fault in FAULTS])
    deployment.start(config=config(deployment, name, stream_idle_timeout="1s"))
    inputs = make_inputs(COUNT, seed=6, most_bytes=300)
    deployment.ask(inputs)
    results = results_of(deployment)

    assert collections.Counter(record.json["id"] for record in results) == {value["id"]: 1 for value in inputs}
    for record in results:
        assert record.json["status"] == "ok", record.json
        assert record.json["output"]["summary"] == f"summary of {record.json['id']}"
        assert record.json["usage"]["output_tokens"] > 0
    by_fault = deployment.twin.summary()["by_fault"]
    assert {fault: by_fault.get(fault) for fault in FAULTS} == dict.fromkeys(FAULTS, 1)

    def ended(outcome):
        return deployment.daemons[0].metric("llmbatchd_provider_requests_total", outcome=outcome)

    # Cut off, and the connection closed; an error in the stream; nonsense; a halt.
    assert (ended("transport"), ended("overloaded"), ended("protocol"), ended("timeout")) == (2, 1, 1, 1)
