"""A model that is none: the same reply to the same request, made up from what is asked.

`mock:steady` answers in the form asked for; `mock:messy` now and then says it differently,
refuses, or is cut off; `mock:refuses` declines; `mock:uniform` gives every answer the same share;
`mock:first` does so with a fifth of its answers moved to whatever is shown first.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from contracts.errors import ContractError, unknown_values
from elicitation.backends.base import Capabilities, OnResponse, Request, Response
from elicitation.backends.call_key import CallKeys
from elicitation.backends.registry import BackendOptions

#: An answer in a list: its label at the start of a line.
_LISTED = re.compile(r"^(\d{1,2}|[A-Z])(?:[.)](?=\s)|$)", re.MULTILINE)
_NUMBERS = re.compile(r"\d+")

#: The question that closes an English dilemma.
_CHOICE = re.compile(r"Should I (.+?) or (.+?)\?")

#: What each mock does, by name.
CHARACTERS = ("steady", "messy", "refuses", "uniform", "first")

#: Part of its answers that `mock:first` moves to the answer shown first.
FIRST_BIAS = 0.2


def open_backend(name: str, options: BackendOptions) -> MockBackend:
    """The mock of this name.

    Raises:
        ContractError: there is none.
    """
    if name not in CHARACTERS:
        raise ContractError(unknown_values("mock:NAME", name, CHARACTERS, code="unknown-mock"))
    return MockBackend(name, chat=not options.extra.get("plain", False))


class MockBackend:
    """Deterministic replies; see the module."""

    def __init__(self, character: str, *, chat: bool = True) -> None:
        self._character = character
        self._chat = chat
        self._keys = CallKeys(self.describe())

    def describe(self) -> dict[str, Any]:
        """Name of the mock."""
        return {"backend": "mock", "model": self._character, "revision": "1"}

    def scoring(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def environment(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def capabilities(self) -> Capabilities:
        """Everything."""
        return Capabilities(
            chat=self._chat, option_logprobs="exact", label_logprobs="exact", response_format=True
        )

    def run(self, requests: Iterable[Request], *, on_response: OnResponse) -> None:
        """Answer one request after the other."""
        for request in requests:
            on_response(request, self._respond(request))

    def close(self) -> None:
        """Nothing."""

    def _respond(self, request: Request) -> Response:
        seed = int.from_bytes(self._keys.key(request)[:8], "big")
        rng = np.random.default_rng(seed)
        context = _asked(request)
        if request.kind != "generate":
            shares = self._shares(len(request.options), rng)
            logprobs = tuple(math.log(max(share, 1e-9)) for share in shares)
            raw = {"logprobs": list(logprobs)}
            return Response(
                request.request_id,
                "ok",
                (),
                logprobs,
                "exact",
                raw,
                prompt_tokens=len(context) // 4,
            )
        texts, cut = [], False
        for _ in range(request.sampling.n):
            text, was_cut = self._text(context, request.sampling.response_format, rng)
            texts.append(text)
            cut = cut or was_cut
        return Response(
            request.request_id,
            "truncated" if cut else "ok",
            tuple(texts),
            raw={"texts": texts},
            completion_tokens=sum(len(text) for text in texts) // 4,
            prompt_tokens=len(context) // 4,
        )

    def _shares(self, size: int, rng: np.random.Generator) -> list[float]:
        if self._character == "uniform":
            return [1 / size] * size
        if self._character == "first":
            rest = [(1 - FIRST_BIAS) / size] * size
            return [rest[0] + FIRST_BIAS, *rest[1:]]
        return [float(share) for share in rng.dirichlet(np.ones(size))]

    def _text(
        self, context: str, form: Mapping[str, Any] | None, rng: np.random.Generator
    ) -> tuple[str, bool]:
        if self._character == "refuses":
            return "I'm sorry, but I cannot answer questions about personal values.", False
        reply = self._reply(context, rng)
        if self._character == "messy" and form is None:
            return _messy(reply, rng)
        return reply, False

    def _reply(self, context: str, rng: np.random.Generator) -> str:
        """A reply in the form that the prompt asks for, as far as its layout tells."""
        last = context.rsplit("\n\n", 1)[-1]
        labels = _LISTED.findall(last)
        if not labels and '"score"' in context:
            return self._score(context, rng)
        if not labels:
            return _advice(context, rng)
        shares = self._shares(len(labels), rng)
        if '{"' in context:
            tenths = [round(share * 1000) for share in shares]
            tenths[0] += 1000 - sum(tenths)
            return json.dumps(
                {label: count / 10 for label, count in zip(labels, tenths, strict=True)}
            )
        wanted = _wanted(context)
        return " ".join(rng.choice(labels, size=wanted, p=_exact(shares)))

    def _score(self, context: str, rng: np.random.Generator) -> str:
        first, last = (int(number) for number in _NUMBERS.findall(context)[-2:])
        score = int(rng.integers(first, last + 1))
        return json.dumps({"explanation": "made up", "score": score})


def _asked(request: Request) -> str:
    """The prompt; of a chat the last turn that lists answers, else its first."""
    if not request.messages:
        return request.prompt
    turns = [turn.content for turn in request.messages if turn.role == "user"]
    return next((turn for turn in reversed(turns) if _LISTED.search(turn)), turns[0])


def _wanted(context: str) -> int:
    """Answers asked for in a row: the last number of the task, which stands before the question."""
    task = context.split("\n\n")[-2:-1]
    if not task or _LISTED.search(task[0]):  # another question of a conversation
        return 1
    asked = _NUMBERS.findall(task[0])
    return int(asked[-1]) if asked else 1


def _advice(context: str, rng: np.random.Generator) -> str:
    choice = _CHOICE.findall(context)
    if not choice:
        return "That is for you to decide."
    return f"I would recommend that you {choice[-1][int(rng.integers(2))]}."


def _exact(shares: Sequence[float]) -> list[float]:
    total = math.fsum(shares)
    return [share / total for share in shares]


def _messy(reply: str, rng: np.random.Generator) -> tuple[str, bool]:
    """A reply as models really give them, and whether it was cut off."""
    ways: list[tuple[str, bool]] = [
        (reply, False),
        (f"Sure! Here is my answer:\n```json\n{reply}\n```", False),
        (reply.replace('"', "'"), False),
        (f"<think>Let me see.</think>\n{reply}", False),
        ("As an AI language model, I cannot have opinions.", False),
        (reply[: len(reply) // 2], True),
        ("It depends.", False),
    ]
    return ways[int(rng.choice(len(ways), p=[0.55, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05]))]
