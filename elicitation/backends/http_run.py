"""Calls over HTTP: so many at once, so many a minute, tried again where that may help."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from elicitation.backends.base import OnResponse, Request, Response, ResponseStatus
from elicitation.backends.secrets import without_keys

#: Statuses after which a call is tried again; all 5xx besides.
RETRIED_STATUSES = frozenset({408, 409, 425, 429})

#: Longest wait that a server may ask for, and the longest of our own, in seconds.
LONGEST_RETRY_AFTER, LONGEST_BACKOFF = 300.0, 60.0

#: Seconds that calls under way have to come back after a stop, and between two looks at it.
STOP_GRACE, _LOOK_EVERY = 5.0, 0.1

#: Characters of an error that are kept.
_ERROR_LENGTH = 500


class TransientError(Exception):
    """A call failed in a way that may pass: it is tried again.

    Attributes:
        retry_after: seconds that the server asked to wait; None where it did not.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreachableError(TransientError):
    """There is no server at the address."""


class CallError(Exception):
    """A call failed in a way that stays: it is not tried again."""


class RefusedError(Exception):
    """The server withheld its answer to this prompt; others may have one."""


@dataclass(frozen=True)
class HttpLimits:
    """How calls are made.

    Attributes:
        concurrency: calls under way at once.
        requests_per_minute: ceiling of the rate of tries; None for none.
        attempts: most tries of a call.
        timeout: seconds a try may take as a whole.
        first_wait: scale of the random wait before the second try; it doubles with each.
        stop: set by another thread, it ends the run as the first Ctrl-C does, and gives up what
            has not come back `STOP_GRACE` seconds later.
        key: taken out of every error.
    """

    concurrency: int = 16
    requests_per_minute: float | None = None
    attempts: int = 6
    timeout: float = 120.0
    first_wait: float = 1.0
    stop: threading.Event | None = None
    key: str = field(default="", repr=False)


Call = Callable[[Request], Awaitable[Response]]


def is_retried(status: int) -> bool:
    """Whether a call that got this HTTP status is tried again."""
    return status in RETRIED_STATUSES or status >= 500


def retry_after_seconds(headers: Any) -> float | None:
    """Seconds that a response's headers ask to wait: `retry-after-ms`, or `Retry-After` in
    seconds or as a date; None where they do not, or say something unreadable."""
    milliseconds = headers.get("retry-after-ms")
    asked = headers.get("retry-after")
    try:
        if milliseconds is not None:
            return _bounded(float(milliseconds) / 1000)
        return None if asked is None else _bounded(float(asked))
    except ValueError:
        return _until(str(asked))


