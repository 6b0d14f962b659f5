"""A small OpenAI-compatible server on a local port, whose model is the project's mock.

It speaks as much of vLLM's dialect as its `Dialect` says: chats, plain texts, exact label scores
(`logprob_token_ids`, `/tokenize`), constrained choice, lists of likely tokens. Every request is
kept as it came. Run as a script it serves on its own: `python openai_server.py PORT`.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from elicitation.backends.base import Message, Request, Sampling
from elicitation.backends.mock import MockBackend

MODEL = "tiny"

_NO_USAGE = {"prompt_tokens": 0, "total_tokens": 0}


@dataclass
class Dialect:
    """What the server can do.

    Attributes:
        chat, plain: end points that there are.
        labels: `exact`, `constrained`, `censored` or `none`.
        listed: entries of a list of likely tokens.
        delay: seconds before each answer.
        character: which mock answers.
        key: key that a call must bear; empty for none.
        echo_key: repeat the key in errors and answers, as careless servers do.
    """

    chat: bool = True
    plain: bool = True
    labels: str = "exact"
    listed: int = 20
    delay: float = 0.0
    character: str = "steady"
    key: str = ""
    echo_key: bool = False


@dataclass
class Server:
    """A server under way: where it is, and what it was asked."""

    url: str
    dialect: Dialect
    seen: list[dict[str, Any]] = field(default_factory=list)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Bodies of the completions asked for, probes left out."""
        return [call["body"] for call in self.seen if call["body"].get("max_tokens") != 1]


#: The vocabulary of label scoring: a token is a character.
VOCABULARY = {chr(code): code for code in range(32, 127)}

#: Log-probabilities of first tokens, whatever is asked: A 0.4, B 0.3, C 0.15, D 0.1, rest little.
FIRST_TOKENS = {"A": 0.4, "B": 0.3, "C": 0.15, "D": 0.1, "E": 0.02, "F": 0.01, "x": 0.02}


def app_of(server: Server) -> Starlette:
    """The application."""
    mock = MockBackend(server.dialect.character)

    async def completions(http: HttpRequest) -> Response:
        body = json.loads(await http.body())
        server.seen.append({"path": http.url.path, "body": body, "headers": dict(http.headers)})
        is_chat = http.url.path.endswith("/chat/completions")
        refusal = _refusal(server.dialect, http, is_chat=is_chat)
        if refusal is not None:
            return refusal
        if server.dialect.delay:
            await asyncio.sleep(server.dialect.delay)
        answer = _answer(server.dialect, mock, body, is_chat=is_chat)
        if server.dialect.echo_key:
            answer["debug"] = {"authorization": http.headers.get("authorization", "")}
        return JSONResponse(answer)

    async def tokenize(http: HttpRequest) -> Response:
        body = json.loads(await http.body())
        if server.dialect.labels != "exact":
            return JSONResponse({"error": {"message": "not found"}}, 404)
        if "messages" in body:
            text = "~\n".join(f"<{m['role']}>{m['content']}" for m in body["messages"])
            text += "" if body.get("continue_final_message") else "~\n"
            text += "<assistant>" if body.get("add_generation_prompt") else ""
        else:
            text = body["prompt"]
        return JSONResponse({"tokens": tokens_of(text)})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", completions, methods=["POST"]),
            Route("/v1/completions", completions, methods=["POST"]),
            Route("/tokenize", tokenize, methods=["POST"]),
            Route("/v1/embeddings", embeddings, methods=["POST"]),
        ]
    )


def tokens_of(text: str) -> list[int]:
    """One token a character, save that a space and a capital letter are one."""
    found: list[int] = []
    for sign in text:
        if found and found[-1] == VOCABULARY[" "] and sign.isupper():
            found[-1] = 1000 + ord(sign)
        else:
            found.append(VOCABULARY.get(sign, 0))
    return found


def next_logprob(prompt: list[int], token: int) -> float:
    """Log-probability of a token behind a prompt of token ids: made up, and never the same."""
    return -((token * 7 + len(prompt) * 3 + sum(prompt)) % 101 + 1) / 40


def _refusal(dialect: Dialect, http: HttpRequest, *, is_chat: bool) -> Response | None:
    given = http.headers.get("authorization", "")
    if dialect.key and given != f"Bearer {dialect.key}":
        said = f"Incorrect API key provided: {given}" if dialect.echo_key else "Incorrect API key"
        return JSONResponse({"error": {"message": said}}, 401)
    if not (dialect.chat if is_chat else dialect.plain):
        return JSONResponse({"error": {"message": "no such end point"}}, 404)
    return None


