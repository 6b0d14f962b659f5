"""The backend `vllm:`: a model in vLLM, in this process.

Sequences enter the engine as room becomes free and leave it as they are done (continuous batching).
Options are scored node by node of the trie of their tokens: each node asks for the probabilities
of the tokens that follow, behind a context which the engine keeps in its prefix cache. (Prompt
log-probabilities would compute every context again: they do not read that cache.)
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import count
from typing import Any

from elicitation.backends.base import Capabilities, OnResponse, Request
from elicitation.backends.hf.generation import draws_of, reply_of
from elicitation.backends.hf.responses import error_response, reply_response, scores_response
from elicitation.backends.hf.tokens import Encoder, Ids, Item, LabelItem, TokenError
from elicitation.backends.registry import BackendOptions
from elicitation.backends.thinking import hf_template_options, thinking_facts
from elicitation.backends.vllm.engine import (
    Finished,
    Opened,
    add,
    deciding,
    longest_of,
    machine,
    open_engine,
    reply_parameters,
    score_parameters,
    step,
)

#: Sequences in the engine's hands at once; it batches as many as its memory takes.
IN_FLIGHT = 512


def open_backend(name: str, options: BackendOptions) -> VllmBackend:
    """Load a model.

    Args:
        name: repository of the Hugging Face Hub, or folder.
        options: `engine_option`, or `extra["vllm"]`, hold arguments of `vllm.LLM`.

    Raises:
        ContractError: the model cannot be loaded, or an option is wrong.
    """
    template_options = hf_template_options(options)
    return VllmBackend(open_engine(name, options), options, template_options)


class VllmBackend:
    """A model in vLLM on this machine."""

    def __init__(
        self, opened: Opened, options: BackendOptions, template_options: dict[str, Any]
    ) -> None:
        self._opened = opened
        self._engine = opened.engine
        self._encoder = Encoder(opened.tokenizer, template_options=template_options)
        self._thinking = options.thinking
        self._thinking_facts = thinking_facts(options)
        self._longest = longest_of(opened.engine)
        self._dtype = str(opened.engine.model_config.dtype).removeprefix("torch.")
        self._numbers = count()

    def describe(self) -> dict[str, Any]:
        """What decides the answers: model, revision, number type, arguments of the engine."""
        description: dict[str, Any] = {
            "backend": "vllm",
            "model": self._opened.name,
            "revision": self._opened.revision,
            "dtype": self._dtype,
        }
        if arguments := deciding(self._opened.arguments):
            description["engine_options"] = arguments
        return description | self._thinking_facts

    def scoring(self) -> dict[str, Any]:
        """Nothing: labels are scored exactly."""
        return {}

    def environment(self) -> dict[str, Any]:
        """Libraries, device, and all arguments of the engine."""
        return {**machine(), "engine_options": dict(self._opened.arguments)}

    def capabilities(self) -> Capabilities:
        """Everything but replies held to a schema."""
        return Capabilities(
            generate=True,
            chat=self._encoder.has_chat,
            plain=True,
            option_logprobs="exact",
            label_logprobs="exact",
            response_format=False,
            thinks=self._encoder.thinks(self._thinking),
            first_token=True,
        )

    def run(self, requests: Iterable[Request], *, on_response: OnResponse) -> None:
        """Answer all requests; each is handed over in the step in which it is done."""
        source = iter(requests)
        owners: dict[str, _Job] = {}
        drained = False
        try:
            while owners or not drained:
                while not drained and len(owners) < IN_FLIGHT:
                    request = next(source, None)
                    drained = request is None
                    if request is not None:
                        self._begin(request, owners, on_response)
                if not owners:
                    continue
                for finished in step(self._engine):
                    job = owners.pop(finished.key)
                    job.take(finished)
                    if job.is_done:
                        on_response(job.request, job.response())
        finally:
            if owners:
                self._engine.abort_request(list(owners))

    def close(self) -> None:
        """Give the model's memory back."""
        if self._engine is not None:
            core = getattr(self._engine, "engine_core", None)
            if core is not None:
                core.shutdown()
            self._engine = None
            self._opened = self._opened._replace(engine=None)

    def _begin(self, request: Request, owners: dict[str, _Job], on_response: OnResponse) -> None:
        keys: list[str] = []
        try:
            job = self._job(request)
            for ids, parameters, place in job.sequences():
                key = f"{next(self._numbers)}"
                add(self._engine, key, ids, parameters)
                keys.append(key)
                job.places[key] = place
        except Exception as error:  # also what a chat template or the engine's checks raise
            self._engine.abort_request(keys)
            on_response(request, error_response(request, error))
            return
        owners |= dict.fromkeys(keys, job)

    def _job(self, request: Request) -> _Job:
        if request.kind == "generate":
            return self._written(request)
        labels = self._encoder.label_item(request) if request.kind == "score_labels" else None
        item = labels.item if labels else self._encoder.scored_item(request)
        self._check_length(item.longest)
        return _Scores(request, item, labels)

    def _written(self, request: Request) -> _Replies:
        if request.sampling.response_format is not None:
            raise TokenError("a local model is not held to a schema; leave response_format out")
        context = self._encoder.context(request)
        self._check_length(len(context) + request.sampling.max_tokens)
        ends = self._encoder.end_ids(request.is_chat) | self._opened.ends
        return _Replies(request, context, self._encoder, ends)

    def _check_length(self, length: int) -> None:
        if length > self._longest:
            raise TokenError(
                f"{length} tokens are more than the engine's {self._longest} "
                "(--engine-option max_model_len=...)"
            )


