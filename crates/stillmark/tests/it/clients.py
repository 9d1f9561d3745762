"""OpenAI's own Python client against a gateway: clients.py BASE_URL KEY LIMITED_KEY. Exit 0 where all of it holds."""

import asyncio
import sys
import time

import openai

base, key, limited = sys.argv[1:]
client = openai.OpenAI(base_url=base, api_key=key, max_retries=0, timeout=60)
hello = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello."}]
asked = dict(model="tiny", messages=hello, max_tokens=12, temperature=0, seed=3)


def refused(error, call, status, code):
    try:
        call()
    except error as err:
        assert err.status_code == status and err.code == code, (err.status_code, err.code, err.message)
        assert err.request_id.startswith("req_")
        return err
    raise AssertionError(f"{error.__name__} was not raised")


# Models.
assert [model.id for model in client.models.list()] == ["tiny"]
assert client.models.retrieve("tiny").id == "tiny"
refused(openai.NotFoundError, lambda: client.models.retrieve("other"), 404, "model_not_found")

# Chat, whole; the same request has the same answer.
first = client.chat.completions.create(**asked)
again = client.chat.completions.create(**asked)
text = first.choices[0].message.content
assert first.object == "chat.completion" and first.choices[0].message.role == "assistant"
assert again.choices[0].message.content == text
assert first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens
assert first.usage.completion_tokens <= 12 and first.choices[0].finish_reason in ("stop", "length")

# Raw headers.
raw = client.chat.completions.with_raw_response.create(**asked)
assert raw.headers["x-ratelimit-limit-requests"] == "1000" and raw.headers["x-request-id"].startswith("req_")
assert int(raw.headers["x-ratelimit-remaining-requests"]) < 1000
assert raw.parse().choices[0].message.content == text

# Several answers, and where they stop.
several = client.chat.completions.create(**{**asked, "n": 2, "temperature": 1.0})
assert [choice.index for choice in several.choices] == [0, 1]
if len(text) > 2:
    stopped = client.chat.completions.create(**asked, stop=[text[1:3]])
    assert stopped.choices[0].message.content == text[:1] and stopped.choices[0].finish_reason == "stop"

# Streams: the pieces are the answer; usage comes where it is asked for, and only there.
pieces = list(client.chat.completions.create(**asked, stream=True))
assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == text
assert all(piece.choices for piece in pieces) and not any(piece.usage for piece in pieces)
with_usage = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
assert with_usage[-1].choices == [] and with_usage[-1].usage == first.usage
with client.chat.completions.create(**{**asked, "max_tokens": 200}, stream=True) as stream:
    next(iter(stream))  # and hang up

# Plain completions.
plain = client.completions.create(model="tiny", prompt="One, two,", max_tokens=5, temperature=0)
assert plain.object == "text_completion" and plain.usage.completion_tokens <= 5
pieces = client.completions.create(model="tiny", prompt="One, two,", max_tokens=5, temperature=0, stream=True)
assert "".join(piece.choices[0].text for piece in pieces) == plain.choices[0].text

# What a model does not do is refused, not passed over.
tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
for more in ({"tools": [tool]}, {"response_format": {"type": "json_object"}}, {"presence_penalty": 1.0}, {"logprobs": True}):
    refused(openai.BadRequestError, lambda more=more: client.chat.completions.create(**asked, **more), 400, "unsupported_value")
err = refused(openai.BadRequestError, lambda: client.chat.completions.create(**{**asked, "temperature": 9}), 400, "unsupported_value")
assert err.param == "temperature"
refused(openai.NotFoundError, lambda: client.embeddings.create(model="tiny", input="x"), 404, "unknown_url")

# Errors of the gateway's own.
refused(openai.NotFoundError, lambda: client.chat.completions.create(**{**asked, "model": "other"}), 404, "model_not_found")
refused(openai.BadRequestError, lambda: client.chat.completions.create(**{**asked, "max_tokens": "x"}), 400, "invalid_request")
other = client.with_options(api_key="sm_wrong")
refused(openai.AuthenticationError, lambda: other.chat.completions.create(**asked), 401, "invalid_api_key")
try:
    client.with_options(timeout=0.001).chat.completions.create(**{**asked, "max_tokens": 300})
    raise AssertionError("a timeout was not raised")
except openai.APITimeoutError:
    pass

# A limit: the client waits as long as it is told, then asks again and is answered.
limited = openai.OpenAI(base_url=base, api_key=limited, max_retries=0, timeout=60)


def until_refused():
    for _ in range(100):
        limited.chat.completions.create(**asked)


err = refused(openai.RateLimitError, until_refused, 429, "rate_limit_exceeded")
wait_ms = float(err.response.headers["retry-after-ms"])
assert 0 < wait_ms <= 3000 and int(err.response.headers["retry-after"]) * 1000 >= wait_ms
begun = time.monotonic()
limited.with_options(max_retries=2).chat.completions.create(**asked)
assert time.monotonic() - begun < 20


async def at_once():
    async with openai.AsyncOpenAI(base_url=base, api_key=key, max_retries=0, timeout=60) as client:
        answers = await asyncio.gather(*(client.chat.completions.create(**asked) for _ in range(8)))
        assert {answer.choices[0].message.content for answer in answers} == {text}
        streamed = ""
        async for piece in await client.chat.completions.create(**asked, stream=True):
            streamed += piece.choices[0].delta.content or ""
        assert streamed == text


asyncio.run(at_once())
print("all of it holds")
