"""Runs for tests: a store, its private folder, and models that a local server answers."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openai_server import MODEL

from contracts.release.read import Release
from elicitation.backends.hub import HubBackend
from elicitation.backends.registry import BackendOptions, open_backend
from space.board.store import open_store
from space.runs.book import RunBook
from space.runs.choice import RunChoice
from space.runs.keys import Key
from space.runs.rules import HOME, PUBLIC, Rules
from space.runs.service import Runs, Visitor
from space.submissions import open_submissions

#: A key like no other text of the project: it does not look like a key, so that nothing but
#: knowing it can take it out.
KEY = "zebra42violin77lantern"

ANNA = Visitor(account="anna", address="203.0.113.7")
BERT = Visitor(account="bert", address="203.0.113.8")
HOME_VISITOR = Visitor(address="127.0.0.1", at_home=True)

QUICK: dict[str, Any] = {
    "first_wait": 0.01, "beat_seconds": 0.2, "stale_seconds": 1.5, "timeout": 20.0,
    "replicates": 50,
}  # fmt: skip
HOME_QUICK = dataclasses.replace(HOME, **QUICK)
PUBLIC_QUICK = dataclasses.replace(PUBLIC, **QUICK)


def hub_opener(url: str) -> Callable[[str, BackendOptions], HubBackend]:
    """Opens hosted models at a local server: the product itself gives them no address."""

    def opener(model: str, options: BackendOptions) -> HubBackend:
        assert model.startswith("hub:")
        assert not options.base_url
        return HubBackend(model[4:], dataclasses.replace(options, base_url=url))

    return opener


def house(
    root: Path,
    release: Release,
    *,
    rules: Rules = HOME_QUICK,
    opener: Any = open_backend,
    clock: Callable[[], float] = time.time,
) -> Runs:
    """Runs over a store in a folder; opened again, it is the same store after a restart."""
    store = open_store(root / "store", create=True)
    private = root / "private"
    submissions = open_submissions(store, private, moderated=rules.public)
    book = RunBook(private, clock=clock)
    return Runs(store, book, release, rules, submissions, opener=opener)


def server_choice(url: str, **more: Any) -> RunChoice:
    """A small choice at a server."""
    fields = {"steering": ("none",), "countries": ("DEU", "JPN", "USA"), "sample": 6, **more}
    return RunChoice(where="server", model=MODEL, base_url=url, **fields)


def hub_choice(**more: Any) -> RunChoice:
    """A small choice of a hosted model."""
    fields = {"steering": ("none",), "countries": ("DEU", "JPN", "USA"), "sample": 6, **more}
    return RunChoice(model="org/tiny", **fields)


def wait_for(runs: Runs, run_id: str, *states: str, seconds: float = 60.0) -> Any:
    """Wait until a run is in one of some states; the record."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        record = runs.book.read(run_id)
        if record.state in states:
            return record
        time.sleep(0.05)
    raise AssertionError(f"still {record.state} ({record.counts}): {record.why}")


def started(runs: Runs, choice: RunChoice, visitor: Visitor = HOME_VISITOR) -> str:
    """Start a run with the test's key."""
    return runs.start(choice, Key(KEY), visitor).id