def _until(date: str) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return _bounded(parsedate_to_datetime(date).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _bounded(seconds: float) -> float | None:
    if seconds != seconds:  # NaN
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


class HttpRun:
    """One run of many calls.

    Args:
        call: makes one try of a call; raises TransientError, CallError, or anything that ends
            the run.
        limits: how many at once, how often, how long.
        on_response: takes each response as soon as it is there.
    """

    def __init__(self, call: Call, limits: HttpLimits, on_response: OnResponse) -> None:
        self._call = call
        self._limits = limits
        self._on_response = on_response
        self._stopping = asyncio.Event()
        self._interrupted = False
        self._failure: BaseException | None = None
        self._next_slot = 0.0
        self._backoff = wait_random_exponential(multiplier=limits.first_wait, max=LONGEST_BACKOFF)

    async def run(self, requests: Iterable[Request]) -> None:
        """Answer all requests.

        The first Ctrl-C (or an exception from the iterable or `on_response`) lets the calls under
        way come back, and starts no other; a second one gives them up.
        """
        iterator = iter(requests)
        async with self._interruptible() as workers:
            for _ in range(max(self._limits.concurrency, 1)):
                workers.append(asyncio.create_task(self._work(iterator)))
            watch = asyncio.create_task(self._watch(workers))
            await asyncio.gather(*workers, return_exceptions=True)
            watch.cancel()
        if self._interrupted:
            raise KeyboardInterrupt
        if self._failure is not None:
            raise self._failure

    async def _watch(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """End the run where another thread asks for it."""
        if self._limits.stop is None:
            return
        while not self._limits.stop.is_set():
            await asyncio.sleep(_LOOK_EVERY)
        self._stopping.set()
        await asyncio.sleep(STOP_GRACE)
        for worker in workers:
            worker.cancel()

    async def _work(self, iterator: Any) -> None:
        while not self._stopping.is_set():
            try:
                request = next(iterator, None)
                if request is None:
                    return
                response = await self._respond(request)
                if response is not None:
                    self._on_response(request, response)
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self._failure = self._failure or error
                self._stopping.set()
                return

    async def _respond(self, request: Request) -> Response | None:
        """The response to a request, after as many tries as it takes; None where the run ended
        while it waited for another try."""
        started = time.monotonic()
        tries = 1
        try:
            await self._pace()
            response = await self._one_try(request)
        except TransientError as error:
            later, tries, last = await self._again(request, error)
            if later is None:
                given_up = tries < self._limits.attempts
                return None if given_up else self._failed(request, last, tries, started)
            response = later
        except CallError as error:
            return self._failed(request, error, tries, started)
        except RefusedError as error:
            return self._failed(request, error, tries, started, status="refused")
        return replace(response, seconds=round(time.monotonic() - started, 4))

    async def _again(
        self, request: Request, first: TransientError
    ) -> tuple[Response | None, int, BaseException]:
        """Further tries after a first one: the response or None, tries made, the last error."""
        last: BaseException = first
        tries = 0  # the first try counts as the first attempt here, and fails at once
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            stop=self._stop,
            wait=self._wait,
            sleep=self._sleep,
        )
        try:
            async for attempt in attempts:
                with attempt:
                    tries += 1
                    if tries == 1:
                        raise first
                    await self._pace()
                    if self._stopping.is_set():
                        return None, tries - 1, last
                    try:
                        return await self._one_try(request), tries, last
                    except TransientError as error:
                        last = error
                        raise
        except RetryError:
            return None, tries, last
        except CallError as error:
            return None, self._limits.attempts, error
        return None, tries, last

    async def _one_try(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(self._limits.timeout):
                return await self._call(request)
        except TimeoutError:
            raise TransientError(f"no answer within {self._limits.timeout:g} s") from None

    def _failed(
        self,
        request: Request,
        error: BaseException | None,
        tries: int,
        started: float,
        *,
        status: ResponseStatus = "error",
    ) -> Response:
        message = without_keys(str(error), extra=(self._limits.key,))[:_ERROR_LENGTH]
        return Response(
            request.request_id,
            status,
            error=message,
            raw={"tries": tries},
            seconds=round(time.monotonic() - started, 4),
        )

    def _stop(self, state: RetryCallState) -> bool:
        return self._stopping.is_set() or state.attempt_number >= self._limits.attempts

    def _wait(self, state: RetryCallState) -> float:
        """What the server asked for, with some jitter on top; else a random, growing time."""
        error = state.outcome.exception() if state.outcome else None
        asked = getattr(error, "retry_after", None)
        own = float(self._backoff(state))
        if asked is None:
            return own
        # All calls wait when one is told to, or the others would only collect refusals.
        self._next_slot = max(self._next_slot, time.monotonic() + asked)
        return float(asked) + min(own, self._limits.first_wait)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _pace(self) -> None:
        """Wait for this try's slot."""
        rate = self._limits.requests_per_minute
        now = time.monotonic()
        slot = max(self._next_slot, now)
        if rate:
            self._next_slot = slot + 60.0 / rate
        if slot > now:
            await self._sleep(slot - now)

    @asynccontextmanager
    async def _interruptible(self) -> AsyncIterator[list[asyncio.Task[None]]]:
        """Take Ctrl-C while the calls run; only the main thread can."""
        workers: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            if self._interrupted:
                for worker in workers:
                    worker.cancel()
            self._interrupted = True
            self._stopping.set()

        here = threading.current_thread() is threading.main_thread()
        if here:
            try:
                loop.add_signal_handler(signal.SIGINT, interrupt)
            except NotImplementedError:  # not on this system
                here = False
        try:
            yield workers
        finally:
            for worker in workers:
                worker.cancel()
            if here:
                loop.remove_signal_handler(signal.SIGINT)
                signal.signal(signal.SIGINT, signal.default_int_handler)
