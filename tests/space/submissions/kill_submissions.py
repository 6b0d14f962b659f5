"""Kill writers of submissions at random points, and check after each that nothing was lost.

    python tests/space/submissions/kill_submissions.py --kills 200 [--seed 0]

Two processes at a time submit, withdraw and moderate in a loop, in one store. Each is killed
with SIGKILL after a random time, often while it recovers from the kill before. What each has
begun and what it was told is done comes over a pipe, which outlives it. After every kill the
store is looked at as readers find it, then opened again and compared with what was acknowledged.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from submission_samples import check_invariants, check_whole, details, write_payload

from space.board.store import open_store
from space.submissions import Quotas, Submissions
from space.submissions.records import Records

#: A writer lives at most this long, in seconds.
LONGEST_LIFE = 0.25
ACCOUNTS = ("ann", "bob")
MAINTAINER = "maintainer"
#: What may be done to a submission in each state, and what it is afterwards.
AFTER = {
    "pending": {"approve": "public", "reject": "rejected", "withdraw": "withdrawn"},
    "public": {"hide": "hidden", "withdraw": "withdrawn", "verify": "public"},
    "hidden": {"restore": "public", "delete": "deleted"},
    "rejected": {"approve": "public", "delete": "deleted"},
    "withdrawn": {"delete": "deleted"},
}


@dataclass
class Model:
    """What the writers were told: states, contacts, and what was under way when they died."""

    states: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    under_way: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def note(self, account: str, line: dict[str, Any]) -> None:
        """Take in a line from a writer."""
        if "begin" in line:
            self.under_way[account] = line
            return
        begun = self.under_way.pop(account)
        self.counts[begun["begin"]] += 1
        self.states[line["id"]] = line["state"]
        if begun["begin"] == "submit":
            self.contacts[line["id"]] = begun["contact"]
            self.names[begun["name"]] = line["id"]

    def possible(self) -> dict[str, frozenset[str]]:
        """Id -> states that it may be in, given what was under way."""
        found = {name: frozenset({state}) for name, state in self.states.items()}
        for line in self.under_way.values():
            if line["begin"] != "submit":
                found[line["id"]] |= {AFTER[self.states[line["id"]]][line["begin"]]}
        return found


def open_book(root: Path) -> Submissions:
    """The submissions under `root`, with no limits."""
    private = root / "private"
    private.mkdir(exist_ok=True)
    store = open_store(root / "store", create=True)
    return Submissions(store, private, quotas=Quotas(private, limits={}))


def write_forever(
    root: Path, account: str, pipe: int, *, seed: int, known: Mapping[str, str]
) -> None:
    """Submit and change submissions of one account until killed."""
    rng = np.random.default_rng(seed)

    def tell(**line: object) -> None:
        os.write(pipe, (json.dumps(line) + "\n").encode())

    book = open_book(root)
    states = dict(known)
    while True:
        live = [name for name, state in states.items() if state in AFTER]
        if not live or rng.random() < 0.4:
            name = f"{account}-{seed}-{len(states)}"
            contact = f"{name}@example.org" if rng.random() < 0.5 else ""
            predictions = bool(rng.random() < 0.7)
            payload = write_payload(root / "payloads", name, predictions=predictions)
            tell(begin="submit", name=name, contact=contact, predictions=predictions)
            receipt = book.submit(payload, details(name, contact=contact), account=account)
            states[receipt.id] = receipt.state
            tell(id=receipt.id, state=receipt.state)
            continue
        submission_id = str(rng.choice(live))
        action = str(rng.choice(list(AFTER[states[submission_id]])))
        tell(begin=action, id=submission_id)
        if action == "withdraw":
            changed = book.withdraw(submission_id, account=account)
        else:
            why = {"why": "tested"} if action in ("reject", "hide") else {}
            changed = getattr(book, action)(submission_id, by=MAINTAINER, **why)
        states[submission_id] = changed.state
        tell(id=submission_id, state=changed.state)


def start_writer(
    root: Path, account: str, *, seed: int, known: Mapping[str, str]
) -> tuple[int, int]:
    """Fork a writer; return its process id and the end of its pipe."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    try:  # pragma: no cover - the child is killed
        os.close(reading)
        write_forever(root, account, writing, seed=seed, known=known)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(3)