class _Job:
    """A request as sequences of the engine."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.places: dict[str, Any] = {}
        self._left = 0
        self._start = time.perf_counter()

    @property
    def is_done(self) -> bool:
        """Whether every sequence is back."""
        return self._left == 0

    @property
    def seconds(self) -> float:
        """Since the request entered the engine; others shared that time."""
        return time.perf_counter() - self._start

    def sequences(self) -> list[tuple[Ids, Any, Any]]:
        """Ids of each sequence, its parameters, and its place in the request."""
        raise NotImplementedError

    def take(self, finished: Finished) -> None:
        """Put a sequence's outcome in its place."""
        raise NotImplementedError

    def response(self) -> Any:
        """The response, once all are back."""
        raise NotImplementedError


class _Scores(_Job):
    """Options or labels of one request, as the trie of their ids."""

    def __init__(self, request: Request, item: Item, labels: LabelItem | None) -> None:
        super().__init__(request)
        self._item, self._labels = item, labels
        self._nodes: dict[Ids, dict[int, None]] = {}
        for option in item.options:
            for depth, token in enumerate(option):
                self._nodes.setdefault(option[:depth], {})[token] = None
        self._logprobs: dict[Ids, float] = {}

    def sequences(self) -> list[tuple[Ids, Any, Any]]:
        self._left = len(self._nodes)
        return [
            (self._item.context + prefix, score_parameters(list(tokens)), prefix)
            for prefix, tokens in self._nodes.items()
        ]

    def take(self, finished: Finished) -> None:
        prefix = self.places[finished.key]
        for token in self._nodes[prefix]:
            self._logprobs[(*prefix, token)] = finished.logprobs[token]
        self._left -= 1

    def response(self) -> Any:
        option_scores = [
            sum(self._logprobs[option[: depth + 1]] for depth in range(len(option)))
            for option in self._item.options
        ]
        return scores_response(
            self.request,
            self._item,
            self._labels.logprobs(option_scores) if self._labels else option_scores,
            scorer="trie",
            notes=self._labels.notes if self._labels else (),
            seconds=self.seconds,
        )


class _Replies(_Job):
    """Replies to one request; the same draws as those of the seeds say, whatever else runs."""

    def __init__(self, request: Request, context: Ids, encoder: Encoder, ends: set[int]) -> None:
        super().__init__(request)
        self._draws = draws_of(0, context, request.sampling, seed=request.draw_seed)
        self._encoder, self._ends = encoder, ends
        self._ids: list[Ids] = [()] * len(self._draws)

    def sequences(self) -> list[tuple[Ids, Any, Any]]:
        self._left = len(self._draws)
        return [
            (draw.context, reply_parameters(draw.sampling, draw.seed, self._ends), place)
            for place, draw in enumerate(self._draws)
        ]

    def take(self, finished: Finished) -> None:
        self._ids[self.places[finished.key]] = finished.ids
        self._left -= 1

    def response(self) -> Any:
        sampling = self.request.sampling
        replies = [reply_of(self._encoder, list(ids), sampling, self._ends) for ids in self._ids]
        return reply_response(
            self.request,
            replies,
            prompt_tokens=len(self._draws[0].context),
            seconds=self.seconds,
        )
