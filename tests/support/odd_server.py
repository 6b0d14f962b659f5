"""A server on a local port that behaves as the odd ones do: one behaviour for each test.

A behaviour is a function from the body of a request to what the server answers: a JSON object
(HTTP 200), a status with an object, or a text that is sent as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from openai_server import serving_app
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

Answer = dict[str, Any] | tuple[int, Any] | str
Behaviour = Callable[[dict[str, Any]], Answer]

#: A reply that can be read as shares of two answers.
SHARES = '{"1": 60, "2": 40}'


@dataclass
class OddServer:
    """A server under way: where it is, and the bodies that it got."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Bodies without those of probes."""
        return [body for body in self.bodies if not is_probe(body)]


def is_probe(body: dict[str, Any]) -> bool:
    """Whether a request is one of one token, which finds out what a server can do."""
    return 1 in (body.get("max_tokens"), body.get("max_completion_tokens"))


def chat(content: Any = SHARES, *, reason: str | None = "stop", **more: Any) -> dict[str, Any]:
    """A chat completion with one choice; further fields go into its message."""
    message = {"role": "assistant", "content": content, **more}
    return {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def refusing(name: str, *, how: str, among: Callable[[dict[str, Any]], bool]) -> Behaviour:
    """Refuses a parameter in one of the forms that servers have; without it, all is well.

    Args:
        name: the parameter.
        how: `openai`, `mistral`, `litellm` or `words`.
        among: which bodies are refused.
    """
    other = {"max_tokens": "max_completion_tokens"}.get(name, "")
    hint = f" Use '{other}' instead." if other else ""
    said = f"Unsupported parameter: '{name}' is not supported with this model.{hint}"
    answers: dict[str, tuple[int, Any]] = {
        "openai": (400, {"error": {"message": said, "param": name, "code": "unsupported_value"}}),
        "mistral": (
            422,
            {"detail": [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs"}]},
        ),
        "litellm": (
            400,
            {"error": {"message": f"UnsupportedParamsError: does not support: ['{name}']"}},
        ),
        "words": (400, {"message": f"`{name}` is deprecated for this model."}),
    }
    return lambda body: answers[how] if among(body) else chat()


@contextmanager
def odd(behaviour: Behaviour, *, plain: bool = False) -> Iterator[OddServer]:
    """Serve a behaviour; text completions are there only where `plain` says so."""
    server = OddServer()

    async def completions(http: Request) -> Response:
        body = json.loads(await http.body())
        if not plain and http.url.path.endswith("/v1/completions"):
            return JSONResponse({"error": {"message": "no such end point"}}, 404)
        server.bodies.append(body)
        answer = behaviour(body)
        if isinstance(answer, str):
            return PlainTextResponse(answer, media_type="text/event-stream")
        status, content = answer if isinstance(answer, tuple) else (200, answer)
        return JSONResponse(content, status)

    paths = ("/v1/chat/completions", "/v1/completions")
    app = Starlette(routes=[Route(path, completions, methods=["POST"]) for path in paths])
    with serving_app(app) as root:
        server.url = f"{root}/v1"
        yield server
