"""The sub-commands: what they write, what they refuse, what they say."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys

import pytest

from contracts.errors import ContractError
from space.server.serve import export_static, rescore_store, serve


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own."""
    command = [sys.executable, "-m", "opinion_atlas", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_board_export_writes_the_site(sample_root, tmp_path) -> None:
    shutil.copytree(sample_root, tmp_path / "store")
    done = run("board", "--store", tmp_path / "store", "--export", tmp_path / "site")
    assert done.returncode == 0, done.stderr
    assert "index.html" in done.stdout
    board = json.loads((tmp_path / "site" / "board.json").read_text())
    assert len(board["rows"]) == 9
    again = run("board", "--store", tmp_path / "store", "--export", tmp_path / "site")
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert "Traceback" not in again.stderr
    forced = run("board", "--store", tmp_path / "store", "--export", tmp_path / "site", "--force")
    assert forced.returncode == 0, forced.stderr


def test_dry_run_writes_nothing(sample_root, tmp_path, capsys) -> None:
    export_static(
        str(sample_root),
        tmp_path / "site",
        release="reference",
        fill=True,
        force=False,
        dry_run=True,
    )
    assert "9 reports" in capsys.readouterr().out
    assert not (tmp_path / "site").exists()


def test_a_taken_port_is_said_so(sample_root) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ContractError, match=rf"cannot listen on 127\.0\.0\.1:{port}"):
            serve(
                str(sample_root),
                release="reference",
                host="127.0.0.1",
                port=port,
                fill=False,
                open_browser=False,
            )


def test_no_store_and_no_seed_is_an_error(tmp_path) -> None:
    with pytest.raises(ContractError, match="there is no store at"):
        export_static(
            str(tmp_path / "nothing"),
            tmp_path / "site",
            release="reference",
            fill=False,
            force=False,
            dry_run=False,
        )
    assert not (tmp_path / "site").exists()


def test_rescore_without_predictions_changes_nothing(sample_root, tmp_path, capsys) -> None:
    shutil.copytree(sample_root, tmp_path / "store")
    before = {p.name: p.read_bytes() for p in (tmp_path / "store" / "reports").iterdir()}
    code = rescore_store(
        str(tmp_path / "store"), release="reference", everything=True, dry_run=False
    )
    assert code == 0
    assert capsys.readouterr().out.count("no predictions") == 9
    assert {p.name: p.read_bytes() for p in (tmp_path / "store" / "reports").iterdir()} == before


def test_an_empty_store_makes_an_empty_board(tmp_path) -> None:
    (tmp_path / "store" / "reports").mkdir(parents=True)
    export_static(
        str(tmp_path / "store"),
        tmp_path / "site",
        release="reference",
        fill=False,
        force=False,
        dry_run=False,
    )
    board = json.loads((tmp_path / "site" / "board.json").read_text())
    assert board["rows"] == []
    assert board["published"]
    assert "As published" in (tmp_path / "site" / "index.html").read_text()
