"""A store on the Hub: what is acknowledged arrives there, whatever breaks on the way."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from hub_server import Account, HubServer, add_commit
from submission_samples import check_invariants, details, write_payload

from contracts.errors import ContractError
from contracts.release.hub import HubRepo
from space.board.store import open_store
from space.submissions import Quotas, Submissions
from space.submissions.hub import HubMirror
from space.submissions.hub_service import Pusher, begin_mirror, mirror_from_environment
from space.submissions.layout import Layout

# The Hub client itself still calls httpx in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

TOKEN = "hf_keeper"
NAMES = {"public": "atlas/board", "private": "atlas/board-private", "contacts": "atlas/contacts"}
FAULTS: list[int | str] = [500, "drop", 503, 429]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """A local Hub for the real client."""
    constants = huggingface_hub.constants
    with HubServer() as server:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        server.state.accounts = {TOKEN: Account("keeper", ("atlas",))}
        yield server


class Place:
    """A machine: a store, its private folder, and the mirror."""

    def __init__(self, root: Path, hub: HubServer, *, contacts: bool = False) -> None:
        self.root = root
        self.layout = Layout(root / "store", root / "private")
        keys = ("public", "private", "contacts") if contacts else ("public", "private")
        repos: Any = {key: HubRepo(NAMES[key], token=TOKEN, endpoint=hub.url) for key in keys}
        self.mirror = HubMirror(self.layout, repos, sleep=lambda seconds: None)

    def open(self) -> Submissions:
        """The submissions."""
        store = open_store(self.root / "store", create=True)
        quotas = Quotas(self.layout.private, limits={})
        return Submissions(store, self.layout.private, quotas=quotas)

    def send(self, name: str, *, contact: str = "") -> str:
        """Submit a sample; return its id."""
        payload = write_payload(self.root / "payload", name)
        return self.open().submit(payload, details(name, contact=contact), account="ann").id


@pytest.fixture
def place(tmp_path: Path, hub: HubServer) -> Place:
    """A machine whose repos were made."""
    found = Place(tmp_path / "one", hub)
    found.mirror.prepare()
    return found


def files_of(hub: HubServer, key: str) -> dict[str, bytes]:
    """Files at the head of a repo."""
    found = hub.state.repos[NAMES[key]].head.files
    return {name: content for name, content in found.items() if name != ".gitattributes"}


def commits_of(hub: HubServer, key: str) -> int:
    """Commits to a repo, besides the Hub's own first one."""
    return len(hub.state.repos[NAMES[key]].commits) - 1


def states(book: Submissions) -> dict[str, frozenset[str]]:
    """Id -> the one state."""
    return {one.id: frozenset({one.state}) for one in book.list()}


def test_new_repos_are_private(hub: HubServer, place: Place) -> None:
    assert {name: repo.private for name, repo in hub.state.repos.items()} == {
        NAMES["public"]: True,
        NAMES["private"]: True,
    }


def test_what_waits_is_private_and_what_is_on_the_board_public(
    hub: HubServer, place: Place
) -> None:
    one = place.send("heron")
    place.mirror.push()
    assert files_of(hub, "public") == {}
    assert set(files_of(hub, "private")) == {
        f"records/{one}.json",
        f"held/{one}/{one}.json",
        f"held/{one}/{one}.csv",
        f"held/{one}/{one}.meta.json",
    }
    place.open().approve(one, by="mia")
    place.mirror.push()
    public = files_of(hub, "public")
    assert set(public) == {
        f"reports/{one}.json",
        f"predictions/{one}.csv",
        f"predictions/{one}.meta.json",
        f"entries/{one}.json",
    }
    store = place.root / "store"
    assert all((store / name).read_bytes() == content for name, content in public.items())
    assert set(files_of(hub, "private")) == {f"records/{one}.json"}
    place.open().withdraw(one, account="ann")
    place.mirror.push()
    assert set(files_of(hub, "public")) == {f"entries/{one}.json"}
    assert f"held/{one}/{one}.csv" in files_of(hub, "private")
    assert place.mirror.waiting() == 0
    assert place.mirror.push() == 0


def test_many_changes_are_one_commit(hub: HubServer, place: Place) -> None:
    place.open().approve(place.send("heron"), by="mia")
    place.send("ibis")
    place.send("crane")
    place.mirror.push()
    assert sum(name.startswith("reports/") for name in files_of(hub, "public")) == 3
    assert commits_of(hub, "public") == 1
    assert commits_of(hub, "private") == 1


