"""The providers' own clients are content with the twin: plain answers, streams, structured output, and errors."""

import json

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import errors as genai_errors

from harness.twin import Twin

KEY = "test-key"
ITEMS = [{"id": "n1", "text": "one"}, {"id": "n2", "text": "two"}]
PROMPT = f"Label {json.dumps(ITEMS)}"
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["results"],
    "properties": {
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "label"],
                "properties": {"id": {"type": "string"}, "label": {"type": "string"}},
            },
        }
    },
}


@pytest.fixture
def twin(tmp_path):
    twin = Twin(tmp_path / "twin")
    twin.start(api_key=KEY)
    yield twin
    twin.close()


class Chat:
    errors = openai

    def __init__(self, twin, key=KEY):
        self._client = openai.OpenAI(base_url=twin.base_url, api_key=key, max_retries=0)

    def _arguments(self):
        schema = {"name": "labels", "strict": True, "schema": SCHEMA}
        return {
            "model": "m",
            "messages": [{"role": "system", "content": "Label."}, {"role": "user", "content": PROMPT}],
            "max_completion_tokens": 500,
            "response_format": {"type": "json_schema", "json_schema": schema},
        }

    def plain(self):
        answer = self._client.chat.completions.create(**self._arguments())
        assert answer.choices[0].finish_reason == "stop"
        return answer.choices[0].message.content, answer.usage.prompt_tokens, answer.usage.completion_tokens

    def stream(self):
        text, usage, reasons = "", None, []
        for chunk in self._client.chat.completions.create(
            stream=True, stream_options={"include_usage": True}, **self._arguments()
        ):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reasons += [choice.finish_reason] if choice.finish_reason else []
        assert reasons == ["stop"]
        return text, usage.prompt_tokens, usage.completion_tokens


class Responses(Chat):
    def _arguments(self):
        text_format = {"type": "json_schema", "name": "labels", "strict": True, "schema": SCHEMA}
        return {
            "model": "m",
            "instructions": "Label.",
            "input": [{"role": "user", "content": PROMPT}],
            "max_output_tokens": 500,
            "text": {"format": text_format},
        }

    def plain(self):
        answer = self._client.responses.create(**self._arguments())
        assert answer.status == "completed"
        return answer.output_text, answer.usage.input_tokens, answer.usage.output_tokens

    def stream(self):
        pieces = ""
        with self._client.responses.stream(**self._arguments()) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    pieces += event.delta
            answer = stream.get_final_response()
        assert pieces == answer.output_text
        return pieces, answer.usage.input_tokens, answer.usage.output_tokens


class Azure(Chat):
    def __init__(self, twin, key=KEY):
        self._client = openai.AzureOpenAI(
            azure_endpoint=f"http://127.0.0.1:{twin.port}", api_version="2024-10-21", api_key=key, max_retries=0
        )


class Messages:
    errors = anthropic

    def __init__(self, twin, key=KEY):
        self._client = anthropic.Anthropic(base_url=f"http://127.0.0.1:{twin.port}", api_key=key, max_retries=0)

    def _arguments(self):
        return {
            "model": "m",
            "system": "Label.",
            "messages": [{"role": "user", "content": PROMPT}],
            "max_tokens": 500,
            "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        }

    def plain(self):
        answer = self._client.messages.create(**self._arguments())
        return self._read(answer)

    def stream(self):
        with self._client.messages.stream(**self._arguments()) as stream:
            pieces = "".join(stream.text_stream)
            answer = stream.get_final_message()
        assert pieces == self._read(answer)[0]
        return self._read(answer)

    @staticmethod
    def _read(answer):
        assert answer.stop_reason == "end_turn"
        text = "".join(block.text for block in answer.content if block.type == "text")
        return text, answer.usage.input_tokens, answer.usage.output_tokens


class Gemini:
    def __init__(self, twin, key=KEY):
        self._client = genai.Client(
            api_key=key, http_options={"base_url": f"http://127.0.0.1:{twin.port}", "retry_options": {"attempts": 1}}
        )

    def _arguments(self):
        config = {
            "system_instruction": "Label.",
            "max_output_tokens": 500,
            "response_mime_type": "application/json",
            "response_json_schema": SCHEMA,
        }
        return {"model": "m", "contents": PROMPT, "config": config}

    def plain(self):
        answer = self._client.models.generate_content(**self._arguments())
        assert answer.candidates[0].finish_reason == genai.types.FinishReason.STOP
        usage = answer.usage_metadata
        return answer.text, usage.prompt_token_count, usage.candidates_token_count

    def stream(self):
        text, usage = "", None
        for chunk in self._client.models.generate_content_stream(**self._arguments()):
            text += chunk.text or ""
            usage = chunk.usage_metadata or usage
        return text, usage.prompt_token_count, usage.candidates_token_count


CLIENTS = [Chat, Responses, Azure, Messages, Gemini]


@pytest.mark.parametrize("client", CLIENTS)
def test_answers_are_read_plain_and_streamed(twin, client):
    plain = client(twin).plain()
    results = json.loads(plain[0])["results"]
    assert [result["id"] for result in results] == ["n1", "n2"]
    assert all(set(result) == {"id", "label"} for result in results)
    assert client(twin).stream() == plain
    assert plain[1] > 0 and plain[2] > 0
    assert twin.summary()["by_status"] == {"200": 2}


# What the clients make of an error: their classes are by status.
ERRORS = {
    "400": "BadRequestError",
    "context_length_exceeded": "BadRequestError",
    "401": "AuthenticationError",
    "403": "PermissionDeniedError",
    "404": "NotFoundError",
    "429": "RateLimitError",
    "insufficient_quota": "RateLimitError",
    "500": "InternalServerError",
    "503": "InternalServerError",
}


@pytest.mark.parametrize("fault", ERRORS)
@pytest.mark.parametrize("client", [Chat, Responses, Azure, Messages])
def test_errors_are_told_apart(twin, client, fault):
    twin.script(next=[{"fault": fault}])
    with pytest.raises(getattr(client.errors, ERRORS[fault])) as caught:
        client(twin).plain()
    body = caught.value.body
    assert isinstance(body, dict) and caught.value.message
    # OpenAI's client unwraps the error; Anthropic's keeps the envelope.
    assert body["type"] == "error" if client is Messages else "code" in body


@pytest.mark.parametrize(
    "fault, status", [("400", "INVALID_ARGUMENT"), ("429", "RESOURCE_EXHAUSTED"), ("503", "UNAVAILABLE")]
)
def test_gemini_tells_errors_by_their_status(twin, fault, status):
    twin.script(next=[{"fault": fault}])
    with pytest.raises(genai_errors.APIError) as caught:
        Gemini(twin).plain()
    assert (str(caught.value.code), caught.value.status) == (fault, status)


@pytest.mark.parametrize("client", [Chat, Messages])
def test_an_error_in_a_stream_is_an_error(twin, client):
    twin.script(next=[{"fault": "stream_error"}])
    with pytest.raises((openai.APIError, anthropic.APIError)):
        client(twin).stream()


@pytest.mark.parametrize("client", [Chat, Messages])
def test_a_wrong_key_is_refused(twin, client):
    with pytest.raises(client.errors.AuthenticationError):
        client(twin, key="another").plain()


def test_a_broken_connection_is_told(twin):
    twin.script(next=[{"fault": "close_mid_body"}])
    with pytest.raises((openai.APIConnectionError, httpx.RemoteProtocolError)):
        Chat(twin).plain()
