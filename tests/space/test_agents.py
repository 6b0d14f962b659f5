"""The board for agents, by a real client of the Model Context Protocol."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from contracts.release.read import Release
from elicitation.backends.coroutines import run_coroutine
from space.agents.server import make_mcp_server
from space.board.store import Store
from space.board.survey_answers import People
from tests.support.openai_server import serving_app
from tests.support.waiting import wait_until

TOOLS = {"board", "model", "country", "question", "compare", "score"}

#: Q46, how happy people are, has four answers.
EQUAL = {"1": 0.25, "2": 0.25, "3": 0.25, "4": 0.25}


@pytest.fixture(scope="module")
def address(sample_store: Store, reference: Release) -> Iterator[str]:
    """A server on a local port."""
    server = make_mcp_server(sample_store, People(reference))
    app = server.streamable_http_app(stateless_http=True)
    with serving_app(app, lifespan="on") as root:
        yield f"{root}/mcp"


def ask(address: Any, call: Callable[[Client], Awaitable[Any]]) -> Any:
    """What a client gets to know in one session."""

    async def session() -> Any:
        async with Client(address) as client:
            return await call(client)

    return run_coroutine(session())


def answer(address: str, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured answer of a tool."""
    found = ask(address, lambda client: client.call_tool(tool, arguments))
    assert not found.is_error, found.content
    return dict(found.structured_content)


def refusal(address: str, tool: str, **arguments: Any) -> str:
    """What a tool finds wrong with a call."""
    found = ask(address, lambda client: client.call_tool(tool, arguments))
    assert found.is_error
    return str(found.content[0].text)


def test_tools_are_typed_and_described(address: str) -> None:
    listed = ask(address, lambda client: client.list_tools()).tools
    assert {tool.name for tool in listed} == TOOLS
    for tool in listed:
        assert tool.description
        assert tool.annotations.read_only_hint
        assert tool.output_schema["type"] == "object"
        for name, field in tool.input_schema.get("properties", {}).items():
            assert field.get("description"), (tool.name, name)
            assert "type" in field or "$ref" in field


def test_board_pages_and_filters(address: str) -> None:
    found = answer(address, "board")
    assert found["total"] >= len(found["rows"]) > 1
    estimates = [
        row["scores"]["alignment"]["estimate"] for row in found["rows"] if row["rank"] is not None
    ]
    assert estimates
    method = found["filters"]["method"][0]
    chosen = answer(address, "board", method=method)
    assert {row["method"] for row in chosen["rows"]} == {method}
    said = refusal(address, "board", method="telepathy")
    assert "no rows of this kind" in said
    assert method in said


def test_model_has_scores_and_countries(address: str, sample_store: Store) -> None:
    row = answer(address, "board")["rows"][0]["row"]
    found = answer(address, "model", row=row)
    report = sample_store.report(row)
    score = report.score("alignment")
    assert score is not None
    assert found["scores"]["alignment"]["estimate"] == pytest.approx(score.value.estimate)
    means = [one["alignment"]["estimate"] for one in found["countries"]]
    assert means == sorted(means, reverse=True)
    assert "the board has no row" in refusal(address, "model", row="nobody")


def test_question_and_country_give_peoples_answers(address: str, reference: Release) -> None:
    found = answer(address, "question", question="Q46", country="DEU")
    people = People(reference).answers[7, "DEU", "Q46"]
    shares = dict(zip(map(str, people.codes), people.shares, strict=True))
    assert found["people"]["DEU"]["shares"] == pytest.approx(shares)
    assert found["options"]["1"] == "Very happy"
    assert set(found["people"]) == {"DEU"}
    country = answer(address, "country", country="DEU")
    assert (country["name"], country["wave"]) == ("Germany", 7)
    assert country["questions"] > 200
    assert "Q46 (" in refusal(address, "question", question="happiness")
    assert "no answers of this country" in refusal(address, "country", country="XXX")


def test_compare_is_paired(address: str) -> None:
    rows = [row["row"] for row in answer(address, "board")["rows"] if row["rank"] is not None][:2]
    found = answer(address, "compare", rows=rows)
    (pair,) = found["pairs"]
    difference = pair["first_mean"] - pair["second_mean"]
    assert pair["difference"]["estimate"] == pytest.approx(difference)
    assert found["questions"]


def test_score_gives_people_their_own_answers_full_marks(address: str) -> None:
    people = answer(address, "question", question="Q46", country="DEU")["people"]["DEU"]["shares"]
    own = {"question": "Q46", "country": "DEU", "shares": people}
    found = answer(address, "score", answers=[own])
    assert found["cells"] == 1
    assert found["scores"]["alignment"]["estimate"] == pytest.approx(1, abs=1e-3)
    assert found["scores"]["uniform_skill"]["estimate"] == pytest.approx(1, abs=1e-2)
    equal = answer(address, "score", answers=[own | {"shares": EQUAL}])
    # 1 - W1 / (K - 1), from the cumulative shares.
    cumulative = [sum(list(people.values())[: k + 1]) for k in range(3)]
    distance = sum(abs(0.25 * (k + 1) - share) for k, share in enumerate(cumulative)) / 3
    assert equal["scores"]["alignment"]["estimate"] == pytest.approx(1 - distance, abs=1e-6)
    assert equal["scores"]["uniform_skill"]["estimate"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"question": "Q999"}, "there is no such question"),
        ({"country": "XXX"}, "XXX"),
        ({"shares": {"9": 1.0}}, "answers, row 1, column option: Q46 has no such option"),
        ({"shares": {"1": -1.0, "2": 2.0}}, "answers, row 1, column share"),
    ],
)
def test_wrong_answers_are_named(address: str, changed: dict[str, Any], said: str) -> None:
    given = {"question": "Q46", "country": "DEU", "shares": EQUAL} | changed
    found = refusal(address, "score", answers=[given])
    assert said in found
    assert "/tmp" not in found


@pytest.mark.slow
def test_the_command_over_standard_input_and_output(sample_root: Path) -> None:
    """As clients start it: the protocol alone stands on standard output."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "opinion_atlas", "mcp", "--store", str(sample_root), "--no-seed"],
        cwd=str(Path(__file__).resolve().parents[2]),
    )

    async def session() -> Any:
        async with Client(server) as client:
            listed = {tool.name for tool in (await client.list_tools()).tools}
            return listed, await client.call_tool("board", {})

    listed, found = run_coroutine(session())
    assert listed == TOOLS
    assert json.loads(found.content[0].text)["total"] > 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example:7"}, 421),  # a name that was made to lead here
        ({"Content-Type": "text/plain"}, 400),  # what a page may send without being asked
    ],
)
def test_another_sites_page_cannot_call_the_tools(
    local_server: str, headers: dict[str, str], status: int
) -> None:
    """The command itself, as a client reaches it over HTTP."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    usual = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    answer = httpx.post(local_server, content=json.dumps(call), headers=usual | headers, timeout=30)
    assert answer.status_code == status, answer.text
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.fixture(scope="module")
def local_server(sample_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`opinion-atlas mcp --port`, until the tests end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "opinion_atlas", "mcp", "--no-seed", "--port", str(port)]
    log = tmp_path_factory.mktemp("mcp") / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--store", str(sample_root)], stdout=out, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: is_listening(port) or process.poll() is not None, "no server listens")
        assert process.poll() is None, log.read_text()[-2000:]
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(timeout=30)


def is_listening(port: int) -> bool:
    """Whether something answers on a local port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
