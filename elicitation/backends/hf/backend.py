"""The backend `hf:`: a local model that writes replies and scores every answer on offer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, NamedTuple

import torch

from contracts.errors import ContractError, unknown_values
from elicitation.backends.base import Capabilities, OnResponse, Request
from elicitation.backends.hf.choosing import ScorerChoice
from elicitation.backends.hf.generation import Draw, draws_of, generate
from elicitation.backends.hf.loading import Loaded, dtype_name, load, versions
from elicitation.backends.hf.responses import error_response, reply_response, scores_response
from elicitation.backends.hf.scorers import SCORERS, Limits, score_items
from elicitation.backends.hf.tokens import Encoder, Item, LabelItem, TokenError
from elicitation.backends.registry import BackendOptions
from elicitation.backends.thinking import hf_template_options, thinking_facts

#: Requests that are looked at together, to find the beginnings that they share.
WINDOW = 256

#: Replies written at once.
_MOST_ROWS = 64


class _Scored(NamedTuple):
    """A scoring request as token ids."""

    request: Request
    item: Item
    labels: LabelItem | None


class _Written(NamedTuple):
    """A generation request as token ids."""

    request: Request
    draws: list[Draw]


def open_backend(name: str, options: BackendOptions) -> HfBackend:
    """Load a model.

    Args:
        name: repository of the Hugging Face Hub, or folder.
        options: `extra` may hold `template_options` (arguments of the chat template) and
            `min_saved` (see `Limits`).

    Raises:
        ContractError: the model cannot be loaded, or an option is wrong.
    """
    if options.scorer not in ("auto", *SCORERS):
        raise ContractError(
            unknown_values("--scorer", options.scorer, ("auto", *SCORERS), code="unknown-scorer")
        )
    return HfBackend(load(name, options), options)


class HfBackend:
    """A model of transformers on this machine."""

    def __init__(self, loaded: Loaded, options: BackendOptions | None = None) -> None:
        options = options or BackendOptions()
        self._model = loaded.model
        self._name, self._revision = loaded.name, loaded.revision
        self._template_options = hf_template_options(options)
        self._thinking = options.thinking
        self._thinking_facts = thinking_facts(options)
        self._encoder = Encoder(loaded.tokenizer, template_options=self._template_options)
        self._limits = Limits(options.batch_tokens, options.extra.get("min_saved"))
        self._asked_scorer = options.scorer
        self._choice = ScorerChoice(self._model, options.scorer, self._limits)
        self._machine = {
            **versions(),
            "device": str(self._model.device),
            "batch_tokens": self._limits.batch_tokens,
            "facts": {"parameters": sum(p.numel() for p in self._model.parameters())},
        }
        self._dtype = dtype_name(self._model)

    def describe(self) -> dict[str, Any]:
        """What decides the answers: model, revision, number type, scorer asked for."""
        description: dict[str, Any] = {
            "backend": "hf",
            "model": self._name,
            "revision": self._revision,
            "dtype": self._dtype,
            "scorer": self._asked_scorer,
        }
        description |= self._thinking_facts
        return description

    def scoring(self) -> dict[str, Any]:
        """Nothing: labels are scored exactly."""
        return {}

    def environment(self) -> dict[str, Any]:
        """Libraries, device, and which scorer was found right, by how much."""
        return {**self._machine, **self._choice.environment()}

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
            notes=self._choice.notes(),
        )

    def run(self, requests: Iterable[Request], *, on_response: OnResponse) -> None:
        """Answer all requests, a window at a time."""
        source = iter(requests)
        while window := list(islice(source, WINDOW)):
            scored, written = [], []
            for request in window:
                prepared = self._prepared(request, on_response)
                if isinstance(prepared, _Scored):
                    scored.append(prepared)
                elif isinstance(prepared, _Written):
                    written.append(prepared)
            self._score(scored, on_response)
            self._write(written, on_response)

    def close(self) -> None:
        """Give the model's memory back."""
        if self._model is not None:
            self._model = None
            self._choice.forget_model()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _prepared(self, request: Request, on_response: OnResponse) -> _Scored | _Written | None:
        try:
            if request.kind == "generate":
                return self._to_write(request)
            return self._to_score(request)
        except Exception as error:
            # Besides our own: chat templates raise whatever their authors liked.
            on_response(request, error_response(request, error))
        return None

    def _to_write(self, request: Request) -> _Written:
        if request.sampling.response_format is not None:
            raise TokenError("a local model is not held to a schema; leave response_format out")
        context = self._encoder.context(request)
        self._check_length(len(context) + request.sampling.max_tokens)
        return _Written(request, draws_of(0, context, request.sampling, seed=request.draw_seed))

    def _to_score(self, request: Request) -> _Scored:
        labels = self._encoder.label_item(request) if request.kind == "score_labels" else None
        item = labels.item if labels else self._encoder.scored_item(request)
        self._check_length(item.longest)
        return _Scored(request, item, labels)

    def _check_length(self, length: int) -> None:
        most = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if most is not None and length > most:
            raise TokenError(f"{length} tokens are more than the model's {most}")

    def _score(self, scored: Sequence[_Scored], on_response: OnResponse) -> None:
        if not scored:
            return
        scorer = self._choice.scorer([one.item for one in scored])
        clock = _Clock()
        done: set[int] = set()

        def keep(index: int, logprobs: list[float]) -> None:
            if index not in done:
                done.add(index)
                one = scored[index]
                answer = scores_response(
                    one.request,
                    one.item,
                    one.labels.logprobs(logprobs) if one.labels else logprobs,
                    scorer=scorer,
                    notes=one.labels.notes if one.labels else (),
                    seconds=clock.lap(),
                )
                on_response(one.request, answer)

        waiting = list(range(len(scored)))
        limits = self._limits
        while waiting:
            problem = _attempt(self._model, scored, waiting, scorer, limits, keep)
            waiting = [index for index in waiting if index not in done]
            if problem is None or not waiting:
                return
            if isinstance(problem, torch.OutOfMemoryError) and limits.batch_tokens > 1:
                torch.cuda.empty_cache()
                limits = Limits(limits.batch_tokens // 2, limits.min_saved)
            elif scorer != "naive":
                scorer = "naive"
            else:
                # The naive scorer goes in order, so the first one waiting is the culprit.
                failed = waiting.pop(0)
                on_response(scored[failed].request, error_response(scored[failed].request, problem))

    def _write(self, written: Sequence[_Written], on_response: OnResponse) -> None:
        def key(one: _Written) -> tuple[int, tuple[str, ...], bool]:
            sampling = one.request.sampling
            return sampling.max_tokens, sampling.stop, one.request.is_chat

        for _, group in groupby(sorted(written, key=key), key=key):
            alike = sorted(group, key=lambda one: len(one.draws[0].context))
            for batch in self._write_batches(alike):
                self._write_batch(batch, on_response)

    def _write_batches(self, written: Sequence[_Written]) -> Iterator[list[_Written]]:
        batch: list[_Written] = []
        rows = 0
        for one in written:
            width = len(one.draws[0].context) + one.request.sampling.max_tokens
            rows += len(one.draws)
            if batch and (rows > _MOST_ROWS or rows * width > self._limits.batch_tokens):
                yield batch
                batch, rows = [], len(one.draws)
            batch.append(one)
        if batch:
            yield batch

    def _write_batch(self, batch: Sequence[_Written], on_response: OnResponse) -> None:
        start = time.perf_counter()
        ends = self._encoder.end_ids(batch[0].request.is_chat) | _configured_ends(self._model)
        try:
            flat = [draw for one in batch for draw in one.draws]
            replies = generate(self._model, self._encoder, flat, ends=ends)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            if len(batch) == 1:
                on_response(batch[0].request, error_response(batch[0].request, error))
                return
            for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
                self._write_batch(half, on_response)
            return
        seconds = (time.perf_counter() - start) / len(batch)
        place = 0
        for one in batch:
            own = replies[place : place + len(one.draws)]
            place += len(one.draws)
            prompt_tokens = len(one.draws[0].context)
            answer = reply_response(one.request, own, prompt_tokens=prompt_tokens, seconds=seconds)
            on_response(one.request, answer)


class _Clock:
    """Seconds between one answer and the next."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self) -> float:
        now = time.perf_counter()
        elapsed, self._last = now - self._last, now
        return elapsed


def _attempt(
    model: Any,
    scored: Sequence[_Scored],
    waiting: Sequence[int],
    scorer: Any,
    limits: Limits,
    keep: Any,
) -> Exception | None:
    """Score what waits; the model's own failure, if it fails. Errors of `keep` go through."""
    items = [scored[index].item for index in waiting]
    failed: list[BaseException] = []

    def guarded(index: int, logprobs: list[float]) -> None:
        try:
            keep(waiting[index], logprobs)
        except BaseException as error:
            failed.append(error)
            raise

    try:
        score_items(model, items, scorer=scorer, limits=limits, on_item=guarded)
    except Exception as error:
        if failed:
            raise
        return error
    return None


def _configured_ends(model: Any) -> set[int]:
    end_ids = model.generation_config.eos_token_id
    if end_ids is None:
        return set()
    return {int(i) for i in end_ids} if isinstance(end_ids, list | tuple) else {int(end_ids)}