def test_contacts_and_addresses_stay_here(hub: HubServer, place: Place) -> None:
    place.send("heron", contact="ann@example.org")
    place.mirror.push()
    assert all(b"ann@example" not in content for content in files_of(hub, "private").values())
    assert not any(name.startswith(("contacts", "quotas")) for name in files_of(hub, "private"))


def test_contacts_go_to_a_repo_of_their_own(hub: HubServer, tmp_path: Path) -> None:
    place = Place(tmp_path / "one", hub, contacts=True)
    place.mirror.prepare()
    one = place.send("heron", contact="ann@example.org")
    place.mirror.push()
    assert set(files_of(hub, "contacts")) == {f"contacts/{one}.json"}
    assert hub.state.repos[NAMES["contacts"]].private
    place.open().delete(one, by="mia")
    place.mirror.push()
    assert files_of(hub, "contacts") == {}
    assert set(files_of(hub, "private")) == {f"records/{one}.json"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_passed_over(hub: HubServer, place: Place, fault: int | str) -> None:
    one = place.send("heron")
    place.open().approve(one, by="mia")
    hub.state.faults = {"commit": [fault, fault]}
    place.mirror.push()
    assert f"reports/{one}.json" in files_of(hub, "public")
    assert place.mirror.waiting() == 0


def test_somebody_elses_commit_in_between(hub: HubServer, place: Place) -> None:
    place.open().approve(place.send("heron"), by="mia")
    turns = iter([True])

    def interfere(state: Any) -> None:
        if next(turns, False):
            repo = state.repos[NAMES["private"]]
            add_commit(repo, "a note", {**repo.head.files, "README.md": b"note"})

    hub.state.before_commit = interfere
    place.mirror.push()
    assert files_of(hub, "private")["README.md"] == b"note"
    assert place.mirror.waiting() == 0


@pytest.mark.parametrize("status, match", [(403, "may not do this"), (500, "the Hub answers 500")])
def test_a_lasting_refusal_leaves_everything_waiting(
    hub: HubServer, place: Place, status: int, match: str
) -> None:
    place.send("heron")
    waiting = place.mirror.waiting()
    hub.state.faults = {"commit": [status] * 6}
    with pytest.raises(ContractError, match=match):
        place.mirror.push()
    assert place.mirror.waiting() == waiting > 0
    hub.state.faults = {}
    place.mirror.push()
    assert place.mirror.waiting() == 0


def test_a_public_repo_for_private_things_is_refused(hub: HubServer, tmp_path: Path) -> None:
    hub.state.add_repo(NAMES["private"], private=False)
    place = Place(tmp_path / "one", hub)
    with pytest.raises(ContractError, match="the repo for what is private is public"):
        place.mirror.prepare()


def test_a_repo_that_was_made_public_gets_nothing_more(hub: HubServer, place: Place) -> None:
    place.send("heron")
    hub.state.repos[NAMES["private"]].private = False
    with pytest.raises(ContractError, match="was made public"):
        place.mirror.push()
    assert files_of(hub, "private") == {}


def test_a_lost_folder_empties_no_repo(hub: HubServer, place: Place) -> None:
    one = place.send("heron")
    place.open().approve(one, by="mia")
    place.mirror.push()
    before = files_of(hub, "public")
    shutil.rmtree(place.root / "store")
    place.layout.prepare()
    place.mirror.push()
    assert files_of(hub, "public") == before


# A new machine.


def fill(place: Place) -> None:
    """Submissions in every state."""
    book = place.open()
    ids = {name: place.send(name) for name in ("a", "b", "c", "d", "e", "f")}
    for name in "bcd":
        book.approve(ids[name], by="mia")
    book.hide(ids["c"], by="mia", why="x")
    book.withdraw(ids["d"], account="ann")
    book.reject(ids["e"], by="mia", why="x")
    book.delete(ids["f"], by="mia")


def test_a_new_machine_has_everything(hub: HubServer, place: Place, tmp_path: Path) -> None:
    fill(place)
    place.mirror.push()
    other = Place(tmp_path / "two", hub)
    assert other.mirror.restore() > 0
    book = other.open()
    assert states(book) == states(place.open())
    assert len(states(book)) == 6
    check_invariants(book, expected=states(place.open()))
    assert other.mirror.waiting() == 0
    assert other.mirror.restore() == 0
    one = other.send("g")
    other.mirror.push()
    assert f"records/{one}.json" in files_of(hub, "private")


def test_folders_with_records_are_not_overwritten(
    hub: HubServer, place: Place, tmp_path: Path
) -> None:
    one = place.send("heron")
    place.mirror.push()
    place.open().approve(one, by="mia")
    assert place.mirror.restore() == 0
    assert place.open().status(one).state == "public"


@pytest.mark.parametrize("passed", [0, 1, 2, 3])
def test_the_hub_holds_every_file_after_every_commit(
    hub: HubServer, place: Place, tmp_path: Path, passed: int
) -> None:
    """A machine that dies between two commits of a round: nothing that was pushed is lost."""
    fill(place)
    place.mirror.push()
    before = states(place.open())
    book = place.open()
    for one in book.list():
        if one.state == "pending":
            book.approve(one.id, by="mia")
        elif one.state == "public":
            book.hide(one.id, by="mia", why="x")
    left = passed

    def break_off(state: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:  # this commit is the last one that passes
            state.faults = {"commit": [403]}

    if passed:
        hub.state.before_commit = break_off
    else:
        hub.state.faults = {"commit": [403]}
    if passed < 3:
        with pytest.raises(ContractError, match="may not do this"):
            place.mirror.push()
    else:
        place.mirror.push()
    hub.state.faults, hub.state.before_commit = {}, None
    other = Place(tmp_path / "two", hub)
    other.mirror.restore()
    now = states(place.open())
    either = {name: before[name] | now[name] for name in before}
    check_invariants(other.open(), expected=either)


def test_a_restore_that_is_killed_is_begun_again(
    hub: HubServer, place: Place, tmp_path: Path
) -> None:
    fill(place)
    place.mirror.push()
    expected = states(place.open())
    for moves in (0, 1, 5, 9):
        root = tmp_path / f"killed-{moves}"
        process = os.fork()
        if not process:
            die_after(moves)
            try:
                Place(root, hub).mirror.restore()
            finally:
                os._exit(0)
        _, status = os.waitpid(process, 0)
        assert os.WIFSIGNALED(status)
        again = Place(root, hub)
        assert again.mirror.restore() > 0
        check_invariants(again.open(), expected=expected)


def die_after(moves: int) -> None:
    """Kill this process at a file that is moved into place, after so many others."""
    real = os.replace
    done = 0

    def replace(source: Any, target: Any, **options: Any) -> None:
        nonlocal done
        if "store" in Path(target).parts or "records" in Path(target).parts:
            if done == moves:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
        real(source, target, **options)

    os.replace = replace


def test_a_push_that_is_killed_is_made_up_for(hub: HubServer, place: Place) -> None:
    fill(place)
    for turn in range(6):
        process = os.fork()
        if not process:
            try:
                place.mirror.push()
            finally:
                os._exit(0)
        time.sleep(0.01 + 0.04 * turn)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    place.mirror.push()
    assert place.mirror.waiting() == 0
    public = files_of(hub, "public")
    store = place.root / "store"
    here = {
        path.relative_to(store).as_posix(): path.read_bytes()
        for folder in ("reports", "predictions", "entries")
        for path in (store / folder).iterdir()
    }
    assert public == here
    private = {name for name in files_of(hub, "private") if name.startswith("records/")}
    assert len(private) == 6
    assert not list(place.layout.private.glob(".partial-*"))


# Runs, and the work in the background.


def test_the_database_of_a_run_is_copied_whole(
    hub: HubServer, place: Place, tmp_path: Path
) -> None:
    folder = place.layout.private / "runs" / "run-1"
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "calls.sqlite")) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE calls (key TEXT)")
        db.execute("INSERT INTO calls VALUES ('first')")
        db.commit()
        place.mirror.push()
        assert place.mirror.waiting() == 0
        db.execute("INSERT INTO calls VALUES ('second')")
        db.commit()
        assert (folder / "calls.sqlite-wal").exists()
        assert place.mirror.waiting() == 1
        place.mirror.push()
    assert [name for name in files_of(hub, "private") if "runs" in name] == [
        "runs/run-1/calls.sqlite"
    ]
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(files_of(hub, "private")["runs/run-1/calls.sqlite"])
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT key FROM calls").fetchall() == [("first",), ("second",)]