def reap(process: int, pipe: int) -> list[dict[str, Any]]:
    """Kill a writer and return what it had said; a last line that is cut off is dropped."""
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    said = b""
    while chunk := os.read(pipe, 1 << 16):
        said += chunk
    os.close(pipe)
    assert os.WIFSIGNALED(status), f"the writer stopped by itself: {said[-500:]!r}"
    return [json.loads(line) for line in said.decode().split("\n")[:-1]]


def kill_round(root: Path, model: Model, rng: np.random.Generator) -> int:
    """Run two writers, kill both, check everything; return the number of kills."""
    writers = {}
    for account in ACCOUNTS:
        book_states = {
            name: state
            for name, state in model.states.items()
            if model_account(model, name) == account
        }
        seed = int(rng.integers(1 << 31))
        writers[account] = start_writer(root, account, seed=seed, known=book_states)
    for account in rng.permutation(ACCOUNTS):
        time.sleep(float(rng.random()) * LONGEST_LIFE)
        for line in reap(*writers[account]):
            model.note(account, line)
    look_again(root, model)
    return len(writers)


def model_account(model: Model, submission_id: str) -> str:
    """The account that a submission was made by."""
    named = {found: name for name, found in model.names.items()}
    return named[submission_id].split("-")[0]


def look_again(root: Path, model: Model) -> None:
    """Look as a reader does, open again, compare, and settle what was under way."""
    check_whole(open_store(root / "store", create=True), Records(root / "private" / "records"))
    possible = model.possible()
    book = open_book(root)
    added = {one.id: one for one in book.list() if one.id not in model.states}
    submits = {
        line["name"]: (account, line)
        for account, line in model.under_way.items()
        if line["begin"] == "submit"
    }
    for one in added.values():
        account, line = submits[one.name]
        assert one.account == account
        model.contacts[one.id] = line["contact"]
        model.names[one.name] = one.id
        model.counts["kept though not acknowledged"] += 1
    check_invariants(book, expected=possible, contacts=model.contacts)
    model.states = {one.id: one.state for one in book.list()}
    for account, line in submits.values():
        send_again(book, root, model, account, line)
    model.under_way.clear()


def send_again(
    book: Submissions, root: Path, model: Model, account: str, line: Mapping[str, Any]
) -> None:
    """Who got no receipt sends the same again: there is one submission then, not two."""
    payload = write_payload(root / "payloads", line["name"], predictions=line["predictions"])
    receipt = book.submit(payload, details(line["name"]), account=account)
    kept = model.names.get(line["name"])
    assert receipt.duplicate == (kept is not None)
    assert kept in (None, receipt.id)
    model.states[receipt.id] = receipt.state
    model.names[line["name"]] = receipt.id
    model.contacts.setdefault(receipt.id, "")


def run_kills(root: Path, *, kills: int, seed: int, progress: bool = False) -> Counter[str]:
    """Kill `kills` writers (or one more); return how often what was acknowledged."""
    rng, model, done = np.random.default_rng(seed), Model(), 0
    while done < kills:
        done += kill_round(root, model, rng)
        if progress and done % 20 == 0:
            print(
                f"{done} kills, {len(model.states)} submissions, {dict(model.counts)}", flush=True
            )
    return model.counts


def main() -> None:
    """Run by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    logging.getLogger("space").setLevel(logging.CRITICAL)
    root = Path(tempfile.mkdtemp(prefix="kills-"))
    started = time.perf_counter()
    counts = run_kills(root, kills=arguments.kills, seed=arguments.seed, progress=True)
    shutil.rmtree(root)
    seconds = time.perf_counter() - started
    print(f"{arguments.kills} kills in {seconds:.1f} s; nothing lost. Acknowledged: {dict(counts)}")


if __name__ == "__main__":
    main()