def _answer(
    dialect: Dialect, mock: MockBackend, body: dict[str, Any], *, is_chat: bool
) -> dict[str, Any]:
    if body.get("logprobs"):
        choices = [_scored(dialect, body, is_chat=is_chat)]
    else:
        choices = _replies(mock, body, is_chat=is_chat)
    usage = {"prompt_tokens": len(json.dumps(body)) // 4, "completion_tokens": 20}
    return {"id": "c", "model": body["model"], "choices": choices, "usage": usage}


def _replies(mock: MockBackend, body: dict[str, Any], *, is_chat: bool) -> list[dict[str, Any]]:
    request = Request(
        "served",
        messages=tuple(Message(m["role"], m["content"]) for m in body.get("messages", [])),
        prompt="" if is_chat else body["prompt"],
        sampling=Sampling(
            max_tokens=body.get("max_tokens", 256),
            temperature=body.get("temperature", 1.0),
            seed=body.get("seed"),
            stop=tuple(body.get("stop", ())),
            n=body.get("n", 1),
        ),
    )
    if body.get("max_tokens") == 1:
        said, cut = ("A",), True
    else:
        response = mock._respond(request)
        said, cut = response.texts, response.status == "truncated"
    reason = "length" if cut else "stop"
    if is_chat:
        return [
            {"index": i, "message": {"role": "assistant", "content": t}, "finish_reason": reason}
            for i, t in enumerate(said)
        ]
    return [{"index": i, "text": t, "finish_reason": reason} for i, t in enumerate(said)]


def _scored(dialect: Dialect, body: dict[str, Any], *, is_chat: bool) -> dict[str, Any]:
    """A first token with its list; what the dialect does not know is ignored, as servers do."""
    if isinstance(body.get("prompt"), list):
        asked = body["logprob_token_ids"]
        listed = {f"token_id:{token}": next_logprob(body["prompt"], token) for token in asked}
        return _choice(next(iter(listed)), listed, is_chat=False)
    space = "" if is_chat else " "
    listed = {f"{space}{token}": math.log(p) for token, p in FIRST_TOKENS.items()}
    choice = (body.get("structured_outputs") or {}).get("choice")
    said = f"{space}x"
    if dialect.labels == "none":
        return _choice("A", None, is_chat=is_chat)
    if dialect.labels == "exact" and "logprob_token_ids" in body:
        named = {
            f"token_id:{(1000 + ord(t)) if space and t.isupper() else VOCABULARY[t]}": math.log(p)
            for t, p in FIRST_TOKENS.items()
        }
        listed = {f"token_id:{i}": named.get(f"token_id:{i}", -20.0) for i in
                  body["logprob_token_ids"]}  # fmt: skip
        return _choice(next(iter(listed)), listed, is_chat=is_chat)
    if dialect.labels == "constrained" and choice:
        listed = {token: p for token, p in listed.items() if token in choice}
        said = max(listed, key=lambda token: listed[token])
    best = sorted(listed, key=lambda token: -listed[token])[: dialect.listed]
    return _choice(said, {token: listed[token] for token in best}, is_chat=is_chat)


def _choice(said: str, listed: dict[str, float] | None, *, is_chat: bool) -> dict[str, Any]:
    if is_chat:
        found: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": said},
            "finish_reason": "length",
        }
        if listed is not None:
            tops = [{"token": t, "logprob": p} for t, p in listed.items()]
            own = {"token": said, "logprob": listed.get(said, -5.0), "top_logprobs": tops}
            found["logprobs"] = {"content": [own]}
        return found
    found = {"index": 0, "text": said, "finish_reason": "length"}
    if listed is not None:
        found["logprobs"] = {
            "tokens": [said],
            "token_logprobs": [listed.get(said, -5.0)],
            "top_logprobs": [listed],
        }
    return found


#: Dimensions of an embedding: words are sorted into as many boxes.
EMBEDDING_SIZE = 256


def words_vector(text: str) -> list[float]:
    """How often a text has words of each box: texts that share words are alike."""
    found = [0.0] * EMBEDDING_SIZE
    for word in re.findall(r"\w+", text.lower()):
        found[zlib.crc32(word.encode()) % EMBEDDING_SIZE] += 1.0
    return found


async def embeddings(request: HttpRequest) -> Response:
    """Vectors of words; the last text first, as servers may answer in any order."""
    texts = (await request.json())["input"]
    data = [
        {"object": "embedding", "index": place, "embedding": words_vector(text)}
        for place, text in enumerate(texts)
    ]
    return JSONResponse({"object": "list", "model": MODEL, "data": data[::-1], "usage": _NO_USAGE})


@contextmanager
def serving(dialect: Dialect | None = None, *, port: int = 0) -> Iterator[Server]:
    """Serve in a thread of its own while the block runs."""
    server = Server("", dialect or Dialect())
    with serving_app(app_of(server), port=port) as root:
        server.url = f"{root}/v1"
        yield server


@contextmanager
def serving_app(
    app: Starlette, *, port: int = 0, lifespan: Literal["on", "off"] = "off"
) -> Iterator[str]:
    """Serve an application in a thread of its own; its address."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="error", access_log=False,
        lifespan=lifespan, ws="none",
    )  # fmt: skip
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not running.started:
        if time.monotonic() > deadline:
            raise RuntimeError("the server did not start")
        time.sleep(0.01)
    number = running.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{number}"
    finally:
        running.should_exit = True
        thread.join(timeout=20)


if __name__ == "__main__":
    import sys

    with serving(port=int(sys.argv[1])) as here:
        print(here.url, flush=True)
        while True:
            time.sleep(1)
