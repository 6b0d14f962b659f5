"""Plain addresses and named endpoints of the running board."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from html import escape

import pytest
from waiting import wait_until

from contracts.report import write_report

pytestmark = pytest.mark.browser


def get(address: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a plain request."""
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read(), dict(answer.headers)


def test_healthz(board_server) -> None:
    found = json.loads(get(board_server + "healthz")[0])
    assert (found["status"], found["rows"], found["left_out"]) == ("ok", 9, 0)
    assert found["scorer_versions"] == ["1.0"]
    assert found["releases"] == ["reference 2.2.0"]


def test_every_name_of_the_board_stands_in_the_page(board_server) -> None:
    board = json.loads(get(board_server + "board.json")[0])
    page = get(board_server + "static-board/index.html")[0].decode()
    assert len(board["rows"]) == 9
    for row in board["rows"]:
        assert f">{escape(row['name'])}</a>" in page
    for name in ("board.css", "board.js", "data.js"):
        assert get(board_server + f"static-board/{name}")[0]
    assert get(board_server + "board")[0].decode() == page


def test_downloads_by_permalink(board_server) -> None:
    body, headers = get(board_server + "download/board.csv?family=ibis")
    lines = body.decode().strip().splitlines()
    assert len(lines) == 4
    assert "board.csv" in headers["content-disposition"]
    report = json.loads(get(board_server + "download/report/ibis-small.json")[0])
    assert report["predictions"]["name"] == "ibis-small"


@pytest.mark.parametrize(
    "path",
    [
        "download/board.exe",
        "download/report/nobody.json",
        "static-board/rows/nobody.html",
        "static-board/..%2f..%2fsecret",
        "static-board/nothing.js",
    ],
)
def test_what_is_not_there_is_404(board_server, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(board_server + path)


@pytest.fixture(scope="module")
def client(board_server):
    """A gradio_client of the running board."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from gradio_client import Client
    return Client(board_server, verbose=False)


def test_endpoint_board(client) -> None:
    found = client.predict(query="family=ibis&sort=name", api_name="/board")
    assert [row["row_id"] for row in found["rows"]] == ["ibis-large", "ibis-small", "ibis-large-de"]
    assert found["total"] == 3
    assert found["about"]["scorer_versions"] == ["1.0"]


def test_endpoint_model(client, sample_store) -> None:
    found = client.predict(row="heron-8b", api_name="/model")
    expected = sample_store.report("heron-8b").score("alignment").value.estimate
    assert found["scores"][0]["value"]["estimate"] == expected
    assert "cells" not in found


def test_endpoint_question(client) -> None:
    found = client.predict(question="Q1", country="DEU", wave=7, api_name="/question")
    people = found["people"]["DEU"]
    assert people["codes"] == [1, 2, 3, 4]
    assert sum(people["shares"]) == pytest.approx(1, abs=0.002)
    assert people["n"] == 1525
    assert found["closest"][0]["estimate"] >= found["closest"][-1]["estimate"]
    everywhere = client.predict(question="Q1", api_name="/question")
    assert len(everywhere["people"]) == 57


def test_endpoint_score(client, sample_store) -> None:
    found = client.predict(row="heron-8b", question="Q1", country="DEU", api_name="/score")
    cell = next(
        one
        for one in sample_store.report("heron-8b").cells
        if (one.country, one.question_id) == ("DEU", "Q1")
    )
    assert found["model"] == cell.model
    assert found["alignment"] == cell.alignment


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"row": "nobody", "api_name": "/model"}, "no row 'nobody'"),
        ({"question": "Q999", "api_name": "/question"}, "questions are named like Q1"),
        (
            {"row": "heron-8b", "question": "Q9", "country": "DEU", "api_name": "/score"},
            "no answer to Q9 for DEU",
        ),
    ],
)
def test_wrong_arguments_are_said_so(client, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(Exception, match=message):
        client.predict(**arguments)


def test_a_new_report_appears_and_a_restart_keeps_it(
    sample_root, samples, board_starter, tmp_path
) -> None:
    shutil.copytree(sample_root, tmp_path / "store")
    port, start_board = board_starter
    address = f"http://127.0.0.1:{port}/healthz"
    process = start_board(tmp_path / "store", tmp_path / "log.txt", port=port)
    try:
        people = samples.sample_people(["DEU", "JPN"], ["Q1", "Q46"])
        report = samples.sample_report("newcomer", people, skill=0.5, seed=99)
        write_report(report, tmp_path / "store" / "reports" / "newcomer.json")
        wait_until(
            lambda: json.loads(get(address)[0])["rows"] == 10, "no new report appears", every=0.5
        )
    finally:
        process.terminate()
        process.wait(timeout=20)
    again = start_board(tmp_path / "store", tmp_path / "log.txt", port=port)
    try:
        assert json.loads(get(address)[0])["rows"] == 10
    finally:
        again.terminate()
        again.wait(timeout=20)
    logged = [line for line in (tmp_path / "log.txt").read_text().splitlines() if line[:1] == "{"]
    assert {"time", "level", "message", "path", "milliseconds"} <= set(json.loads(logged[-1]))
