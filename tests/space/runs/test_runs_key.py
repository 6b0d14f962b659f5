"""The key is in memory only: a search for it in everything that a run leaves behind."""

from __future__ import annotations

import gc
import io
import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from fault_proxy import spoiling
from openai_server import Dialect, serving
from runs_house import (
    ANNA,
    HOME_VISITOR,
    KEY,
    PUBLIC_QUICK,
    house,
    hub_choice,
    hub_opener,
    server_choice,
    started,
    wait_for,
)

from contracts.errors import ContractError
from space.pages.running.show import view_html
from space.runs.keys import Key
from space.server.logs import JsonFormatter

pytestmark = pytest.mark.usefixtures("no_keys_around")


@pytest.fixture
def logged():
    """Everything that is logged, at every level, by every library."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield out
    root.removeHandler(handler)
    root.setLevel(level)


def files_with(root: Path, text: str) -> list[str]:
    """Files under a folder that hold a text; SQLite's own and what it has not merged yet too."""
    needle = text.encode()
    return [
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and needle in path.read_bytes()
    ]


def environment_of_a_child() -> str:
    """What a process started now is given."""
    script = "import os; print(sorted(os.environ.items()))"
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout


def test_the_search_finds_what_is_there(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.sqlite-wal").write_bytes(b"\x00" + KEY.encode() + b"\xff")
    assert files_with(tmp_path, KEY) == ["a/b.sqlite-wal"]


@pytest.mark.parametrize("kind", ["server", "hub"])
@pytest.mark.parametrize("accepted", [True, False])
def test_a_key_is_left_nowhere(kind, accepted, tmp_path, reference, logged):
    """The server repeats the key in every answer and error, as careless ones do."""
    dialect = Dialect(key=KEY if accepted else "another", echo_key=True)
    with serving(dialect) as server:
        hub = kind == "hub"
        runs = house(
            tmp_path,
            reference,
            **({"rules": PUBLIC_QUICK, "opener": hub_opener(server.url)} if hub else {}),
        )
        visitor = ANNA if hub else HOME_VISITOR
        choice = hub_choice() if hub else server_choice(server.url)
        run_id = started(runs, choice, visitor)
        wait_for(runs, run_id, "running", "finished", "stopped")
        assert KEY not in environment_of_a_child()
        record = wait_for(runs, run_id, "finished" if accepted else "stopped")
        if not accepted:
            # Refused once more on resuming, with the same words.
            runs.resume(run_id, Key(KEY), visitor)
            record = wait_for(runs, run_id, "stopped")
        shown = view_html(runs.view(run_id, visitor, partial=True))
        runs.close()
        sent = {call["headers"].get("authorization") for call in server.seen}
    assert sent == {f"Bearer {KEY}"}
    assert files_with(tmp_path, KEY) == []
    assert KEY not in record.model_dump_json()
    assert KEY not in shown
    assert KEY not in logged.getvalue()
    assert KEY not in str(dict(os.environ))
    assert len(runs.pool.keys) == 0


def test_a_key_is_in_no_error_and_no_traceback(tmp_path, reference, logged):
    faults = [("500", "garbage", "half", "drop", "html", "list")]
    with serving(Dialect(key=KEY, echo_key=True)) as server, spoiling(server.url, faults) as proxy:
        runs = house(tmp_path, reference)
        run_id = started(runs, server_choice(proxy.url))
        wait_for(runs, run_id, "finished", "stopped")
        for act, problem in (
            (lambda: runs.start(server_choice("nowhere"), Key(KEY), HOME_VISITOR), "address"),
            (
                lambda: runs.start(server_choice(f"http://u:{KEY}@x/v1"), Key(KEY), HOME_VISITOR),
                "address",
            ),
            (lambda: runs.resume("run-000000000000", Key(KEY), HOME_VISITOR), "no-run"),
        ):
            with pytest.raises(ContractError, match=problem) as caught:
                act()
            whole = "".join(traceback.format_exception(caught.value))
            assert KEY not in whole
        runs.close()
    assert files_with(tmp_path, KEY) == []
    assert KEY not in logged.getvalue()


def test_a_server_that_cannot_be_reached_is_named_without_the_key(tmp_path, reference, logged):
    runs = house(tmp_path, reference)
    record = wait_for(
        runs, started(runs, server_choice("http://127.0.0.1:9/v1")), "stopped", seconds=90
    )
    runs.close()
    assert "does not answer" in record.why
    assert str(tmp_path) not in record.why
    assert files_with(tmp_path, KEY) == []
    assert KEY not in logged.getvalue()


def test_a_key_is_forgotten_when_its_run_ends(tmp_path, reference):
    with serving(Dialect(key=KEY)) as server:
        runs = house(tmp_path, reference)
        run_id = started(runs, server_choice(server.url))
        wait_for(runs, run_id, "finished")
        runs.close()
    del server
    gc.collect()
    held = [one for one in gc.get_objects() if type(one) is Key and one]
    held = [one for one in held if one.reveal() == KEY]
    assert held == []
