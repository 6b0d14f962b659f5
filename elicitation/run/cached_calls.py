"""Calls apart from a study (judging, translating), kept in a store: none is ever made twice."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from elicitation.backends.base import Backend, Message, Request, Response, Sampling
from elicitation.backends.call_key import CallKeys
from elicitation.prompts.prompts import Shown
from elicitation.run.store import ItemRecord, Store

_NOTHING_SHOWN = Shown("advice", ())


def chat_or_plain(
    request_id: str, text: str, *, backend: Backend, max_tokens: int, cue: str = ""
) -> Request:
    """A request for a greedy reply: a chat where the backend has one, else plain text and a cue."""
    sampling = Sampling(max_tokens=max_tokens)
    if backend.capabilities().chat:
        return Request(request_id, messages=(Message("user", text),), sampling=sampling)
    return Request(request_id, prompt=f"{text}\n{cue}".rstrip(), sampling=sampling)


def ask_cached(
    requests: Iterable[Request], backend: Backend, path: Path, *, purpose: str
) -> dict[str, Response]:
    """Responses by request id; only what the store lacks is asked, and kept at once.

    Args:
        requests: what is asked; equal requests are asked once.
        backend: who answers.
        path: the store; made where there is none.
        purpose: noted with each call, for instance `judge`.

    Returns:
        One entry for each request that has an answer: a call that failed has none, and is made
        again the next time.
    """
    keys = CallKeys(backend.describe(), backend.scoring)
    wanted = [(request, keys.key(request)) for request in requests]
    with Store(path) as store:
        finished = store.finished_keys()
        missing: dict[bytes, Request] = {
            key: request for request, key in wanted if key not in finished
        }

        def keep(request: Request, response: Response) -> None:
            key = keys.key(request)
            record = ItemRecord(key.hex(), purpose, {}, _NOTHING_SHOWN)
            store.save(key, request, response, [record])

        backend.run(iter(missing.values()), on_response=keep)
        responses = {item.record.item_id: item.response for item in store.items(purpose)}
    return {r.request_id: responses[key.hex()] for r, key in wanted if key.hex() in responses}
