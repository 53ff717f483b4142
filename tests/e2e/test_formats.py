"""The same job in every wire format: the daemon's codecs against the twin's, which know nothing of each other."""

import collections
import json

import pytest

from harness.deployment import TASK
from harness.texts import make_inputs
from harness.waiting import wait_for

COUNT = 50
POISON = 17
CUT = 40

# Configuration of the provider; the base URL is what stands behind the twin's address.
FORMATS = {
    "openai": {"base_url": "/v1"},
    "openai_json_object": {"api": "openai", "base_url": "/v1", "schema_mode": "json_object"},
    "openai_not_strict": {"api": "openai", "base_url": "/v1", "strict_schema": False, "max_tokens_field": "max_tokens"},
    "openai_responses": {"base_url": "/v1"},
    "azure_openai": {"base_url": ""},
    "azure_openai_dated": {"api": "azure_openai", "base_url": "", "api_version": "2024-10-21"},
    "anthropic": {"base_url": ""},
    "anthropic_cached": {"api": "anthropic", "base_url": "", "prompt_cache": "1h", "api_version": "2023-06-01"},
    "gemini": {"base_url": ""},
    "gemini_openapi": {"api": "gemini", "base_url": "", "api_version": "v1beta", "schema_mode": "openapi_schema"},
}

# In no format as it stands: objects are open, properties may be missing, numbers and lengths have
# limits, an enum has no type.
SCHEMA = {
    "type": "object",
    "required": ["label", "summary"],
    "properties": {
        "label": {"type": "string"},
        "summary": {"type": "string", "maxLength": 200},
        "mood": {"enum": ["good", "bad", None]},
        "urgency": {"type": "integer", "minimum": 1, "maximum": 5},
        "language": {"type": "string", "description": "ISO 639", "minLength": 2, "maxLength": 3},
        "tags": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
    },
}


def config(deployment, name):
    schema_file = deployment.folder / "item.schema.json"
    schema_file.write_text(json.dumps(SCHEMA), encoding="utf-8")
    provider = {"api": name} | FORMATS[name]
    provider["base_url"] = f"http://127.0.0.1:{deployment.twin.port}{provider['base_url']}"
    return deployment.config(
        providers={"twin": provider}, tasks={TASK: {"output_schema": str(schema_file), "max_item_attempts": 5}}
    )


def results_of(deployment):
    reader = deployment.topics.reader(deployment.topics.results)
    reader.until_count(COUNT, 120)
    deployment.wait_until_done()
    deployment.stop()
    return reader.to_the_end()


@pytest.mark.parametrize("name", FORMATS)
def test_every_item_is_answered_once_and_paid(deployment, name):
    deployment.redis.start()
    deployment.twin.start(api_key="test-key")
    deployment.start(config=config(deployment, name))
    inputs = make_inputs(COUNT, seed=3)
    deployment.ask(inputs)
    results = results_of(deployment)

    counts = collections.Counter(record.json["id"] for record in results)
    assert counts == {value["id"]: 1 for value in inputs}
    for record in results:
        result = record.json
        assert result["status"] == "ok", json.dumps(result)
        assert result["output"]["summary"] == f"summary of {result['id']}"
        # Only who was told the schema fills all of it.
        assert ("mood" in result["output"]) == (name != "openai_json_object")
    summary = deployment.twin.summary()
    assert summary["by_status"] == {"200": summary["requests"]}
    assert summary["items_asked"] == COUNT
    for kind, asked in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
        assert sum(record.json["usage"][kind] for record in results) == summary[asked]


@pytest.mark.parametrize("name", ["openai", "openai_responses", "azure_openai", "anthropic", "gemini"])
def test_errors_are_understood(deployment, name):
    """Over the limit, overloaded, too long, cut off: asked again. What the provider won't answer ends alone."""
    deployment.redis.start()
    deployment.twin.start(api_key="test-key")
    inputs = make_inputs(COUNT, seed=4, most_bytes=300)  # a batch has 20 items
    poison = inputs[POISON]["id"]
    deployment.twin.script(
        next=[{"fault": fault} for fault in ("429", "503", "error_in_200", "context_length_exceeded")],
        match=[
            {"text_contains": f'"{poison}"', "fault": "content_filter"},
            {"text_contains": f'"{inputs[CUT]["id"]}"', "fault": "truncated", "times": 1},
        ],
    )
    deployment.start(config=config(deployment, name))
    deployment.ask(inputs)
    results = {record.json["id"]: record.json for record in results_of(deployment)}

    assert len(results) == COUNT
    failed = {id: result["error"]["code"] for id, result in results.items() if result["status"] != "ok"}
    assert failed == {poison: "content_filtered"}
    by_fault = deployment.twin.summary()["by_fault"]
    for fault in ("429", "503", "error_in_200", "context_length_exceeded", "truncated", "content_filter"):
        assert by_fault[fault] >= 1, by_fault


@pytest.mark.parametrize("name", ["openai", "openai_responses", "azure_openai", "anthropic", "gemini"])
def test_money_that_is_used_up_is_no_rate_limit(deployment, name):
    """The provider is held: of two batches one call at most is under way when it says so."""
    deployment.redis.start()
    deployment.twin.start(api_key="test-key")
    deployment.twin.script(next=[{"fault": "insufficient_quota", "times": 100}])
    deployment.start(config=config(deployment, name) | {"limits": {"concurrency": 1}})
    deployment.ask(make_inputs(COUNT, seed=5, most_bytes=300))
    daemon = deployment.daemons[0]

    def refused():
        return daemon.metric("llmbatchd_provider_requests_total", outcome="quota_exhausted")

    wait_for(lambda: refused() == 1, 60, lambda: f"the refusal is counted: {daemon.get('/metrics')}")
    assert deployment.twin.summary()["by_fault"] == {"insufficient_quota": 1}
