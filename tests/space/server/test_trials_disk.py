"""A full disk under the store: what was there stays, what does not fit is said, and all goes on
once there is room again."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from damage import refusal_of
from openai_server import Dialect, serving
from runs_house import HOME_VISITOR, KEY, house, server_choice, started, wait_for
from submission_samples import details, write_payload
from waiting import wait_until

from contracts.errors import ContractError
from contracts.report import write_report
from space.board.facts import read_facts
from space.board.page import read_board
from space.board.query import BoardQuery
from space.board.store import open_store
from space.intake.desk import Desk, Upload
from space.intake.form import Form
from space.intake.reader import Reader
from space.intake.templates import write_template
from space.runs.keys import Key
from space.server.serve import prepare_store
from space.submissions import Quotas, open_submissions
from space.visitors.visitor import Visitor

MEGABYTE = 1 << 20

#: Size of the disk, in megabytes.
DISK = 12


class Disk:
    """A small disk that can be filled."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ballast = root / "ballast"

    def fill(self, *, leave: int = 0) -> None:
        """Leave so many bytes free."""
        self.free()
        room = shutil.disk_usage(self.root).free - leave
        with suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            for _ in range(room // 4096):  # others may write at the same time
                file.write(bytes(4096))

    def free(self) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A file system of its own in memory; only the machine's owner may mount one."""
    root = tmp_path / "disk"
    root.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m", "tmpfs", str(root)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("mounting a small disk takes root")
    try:
        yield Disk(root)
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)


@pytest.fixture
def store_root(disk: Disk, sample_root: Path) -> Path:
    """The sample store on the small disk, its index built."""
    shutil.copytree(sample_root, disk.root / "store")
    open_store(disk.root / "store").ensure_index(force=True)
    return disk.root / "store"


def rows(root: Path) -> int:
    return read_board(open_store(root), BoardQuery()).total


# Submissions.


@pytest.mark.parametrize("leave", [0, 4096, 16_384, 40_000])
def test_a_submission_that_does_not_fit_leaves_nothing(
    disk, store_root, tmp_path, leave: int
) -> None:
    private = disk.root / "private"
    book = open_submissions(store_root, private, moderated=False)
    first = book.submit(write_payload(tmp_path, "one"), details("One"), account="ann")
    payload = write_payload(tmp_path, "two")
    payload.predictions.write_text("question_id,country,option,share\nQ1,DEU,1,1\n" * 5000)
    before = sorted(path for path in disk.root.rglob("*") if path.is_file())
    disk.fill(leave=leave)
    with pytest.raises(ContractError, match=r"cannot|keep count of it") as told:
        book.submit(payload, details("Two", contact="ann@example.org"), account="ann")
    assert told.value.problems[0].hint
    assert [one.id for one in book.list()] == [first.id]
    assert book.inconsistencies() == ()
    disk.free()
    after = sorted(path for path in disk.root.rglob("*") if path.is_file())
    assert [path for path in after if path not in before and path.suffix != ".sqlite"] == []
    assert book.submit(payload, details("Two"), account="ann").state == "public"
    assert open_submissions(store_root, private).inconsistencies() == ()


@pytest.mark.parametrize("leave", [0, 4096, 12_000])
def test_a_withdrawal_is_whole_or_not_at_all(disk, store_root, tmp_path, leave: int) -> None:
    private = disk.root / "private"
    book = open_submissions(store_root, private, moderated=False)
    receipt = book.submit(write_payload(tmp_path, "one"), details("One"), account="ann")
    disk.fill(leave=leave)
    refusal = refusal_of(lambda: book.withdraw(receipt.id, account="ann"))
    disk.free()
    assert refusal is None or "cannot" in str(refusal)
    assert book.status(receipt.id).state in ("public", "withdrawn")
    again = open_submissions(store_root, private)
    assert again.inconsistencies() == ()
    if again.status(receipt.id).state == "public":
        again.withdraw(receipt.id, account="ann")
    assert not list(store_root.glob(f"*/{receipt.id}.csv"))


def test_what_cannot_be_counted_is_not_done(disk) -> None:
    quotas = Quotas(disk.root)
    quotas.spend("submit", account="ann")
    disk.fill()
    refusals = [
        refusal_of(partial(quotas.spend, "submit", account=f"a{number}")) for number in range(100)
    ]
    assert {one.problems[0].code for one in refusals if one is not None} == {"no-quota-book"}
    assert refusals[-1] is not None
    disk.free()
    quotas.spend("submit", account="ann")