def wait_for(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true in time."""
    for _ in range(200):
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_the_background_pushes_in_batches(hub: HubServer, place: Place) -> None:
    pusher = Pusher(place.mirror, every=0.6)
    pusher.start()
    first = place.send("heron")
    assert wait_for(lambda: f"records/{first}.json" in files_of(hub, "private"))
    before = commits_of(hub, "private")
    more = [place.send(f"model-{number}") for number in range(5)]
    assert wait_for(lambda: f"records/{more[-1]}.json" in files_of(hub, "private"))
    assert commits_of(hub, "private") - before <= 3
    last = place.send("last")
    pusher.stop()
    assert f"records/{last}.json" in files_of(hub, "private")


def test_the_background_outlives_refusals(
    hub: HubServer, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    hub.state.faults = {"commit": [403, 403]}
    with caplog.at_level(logging.ERROR, logger="space.submissions"):
        pusher = Pusher(place.mirror, every=0.1)
        pusher.start()
        one = place.send("heron")
        assert wait_for(lambda: f"records/{one}.json" in files_of(hub, "private"))
    pusher.stop()
    assert "the Hub does not take the store yet" in caplog.text
    assert TOKEN not in caplog.text


def test_the_environment_names_the_repos(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store", tmp_path / "private")
    assert mirror_from_environment(layout, {}) is None
    with pytest.raises(ContractError, match="needs two repos"):
        mirror_from_environment(layout, {"OPINION_ATLAS_HUB_STORE": "a/b"})
    with pytest.raises(ContractError, match="a repo of its own"):
        mirror_from_environment(
            layout, {"OPINION_ATLAS_HUB_STORE": "a/b", "OPINION_ATLAS_HUB_PRIVATE": "a/b"}
        )
    found = mirror_from_environment(
        layout,
        {"OPINION_ATLAS_HUB_STORE": "a/b", "OPINION_ATLAS_HUB_PRIVATE": "a/c", "HF_TOKEN": "t"},
    )
    assert found is not None
    assert [(side.key, side.repo.name, side.repo.token) for side in found.sides] == [
        ("public", "a/b", "t"),
        ("private", "a/c", "t"),
    ]


def test_a_server_on_a_new_machine_begins_with_what_the_hub_has(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPINION_ATLAS_PRIVATE", str(tmp_path / "one" / "private"))
    named = {
        "OPINION_ATLAS_HUB_STORE": NAMES["public"],
        "OPINION_ATLAS_HUB_PRIVATE": NAMES["private"],
        "HF_TOKEN": TOKEN,
    }
    first = begin_mirror(tmp_path / "one" / "store", named)
    assert first is not None
    place = Place(tmp_path / "one", hub)
    one = place.send("heron")
    first.stop()
    assert f"records/{one}.json" in files_of(hub, "private")
    monkeypatch.setenv("OPINION_ATLAS_PRIVATE", str(tmp_path / "two" / "private"))
    second = begin_mirror(tmp_path / "two" / "store", named)
    assert second is not None
    second.stop()
    assert Place(tmp_path / "two", hub).open().status(one).state == "pending"
    assert begin_mirror(tmp_path / "three" / "store", {}) is None
    assert not (tmp_path / "three").exists()


def test_a_new_machine_does_not_begin_empty_while_the_hub_is_away(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPINION_ATLAS_PRIVATE", str(tmp_path / "private"))
    named = {
        "OPINION_ATLAS_HUB_STORE": NAMES["public"],
        "OPINION_ATLAS_HUB_PRIVATE": NAMES["private"],
        "HF_TOKEN": TOKEN,
    }
    hub.state.faults = {"info": [503] * 50}
    with pytest.raises(ContractError, match="HTTP 503"):
        begin_mirror(tmp_path / "store", named)


def test_limits_of_accounts_outlive_the_machine(
    hub: HubServer, place: Place, tmp_path: Path
) -> None:
    private = place.layout.private
    for _ in range(3):
        Quotas(private).spend("ratings", account="ann", address="203.0.113.7")
    place.mirror.push()
    (pushed,) = (text for name, text in files_of(hub, "private").items() if "limits" in name)
    assert b"address" not in pushed
    assert place.mirror.waiting() == 0
    other = Place(tmp_path / "two", hub)
    other.mirror.restore()
    with pytest.raises(ContractError, match="no more attempts with ratings"):
        Quotas(other.layout.private).spend("ratings", account="ann")
    Quotas(other.layout.private).spend("ratings", account="bob")
    assert other.mirror.waiting() == 1
