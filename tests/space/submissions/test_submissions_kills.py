"""Kills: at every single step of every action, and at random moments of many writers."""

from __future__ import annotations

import errno
import importlib.util
import multiprocessing
import os
import shutil
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from dying import Prepare, run_and_die
from submission_samples import check_invariants, check_whole, details, write_payload

from space.board.store import open_store
from space.submissions import Quotas, Submissions
from space.submissions.records import Records


def open_book(root: Path, *, moderated: bool = True) -> Submissions:
    """The submissions under `root`, with no limits."""
    private = root / "private"
    private.mkdir(exist_ok=True)
    store = open_store(root / "store", create=True)
    return Submissions(store, private, quotas=Quotas(private, limits={}), moderated=moderated)


@pytest.fixture(autouse=True)
def _no_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process loses nothing that was not flushed; only a dying machine does."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def apart(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store and private folder on two file systems, where asked for: no rename between them."""
    if not request.param:
        return
    real = os.replace

    def replace(source: Any, target: Any) -> None:
        tops = [{"store", "private"} & set(Path(path).parts) for path in (source, target)]
        if tops[0] != tops[1]:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)


#: action -> (actions before it, states before and after, what is done)
CHANGES: dict[str, tuple[tuple[str, ...], tuple[str, str]]] = {
    "approve": ((), ("pending", "public")),
    "reject": ((), ("pending", "rejected")),
    "hide": (("approve",), ("public", "hidden")),
    "restore": (("approve", "hide"), ("hidden", "public")),
    "verify": (("approve",), ("public", "public")),
    "delete": (("approve",), ("public", "deleted")),
    "withdraw": (("approve",), ("public", "withdrawn")),
}


def die_everywhere(root: Path, trial: Path, prepare: Prepare, **expected: Any) -> int:
    """Do something on copies of `root`, killed at step 1, 2, ... until one lives to its end.

    What must hold is checked each time; returns the number of trials.
    """
    step = 0
    died = True
    while died:
        step += 1
        shutil.rmtree(trial, ignore_errors=True)
        shutil.copytree(root, trial)
        died = run_and_die(prepare, trial, step=step)
        check_whole(open_store(trial / "store"), Records(trial / "private" / "records"))
        check_invariants(open_book(trial), **expected)
    return step


@pytest.mark.parametrize(
    "action, apart",
    [*((action, False) for action in CHANGES), ("approve", True), ("hide", True)],
    indirect=["apart"],
)
@pytest.mark.usefixtures("apart")
def test_killed_at_every_step_of_a_change(action: str, tmp_path: Path) -> None:
    before, states = CHANGES[action]
    root = tmp_path / "root"
    root.mkdir()
    book = open_book(root)
    payload = write_payload(tmp_path / "payload", "heron")
    given = details("heron", contact="ann@example.org")
    submission_id = book.submit(payload, given, account="ann").id
    for earlier in before:
        getattr(book, earlier)(submission_id, by="m", why="prepared")

    def prepare(trial: Path) -> Callable[[], object]:
        who = {"account": "ann"} if action == "withdraw" else {"by": "m"}
        return partial(getattr(open_book(trial), action), submission_id, why="tested", **who)

    steps = die_everywhere(
        root,
        tmp_path / "trial",
        prepare,
        expected={submission_id: frozenset(states)},
        contacts={submission_id: "ann@example.org"},
    )
    # Mark, record and its folder alone are several steps; fewer means that nothing was killed.
    assert steps > 5
    assert open_book(tmp_path / "trial").status(submission_id).state == states[1]


@pytest.mark.parametrize("trusted", [False, True])
def test_killed_at_every_step_of_a_submission(trusted: bool, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    book = open_book(root)
    expected = {}
    if trusted:
        first = book.submit(
            write_payload(tmp_path / "payload", "ibis"), details("ibis"), account="ann"
        )
        book.approve(first.id, by="m")
        expected = {first.id: frozenset({"public"})}
    payload = write_payload(tmp_path / "payload", "heron")

    def prepare(trial: Path) -> Callable[[], object]:
        return partial(open_book(trial).submit, payload, details("heron"), account="ann")

    assert die_everywhere(root, tmp_path / "trial", prepare, expected=expected) > 10
    after = open_book(tmp_path / "trial")
    (found,) = [one for one in after.list() if one.name == "heron"]
    assert found.state == ("public" if trusted else "pending")
    assert after.submit(payload, details("heron"), account="ann").duplicate


def test_killed_while_recovering(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    book = open_book(root)
    payload = write_payload(tmp_path / "payload", "heron")
    submission_id = book.submit(payload, details("heron"), account="ann").id
    book.approve(submission_id, by="m")
    records = Records(root / "private" / "records")
    # A writer that dies right behind its commit: mark and record are there, nothing has moved.
    found = records.read(submission_id)
    book.layout.mark(submission_id).touch()
    records.write(found.model_copy(update={"state": "hidden"}))
    steps = die_everywhere(
        root,
        tmp_path / "trial",
        lambda trial: partial(open_book, trial),
        expected={submission_id: frozenset({"hidden"})},
    )
    assert steps > 5


def load_kills() -> ModuleType:
    """The script beside this file."""
    path = Path(__file__).with_name("kill_submissions.py")
    spec = importlib.util.spec_from_file_location("kill_submissions", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["kill_submissions"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_twenty_random_kills_lose_nothing(tmp_path: Path) -> None:
    counts = load_kills().run_kills(tmp_path, kills=20, seed=7)
    assert counts["submit"] > 0
    assert sum(counts.values()) > 10


def _submit_some(root: str, account: str, names: list[str], pipe: Any) -> None:
    book = open_book(Path(root))
    receipts = []
    for name in names:
        payload = write_payload(Path(root) / "payloads" / f"{os.getpid()}", name)
        receipts.append(book.submit(payload, details(name), account=account).id)
    pipe.send(receipts)
    pipe.close()


def test_processes_write_at_the_same_time(tmp_path: Path) -> None:
    open_book(tmp_path)
    forks = multiprocessing.get_context("fork")
    names = [f"model-{number}" for number in range(4)]
    started = []
    for account in ("ann", "ann", "bob"):
        mine, theirs = forks.Pipe(duplex=False)
        process = forks.Process(target=_submit_some, args=(str(tmp_path), account, names, theirs))
        process.start()
        theirs.close()
        started.append((process, mine))
    receipts = [mine.recv() for _, mine in started]
    for process, mine in started:
        process.join(timeout=60)
        mine.close()
        assert process.exitcode == 0
    # The same files by the same account give the same receipts; another account has its own.
    assert receipts[0] == receipts[1]
    assert not set(receipts[0]) & set(receipts[2])
    book = open_book(tmp_path)
    assert len(book.list()) == 2 * len(names)
    check_invariants(book, expected={name: frozenset({"pending"}) for name in receipts[0]})


def test_threads_share_one_book(tmp_path: Path) -> None:
    book = open_book(tmp_path, moderated=False)
    made: list[str] = []

    def work(number: int) -> None:
        for turn in range(3):
            name = f"model-{number}-{turn}"
            payload = write_payload(tmp_path / "payloads", name)
            receipt = book.submit(payload, details(name), account=f"account-{number}")
            if turn == 0:
                book.withdraw(receipt.id, account=f"account-{number}")
            made.append(receipt.id)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(set(made)) == 12
    check_invariants(book, expected={name: frozenset({"public", "withdrawn"}) for name in made})
    assert len(book.list(state="withdrawn")) == 4
