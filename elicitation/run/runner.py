"""Run a plan against a backend: ask what is not in the store yet, and keep each answer at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

from elicitation.backends.base import Backend, Message, Request, Response
from elicitation.backends.call_key import CallKeys
from elicitation.prompts.plan import Call, Item, Plan
from elicitation.prompts.prompts import Shown, again_text
from elicitation.run.conversations import Conversations
from elicitation.run.gather import answer_of
from elicitation.run.limits import Limits
from elicitation.run.store import ItemRecord, Store

#: Readers whose unread replies are asked for once more: advice that takes no side is an answer.
REASKED = frozenset({"shares", "rating", "choice", "sequence"})

#: Why a run ended that was asked to.
STOPPED = "stopped by the user"

#: Noted items are written in blocks of this size.
_BLOCK = 2000

#: Times as many tokens as a truncated reply had, for its second try; and the least of them.
MORE_TOKENS, LEAST_MORE_TOKENS = 4, 256

#: A run gives up after this many truncated replies in a row, each with more tokens too.
MOST_TRUNCATED_IN_A_ROW = 20

#: A run gives up after this many calls in a row without an answer.
MOST_ERRORS_IN_A_ROW = 50


@dataclass
class Progress:
    """How far a run is; whoever shows it looks at it when it changes.

    Attributes:
        total: calls of the plan (of this shard).
        reused: items whose answer was there already.
        made: calls made by this run.
        statuses: responses of this run by status.
        prompt_tokens, completion_tokens: used by this run, as the backend counts them.
        stopped: why the run ended early, empty if it did not.
    """

    total: int = 0
    reused: int = 0
    made: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    stopped: str = ""
    started: float = field(default_factory=time.monotonic)

    @property
    def rate(self) -> float:
        """Calls a second of this run."""
        return self.made / max(time.monotonic() - self.started, 1e-9)

    def cost(self, limits: Limits) -> float:
        """Money spent by this run."""
        prompt = self.prompt_tokens * limits.prompt_price
        return (prompt + self.completion_tokens * limits.completion_price) / 1e6


OnProgress = Callable[[Progress], None]


class TooManyTruncatedError(RuntimeError):
    """A run gave up, for the replies are longer than they may be; the message says what to do."""


class TooManyErrorsError(RuntimeError):
    """A run gave up; the message is the last error."""


def run_plan(
    plan: Plan,
    backend: Backend,
    store: Store,
    *,
    limits: Limits | None = None,
    shard: tuple[int, int] = (1, 1),
    on_progress: OnProgress | None = None,
    stop: Event | None = None,
) -> Progress:
    """Ask every call of a plan that the store does not hold, then once more what was unreadable.

    The calls of conversations are made round by round: all of them are asked a question before any
    is asked the next. A conversation in which a call failed rests until the next run.

    Args:
        plan: the plan.
        backend: who answers.
        store: where answers are kept; each is committed before the next is taken.
        limits: where to stop.
        shard: (k, n) takes every n-th call from the k-th, for runs on several machines.
        on_progress: called whenever the progress changed.
        stop: set by another thread, ends the run in good order; give it to the backend too
            (`BackendOptions.stop`), so that waits end as well.

    Returns:
        The progress at the end; `stopped` says why if it ended early.

    Raises:
        TooManyErrorsError: many calls in a row had no answer.
        TooManyTruncatedError: many replies in a row ended before their answer, however long.
    """
    run = _Run(plan, backend, store, limits or Limits(), shard, on_progress or (lambda _: None))
    run.stop = stop
    run.try_longest()
    for number in range(plan.rounds):
        run.begin_round(number)
        run.first_pass()
        if plan.study.reask and not run.progress.stopped:
            run.second_pass()
        if run.progress.stopped:
            break
    return run.progress


def item_record(item: Item, call: Call, language: str) -> ItemRecord:
    """What the store keeps of an item."""
    spec: dict[str, Any] = {"question_id": item.question_id, "repeat": item.repeat}
    target = item.target
    optional = (
        ("country", target.country),
        ("group", target.group),
        ("participant", target.participant),
        ("person", target.person_id),
        ("order", item.order),
        ("approach", item.condition.approach),
        ("language", language if item.condition.approach else ""),
        ("turned", "yes" if item.condition.variant.reverse else ""),
    )
    spec |= {name: content for name, content in optional if content not in ("", None)}
    return ItemRecord(item.item_id, item.condition.name, spec, call.shown)


def is_to_be_asked_again(shown: Shown, response: Response) -> bool:
    """Whether a reply says something that cannot be read, and a second try may help."""
    if shown.reader not in REASKED or not response.texts or response.status == "error":
        return False
    return answer_of(shown, response).status in ("invalid", "truncated")


def is_cut_off(shown: Shown, response: Response) -> bool:
    """Whether a reply ended at the token limit before it said its answer."""
    if response.status != "truncated" or shown.reader == "scores":
        return False
    return answer_of(shown, response).status in ("invalid", "truncated")


def longer(request: Request) -> Request:
    """The same request with room for a longer reply."""
    most = max(MORE_TOKENS * request.sampling.max_tokens, LEAST_MORE_TOKENS)
    sampling = replace(request.sampling, max_tokens=most)
    return replace(request, request_id=f"{request.request_id}|longer", sampling=sampling)


class _Run:
    """State of one run."""

    def __init__(
        self,
        plan: Plan,
        backend: Backend,
        store: Store,
        limits: Limits,
        shard: tuple[int, int],
        on_progress: OnProgress,
    ) -> None:
        self._plan = plan
        self._backend = backend
        self._store = store
        self._limits = limits
        self._shard = shard
        self._on_progress = on_progress
        self._keys = CallKeys(backend.describe(), backend.scoring)
        self._finished = store.finished_keys()
        self._pending: dict[bytes, list[ItemRecord]] = {}
        self._noted: list[tuple[ItemRecord, bytes]] = []
        self._errors_in_a_row = 0
        self._cut_in_a_row = 0
        self._tried: set[bytes] = set()
        self._round = 0
        self._talks = Conversations(plan, store) if plan.study.conversation else None
        self.stop: Event | None = None
        self.progress = Progress(total=plan.sharded_size(shard))

    def begin_round(self, number: int) -> None:
        """Go on to a round; what the rounds before it answered is taken from the store."""
        self._round = number
        if self._talks is not None:
            self._talks.begin_round(number)

    def try_longest(self) -> None:
        """Ask the longest prompt first, and once more with more tokens where its reply was cut off.

        Raises:
            TooManyTruncatedError: the longer reply was cut off as well.
        """
        if self._plan.study.how.request_kind != "generate" or not len(self._plan):
            return
        if self._talks is not None:  # whose longest prompt is known only at their end
            return
        if self._shard != (1, 1) or self._limits.max_calls is not None or self._is_stopped():
            return
        call = self._plan.longest_call()
        key = self._keys.key(call.request)
        if key in self._finished or self._store.finished_keys():
            return
        replies: list[Response] = []

        def keep(request: Request, response: Response) -> None:
            replies.append(response)
            self._keep(request, response)

        self._pending[key] = [self._record(call)]
        self._backend.run([call.request], on_response=keep)
        self._tried.add(key)  # one that failed is for the next run, as all that fail
        if not replies or not is_cut_off(call.shown, replies[0]) or not self._plan.study.reask:
            return
        self.second_pass()
        again = {item.record.item_id: item.again for item in self._store.items()}
        later = again.get(call.item.item_id)
        if later is not None and is_cut_off(call.shown, later):
            raise TooManyTruncatedError(self._cut_text(longer(call.request), "the longest prompt"))

    def first_pass(self) -> None:
        """Ask what is not there."""
        try:
            self._backend.run(self._missing(), on_response=self._keep)
            self._is_stopped()
        finally:
            self._flush()

    def second_pass(self) -> None:
        """Ask once more, with a word on what was wrong, where a reply could not be read."""
        waiting: dict[bytes, tuple[Request, list[str]]] = {}
        shown: dict[str, Shown] = {}
        for item_id, request, offered in self._unread():
            shown.setdefault(request.request_id, offered)
            key = self._keys.key(request)
            if key in self._finished:
                self._store.link_again(key, [item_id])
            else:
                waiting.setdefault(key, (request, []))[1].append(item_id)
        by_id = {request.request_id: (key, ids) for key, (request, ids) in waiting.items()}
        self.progress.total += len(by_id)

        def keep(request: Request, response: Response) -> None:
            key, item_ids = by_id[request.request_id]
            self._store.save_again(key, request, response, item_ids)
            self._count(response)
            self._count_cut(shown[request.request_id], request, response)

        self._backend.run(
            self._within_limits(request for request, _ in waiting.values()), on_response=keep
        )
        self._is_stopped()

    def _unread(self) -> Iterator[tuple[str, Request, Shown]]:
        """Second tries of the plan's unread answers."""
        unread = self._store.unread()
        if not unread:
            return
        for call in self._calls():
            unread_response = unread.get(call.item.item_id)
            if unread_response is None:
                continue
            if is_cut_off(call.shown, unread_response):
                yield call.item.item_id, longer(call.request), call.shown
            elif (
                call.request.messages
                and unread_response.texts[0].strip()
                and self._plan.study.reask
            ):
                request = self._second_try(call, unread_response.texts[0])
                yield call.item.item_id, request, call.shown

    def _second_try(self, call: Call, first_reply: str) -> Request:
        texts = self._plan.wording(call.item.condition, call.item.target)
        messages = (
            *call.request.messages,
            Message("assistant", first_reply),
            Message("user", again_text(call.shown, texts)),
        )
        request_id = f"{call.item.item_id}|again"
        return Request(
            request_id, "generate", messages, sampling=call.request.sampling,
            repeat=call.request.repeat,
        )  # fmt: skip

    def _calls(self) -> Iterator[Call]:
        """The calls of this round and shard that can be made."""
        first, step = self._shard
        for number, item in self._plan.round_items(self._round):
            if number % step != first - 1:
                continue
            if self._talks is None:
                yield self._plan.call(item)
            elif (turns := self._talks.turns(item)) is not None:
                yield self._plan.call(item, turns)

    def _missing(self) -> Iterator[Request]:
        return self._within_limits(self._unasked())

    def _unasked(self) -> Iterator[Request]:
        """Requests that the store holds no answer to; items that it answers are noted."""
        known = self._store.item_keys()
        for call in self._calls():
            key = self._keys.key(call.request)
            if key in self._finished:
                # The longest prompt was asked first, by this run.
                first = key in self._tried and known.get(call.request.request_id) == key
                self.progress.reused += not first
                if known.get(call.request.request_id) != key:
                    self._noted.append((self._record(call), key))
                if len(self._noted) >= _BLOCK:
                    self._flush()
                continue
            if key in self._tried:
                continue
            record = self._record(call)
            if key in self._pending:
                self._pending[key].append(record)
                continue
            self._pending[key] = [record]
            yield call.request
        self._on_progress(self.progress)

    def _flush(self) -> None:
        """Write the items that were found to be answered already."""
        self._store.save_items(self._noted)
        self._noted = []

    def _record(self, call: Call) -> ItemRecord:
        language = self._plan.language(call.item.condition, call.item.target)
        return item_record(call.item, call, language)

    def _within_limits(self, requests: Iterable[Request]) -> Iterator[Request]:
        already = self.progress.made
        for begun, request in enumerate(requests):
            if self._is_stopped():
                return
            limit = self._limits.max_calls
            if limit is not None and already + begun >= limit:
                self.progress.stopped = f"--max-calls {limit} reached"
                return
            spent = self._limits.max_cost
            if spent is not None and self.progress.cost(self._limits) >= spent:
                self.progress.stopped = f"--max-cost {spent:g} reached"
                return
            yield request

    def _is_stopped(self) -> bool:
        """Whether another thread has asked for the end; then the progress says so."""
        if self.stop is None or not self.stop.is_set():
            return False
        self.progress.stopped = STOPPED
        return True

    def _keep(self, request: Request, response: Response) -> None:
        key = self._keys.key(request)
        records = self._pending.pop(key)
        if response.status != "error":
            self._finished.add(key)
        shown = records[0].shown
        self._store.save(
            key, request, response, records, unread=is_to_be_asked_again(shown, response)
        )
        self.progress.reused += len(records) - 1
        self._count(response)
        self._count_cut(shown, request, response)

    def _count_cut(self, shown: Shown, request: Request, response: Response) -> None:
        """Count truncated replies in a row, and give up where there are many."""
        self._cut_in_a_row = self._cut_in_a_row + 1 if is_cut_off(shown, response) else 0
        if self._cut_in_a_row >= MOST_TRUNCATED_IN_A_ROW:
            whose = f"{MOST_TRUNCATED_IN_A_ROW} calls in a row"
            raise TooManyTruncatedError(self._cut_text(request, whose))

    def _cut_text(self, request: Request, whose: str) -> str:
        most = request.sampling.max_tokens
        return (
            f"the replies to {whose} ended at the limit of {most:,} tokens before any answer: "
            f"give more with --max-tokens, or take --thinking off if the model thinks first; "
            "in another folder, for answers of different runs are never mixed"
        )

    def _count(self, response: Response) -> None:
        progress = self.progress
        progress.made += 1
        progress.statuses[response.status] += 1
        progress.prompt_tokens += response.prompt_tokens or 0
        progress.completion_tokens += response.completion_tokens or 0
        self._errors_in_a_row = self._errors_in_a_row + 1 if response.status == "error" else 0
        self._on_progress(progress)
        if self._errors_in_a_row >= MOST_ERRORS_IN_A_ROW:
            raise TooManyErrorsError(response.error)
