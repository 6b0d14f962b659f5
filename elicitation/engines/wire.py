"""Requests and options as JSON, on their way to another process."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from elicitation.backends.base import Message, Request, Response, Sampling
from elicitation.backends.registry import BackendOptions
from elicitation.store import response_from_json, response_json


def request_text(request: Request) -> str:
    """A request, whole, as JSON."""
    return json.dumps(asdict(request), ensure_ascii=True)


def request_of(text: str) -> Request:
    """The inverse of `request_text`."""
    fields: dict[str, Any] = json.loads(text)
    sampling = fields["sampling"]
    fields["sampling"] = Sampling(**{**sampling, "stop": tuple(sampling["stop"])})
    fields["messages"] = tuple(Message(*message) for message in fields["messages"])
    fields["options"] = tuple(fields["options"])
    return Request(**fields)


def response_text(response: Response) -> str:
    """A response as JSON."""
    return json.dumps(response_json(response), ensure_ascii=True)


def response_of(text: str) -> Response:
    """The inverse of `response_text`."""
    return response_from_json(json.loads(text))


def options_text(options: BackendOptions) -> str:
    """Options of a backend as JSON."""
    return json.dumps(asdict(options))


def options_of(text: str) -> BackendOptions:
    """The inverse of `options_text`."""
    return BackendOptions(**json.loads(text))