def test_an_upload_that_finds_no_room_to_be_read_is_told_so(
    disk, store_root, tmp_path, monkeypatch
) -> None:
    scratch = disk.root / "scratch"
    scratch.mkdir()
    path = write_template(tmp_path, kind="distribution", suffix=".csv")
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    form, visitor = Form({"name": "Heron"}, accepts_licence=True), Visitor()
    from contracts.release.read import open_release

    with Reader() as reader:
        desk = Desk(open_store(store_root), open_release("reference"), reader=reader, book=None)
        with desk.dry_run(Upload(path), form, visitor) as outcome:
            assert outcome.ok
        for leave in (0, 4096, 20_000):
            disk.fill(leave=leave)
            with desk.dry_run(Upload(path), form, visitor) as outcome:
                assert [one.code for one in outcome.problems] == ["no-room"], leave
        disk.free()
        with desk.dry_run(Upload(path), form, visitor) as outcome:
            assert outcome.ok
    assert list(scratch.iterdir()) == []


# The index.


def new_report(root: Path, samples: Any) -> None:
    seen = samples.sample_people(["DEU", "JPN"], ["Q1", "Q46"])
    report = samples.sample_report("newcomer", seen, skill=0.5, seed=99)
    write_report(report, root / "reports" / "newcomer.json")


def test_the_board_goes_on_with_the_index_that_it_has(disk, store_root, samples) -> None:
    before = rows(store_root)
    new_report(store_root, samples)
    disk.fill()
    store = prepare_store(str(store_root), release="reference", fill=False)
    assert rows(store_root) == before
    store.look_every = 0.0
    for _ in range(3):
        read_board(store, BoardQuery())
        time.sleep(0.05)
    assert rows(store_root) == before
    disk.free()
    wait_until(lambda: read_facts(store).reports >= 10, "the new row does not appear")
    assert not list(store_root.glob(".partial-*"))


def test_without_an_index_it_says_what_is_missing(disk, store_root) -> None:
    (store_root / "index.sqlite").unlink()
    disk.fill()
    with pytest.raises(ContractError, match=r"cannot write.*Make room on the disk"):
        prepare_store(str(store_root), release="reference", fill=False)
    assert not list(store_root.glob(".partial-*"))
    disk.free()
    prepare_store(str(store_root), release="reference", fill=False)
    assert rows(store_root) == 9


def test_the_server_serves_on_a_full_disk(
    disk, store_root, people, board_here: Callable[..., Any], monkeypatch
) -> None:
    monkeypatch.setenv("OPINION_ATLAS_PRIVATE", str(disk.root / "private"))
    with board_here(store_root, people) as client:
        disk.fill()
        for path in ("/healthz", "/board.json", "/question", "/download/board.csv"):
            assert client.get(path).status_code == 200, path
        call = {"data": ["sub-" + "a" * 16, "", ""]}
        assert client.post("/gradio_api/run/withdraw", json=call).status_code == 200


# Runs.


def test_a_run_that_finds_no_room_stops_and_goes_on_later(disk, reference) -> None:
    with serving(Dialect(delay=0.02)) as model:
        runs = house(disk.root, reference)
        try:
            disk.fill(leave=2 * MEGABYTE)
            run_id = started(runs, server_choice(model.url, sample=0))
            wait_until(
                lambda: runs.view(run_id, HOME_VISITOR).record.counts.made >= 20,
                "no calls are made",
                every=0.02,
            )
            disk.fill()
            wait_until(lambda: runs.pool.live(run_id) is None, "the run hangs")
            disk.free()
            stopped = wait_for(runs, run_id, "stopped")
            assert "Error" not in stopped.why
            assert str(disk.root) not in stopped.why
            begun = len(model.asked)
            runs.resume(run_id, Key(KEY), HOME_VISITOR)
            record = wait_for(runs, run_id, "finished", seconds=180)
        finally:
            runs.close()
        assert record.whole
        assert record.counts.reused >= 20
        before = {str(body["messages"]) for body in model.asked[:begun]}
        after = [str(body["messages"]) for body in model.asked[begun:]]
        # Only calls under way when the disk was full are made again.
        assert len(before.intersection(after)) <= 16


def test_a_run_that_cannot_begin_says_so(disk, reference) -> None:
    runs = house(disk.root, reference)
    try:
        disk.fill()
        with pytest.raises((ContractError, OSError), match=r"cannot write|No space"):
            started(runs, server_choice("http://127.0.0.1:9"))
        assert runs.list(HOME_VISITOR) == []
        disk.free()
        assert started(runs, server_choice("http://127.0.0.1:9"))
    finally:
        runs.close()
