"""Servers by others that speak providers' formats: mock servers of the Python package index, with answers of their own."""

import json
import pathlib
import sys

import pytest

from harness.deployment import TASK
from harness.process import Process, free_port

# They are installed beside the interpreter that runs the tests.
BIN = pathlib.Path(sys.executable).parent
COUNT = 12
# What the second server is told to say.
SAYS = "Nobody knows."


class MockAiApi:
    """mock-ai-api: OpenAI's and Anthropic's formats, streams too."""

    def __init__(self, folder):
        self.openai, self.anthropic = free_port(), free_port()
        # Its own starter leaves both servers behind when it is killed.
        self._processes = [
            Process(
                [BIN / "python", "-m", "uvicorn", f"app.{name}_app:app", "--host", "127.0.0.1", "--port", port],
                folder / f"mock-ai-api-{name}.log",
            )
            for name, port in (("openai", self.openai), ("anthropic", self.anthropic))
        ]

    def provider(self, api):
        port, path = (self.anthropic, "") if api == "anthropic" else (self.openai, "/v1")
        return {"api": api, "base_url": f"http://127.0.0.1:{port}{path}"}

    def close(self):
        for process in self._processes:
            process.kill()


class MockLlm:
    """mockllm: OpenAI's and Anthropic's formats, with answers from a file."""

    def __init__(self, folder):
        self.port = free_port()
        responses = folder / "responses.yml"
        responses.write_text(
            f'responses:\n  "hello": "{SAYS}"\ndefaults:\n  unknown_response: "{SAYS}"\nsettings:\n  lag_enabled: false\n',
            encoding="utf-8",
        )
        self._process = Process(
            [BIN / "mockllm", "start", "--responses", responses, "--host", "127.0.0.1", "--port", self.port],
            folder / "mockllm.log",
        )

    def provider(self, api):
        return {"api": api, "base_url": f"http://127.0.0.1:{self.port}{'' if api == 'anthropic' else '/v1'}"}

    def close(self):
        self._process.kill()


CASES = [
    (MockAiApi, "openai", False),
    (MockAiApi, "openai", True),
    (MockAiApi, "openai_responses", False),
    (MockAiApi, "openai_responses", True),
    (MockAiApi, "anthropic", False),
    (MockAiApi, "anthropic", True),
    (MockLlm, "openai", False),
    (MockLlm, "openai", True),
    # Its streams of this format end as OpenAI's do, and have no events of Anthropic's.
    (MockLlm, "anthropic", False),
]


@pytest.mark.parametrize("server, api, stream", CASES)
def test_the_daemon_is_content(deployment, server, api, stream):
    """They know nothing of batches, so each item is a call, and the whole answer its output."""
    deployment.redis.start()
    mock = server(deployment.folder)
    try:
        provider = mock.provider(api) | ({"stream_above_output_tokens": 0} if stream else {})
        task = {"answer": "text", "max_batch_items": 1, "prompt": "{{#items}}{{input_json}}{{/items}}"}
        deployment.start(config=deployment.config(providers={"twin": provider}, tasks={TASK: task}))
        deployment.ask([{"id": f"item-{number}"} for number in range(COUNT)])
        reader = deployment.topics.reader(deployment.topics.results)
        reader.until_count(COUNT, 120)
        deployment.wait_until_done()
        results = [record.json for record in reader.to_the_end()]
    finally:
        mock.close()

    assert len(results) == COUNT
    for result in results:
        assert result["status"] == "ok", json.dumps(result)
        assert isinstance(result["output"], str) and result["output"]
        if server is MockLlm:
            assert result["output"] == SAYS
            continue
        assert result["usage"]["input_tokens"] > 0 and result["usage"]["output_tokens"] > 0
