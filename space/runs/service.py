"""Runs as the page and programs see them: each visitor their own, in this order: estimate, start,
look, stop, resume, submit."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NamedTuple

from contracts.errors import fail
from contracts.release.read import Release
from elicitation.backends.hub_catalogue import Offer, offers, price_of
from elicitation.backends.registry import open_backend
from elicitation.run.estimate import Estimate, estimate
from elicitation.run.limits import Limits
from space.board.store import Store
from space.runs.book import RunBook
from space.runs.choice import RunChoice, check_choice, plan_of
from space.runs.keys import Key
from space.runs.live import counts_of
from space.runs.looks import Looks
from space.runs.pool import Pool
from space.runs.record import RunRecord, no_run
from space.runs.rules import PUBLIC, Rules, rules_here
from space.runs.score import PartialScore
from space.runs.work import Opener
from space.submissions import Submissions
from space.visitors.visitor import Visitor as BoardVisitor


@dataclass(frozen=True)
class Visitor(BoardVisitor):
    """Who asks.

    Attributes:
        at_home: whether they sit at this machine, and the server is theirs alone.
    """

    at_home: bool = False


class Quote(NamedTuple):
    """What a run would be.

    Attributes:
        choice: what was chosen.
        estimate: calls, tokens, time and cost.
        conditions: calls by condition; each makes a predictions file.
        questions, countries: how many.
        calls_left: calls that the account has left today.
        offers: who serves a model of the Hub, and at what price; empty where that is not known.
        price: the offer whose prices the cost rests on; None where prices are typed, or unknown.
    """

    choice: RunChoice
    estimate: Estimate
    conditions: dict[str, int]
    questions: int
    countries: int
    calls_left: int
    offers: tuple[Offer, ...] = ()
    price: Offer | None = None


class View(NamedTuple):
    """A run as its owner sees it.

    Attributes:
        record: its record, counts up to date.
        place: how many runs start before it, -1 if it does not wait.
        partial: scores so far; empty where there are none yet.
    """

    record: RunRecord
    place: int
    partial: tuple[PartialScore, ...]


class Runs:
    """Runs over a store.

    Args:
        store: the board's store.
        book: records of runs.
        release: asked about and scored against.
        rules: limits.
        submissions: where results are handed in.
        opener: opens models; tests lead it to a server of theirs.
    """

    def __init__(
        self,
        store: Store,
        book: RunBook,
        release: Release,
        rules: Rules,
        submissions: Submissions,
        *,
        opener: Opener = open_backend,
    ) -> None:
        self.store, self.book, self.release, self.rules = store, book, release, rules
        self.submissions = submissions
        self.pool = Pool(book, release, rules, opener=opener)
        self.looks = Looks(store, book, release)
        self.pool.end_stale()
        if any(record.is_active for record in book.every()):
            self.pool.keep_house()  # another process has them in hand, or had

    def close(self) -> None:
        """End what is under way, so that it can be resumed."""
        self.pool.close()

    def open_to_others(self) -> None:
        """From now on hold the rules of a server that others than its owner use."""
        self.rules = PUBLIC
        self.pool.obey(PUBLIC)

    # Before.

    def quote(self, choice: RunChoice, visitor: Visitor) -> Quote:
        """Count calls and estimate tokens, time and cost; nothing is asked.

        Raises:
            ContractError: the choice may not be run here, or its parts do not go together.
        """
        check_choice(choice, self.rules)
        plan = plan_of(choice, self.release)
        known = offers(choice.model) if choice.where == "hub" else ()
        typed = choice.price_in or choice.price_out
        price = None if typed else price_of(known, choice.provider)
        limits = Limits(
            prompt_price=price.prompt_price or 0.0 if price else choice.price_in,
            completion_price=price.completion_price or 0.0 if price else choice.price_out,
        )
        call_estimate = estimate(plan, limits=limits, concurrency=self.rules.concurrency)
        targets = {t.country for c in plan.conditions for t in plan.targets(c) if t.country}
        return Quote(
            choice=choice,
            estimate=call_estimate,
            conditions={c.name: plan.size(c) for c in plan.conditions},
            questions=len(plan.study.questions),
            countries=len(targets),
            calls_left=self.calls_left(visitor),
            offers=known,
            price=price,
        )

    def first_quote(self, choice: RunChoice, visitor: Visitor) -> Quote:
        """The same for someone who asks for it: on a public server it counts as a check.

        Raises:
            ContractError: as `quote`, or too many were asked for.
        """
        if not visitor.at_home:
            self.submissions.quotas.spend("check", account=visitor.account, address=visitor.address)
        return self.quote(choice, visitor)

    def calls_left(self, visitor: Visitor) -> int:
        """Calls that a visitor's account has left today."""
        used = self.book.calls_in_a_day(visitor.account)
        return max(self.rules.calls_a_day - used, 0)

    # Under way.

    def start(self, choice: RunChoice, key: Key, visitor: Visitor) -> RunRecord:
        """Let a run take its turn.

        Raises:
            ContractError: nobody is logged in, there is no key, the choice may not be run here,
                or a limit is reached.
        """
        quote = self.quote(choice, visitor)
        self._check_visitor(choice, key, visitor)
        calls = quote.estimate.calls
        if calls == 0:
            raise fail("no-calls", "there is nothing to ask", hint="Choose more questions.")
        if calls > self.rules.calls_a_run:
            raise fail(
                "too-many-calls",
                "the run has too many calls",
                found=f"{calls:,}",
                allowed=f"{self.rules.calls_a_run:,}",
                hint="Choose fewer questions, countries, languages or repeats.",
            )
        if quote.calls_left == 0:
            raise fail("calls-used-up", "the account's calls of the day are used up")
        self._check_room(visitor)
        if not visitor.at_home:
            self.submissions.quotas.spend("run", account=visitor.account, address=visitor.address)
        record = self.book.create(choice, account=visitor.account, holder=self.pool.holder)
        self.pool.enqueue(record, key)
        return record

    def stop(self, run_id: str, visitor: Visitor) -> RunRecord:
        """End a run in good order; what came back is kept."""
        self.own(run_id, visitor)
        return self.pool.stop(run_id)

    def resume(self, run_id: str, key: Key, visitor: Visitor) -> RunRecord:
        """Go on with a run of one's own where it stopped; finished calls are not made again.

        Raises:
            ContractError: it is not the visitor's, is under way, or has nothing left to do.
        """
        record = self.own(run_id, visitor)
        check_choice(record.choice, self.rules)
        self._check_visitor(record.choice, key, visitor)
        if record.is_active:
            raise fail("run-active", "the run is under way", found=record.state)
        if record.state == "finished" and record.whole:
            raise fail("run-whole", "every call of the run has an answer")
        if self.calls_left(visitor) == 0:
            raise fail("calls-used-up", "the account's calls of the day are used up")
        self._check_room(visitor)
        update = {
            "state": "waiting",
            "why": "",
            "errors": (),
            "attempt": record.attempt + 1,
            "holder": self.pool.holder,
        }
        changed = self.book.change(run_id, update, attempt=record.attempt)
        if changed is None:
            raise fail("run-active", "the run was just resumed from elsewhere")
        self.pool.enqueue(changed, key)
        return changed

    def delete(self, run_id: str, visitor: Visitor) -> None:
        """Remove a run's calls and reports for good; what was submitted stays."""
        if self.own(run_id, visitor).is_active:
            raise fail("run-active", "the run is under way", hint="Stop it first.")
        self.book.delete(run_id)

    # Looks.

    def list(self, visitor: Visitor) -> list[RunRecord]:
        """A visitor's own runs, the newest first; none without a login, save at home."""
        return self.book.every(account=visitor.account) if self._is_known(visitor) else []

    def view(self, run_id: str, visitor: Visitor, *, partial: bool = False) -> View:
        """A run of one's own as it is now.

        Args:
            run_id: the run.
            visitor: who asks.
            partial: whether scores so far are wanted.

        Raises:
            ContractError: there is no such run of the visitor's.
        """
        record = self.own(run_id, visitor)
        live = self.pool.live(run_id)
        if live is not None and record.is_active:
            record = record.model_copy(update={"counts": counts_of(live.progress)})
        scores = self.looks.partial(record) if partial and record.state == "running" else ()
        return View(record, self.pool.place(run_id), scores)

    # Rights.

    def _is_known(self, visitor: Visitor) -> bool:
        return bool(visitor.account) or (visitor.at_home and not self.rules.public)

    def own(self, run_id: str, visitor: Visitor) -> RunRecord:
        """The record of a run of the visitor's own.

        Raises:
            ContractError: the account has no such run (another account may).
        """
        record = self.book.read(run_id)
        if not self._is_known(visitor) or record.account != visitor.account:
            raise no_run()
        if record.state == "deleted":
            raise no_run()
        return record

    def _check_visitor(self, choice: RunChoice, key: Key, visitor: Visitor) -> None:
        if not self._is_known(visitor):
            raise fail("no-login", "a run needs a login", hint="Log in with Hugging Face first.")
        from_environment = visitor.at_home and bool(os.environ.get("HF_TOKEN"))
        if choice.where == "hub" and not key and not from_environment:
            raise fail(
                "no-key",
                "a hosted model needs a token",
                hint="Log in again, or give a token that may call inference providers.",
            )

    def _check_room(self, visitor: Visitor) -> None:
        mine = self.book.every(account=visitor.account)
        active = sum(record.is_active for record in mine)
        if active >= self.rules.waiting + self.rules.per_account:
            raise fail(
                "too-many-runs",
                "too many runs of this account wait already",
                found=str(active),
                hint="Stop one, or wait until one has ended.",
            )
        if len(mine) >= self.rules.stored_runs:
            raise fail(
                "too-many-runs",
                "this account keeps too many runs",
                found=str(len(mine)),
                hint="Delete one that is not needed any more.",
            )


def open_runs(store: Store, release: Release, submissions: Submissions, *, public: bool) -> Runs:
    """The runs of a server, in the private folder of its submissions.

    Args:
        store: the board's store.
        release: asked about and scored against.
        submissions: where results are handed in.
        public: whether strangers use this server; a Space is public whatever is said.
    """
    book = RunBook(submissions.layout.private)
    return Runs(store, book, release, rules_here(public=public), submissions)
