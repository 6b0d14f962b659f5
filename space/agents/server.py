"""An MCP server with the tools: over standard input and output, or on a local port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from contracts.errors import ContractError
from space.agents.answers import (
    BoardAnswer,
    CompareAnswer,
    CountryAnswer,
    GivenAnswer,
    ModelAnswer,
    QuestionAnswer,
    ScoreAnswer,
)
from space.agents.tools import Tools
from space.board.store import Store
from space.board.survey_answers import People
from space.board.version import project_version

INSTRUCTIONS = """Opinion Atlas compares the answers of language models with those of people in the
World Values Survey. `alignment` is 1 - W1 / (K - 1), from 0 to 1; equal shares of all answers have
about 0.79, so read `uniform_skill` beside it (0 for equal shares, 1 for the people's own).
Rows are ranked only within a comparison group; use `compare` to tell whether two rows differ.
Closeness to a population is neither approval nor quality. Models are no substitute for respondents,
nothing may be inferred about a single person, and country averages hide people. The survey
may be used for non-profit purposes only, and must be cited."""

#: Nothing is written, and the same call has the same answer.
_LOOKS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)

Row = Annotated[str, Field(description="id of a row, as `board` lists them", max_length=200)]
Country = Annotated[
    str, Field(description="ISO 3166-1 alpha-3 code, such as DEU", pattern="^[A-Z]{3}$")
]
AnyCountry = Annotated[
    str,
    Field(
        description="ISO 3166-1 alpha-3 code, such as DEU; empty for all", pattern="^([A-Z]{3})?$"
    ),
]
Wave = Annotated[int, Field(description="wave of the survey, 5 to 7; 0 for the newest", ge=0, le=9)]
Question = Annotated[
    str,
    Field(
        description="id of a question, such as Q46; words find ids by titles, in the error's "
        "`allowed`",
        max_length=80,
    ),
]

T = TypeVar("T")


def make_mcp_server(store: Store, people: People) -> MCPServer:
    """The server: tools board, model, country, question, compare and score.

    Args:
        store: the board's store.
        people: the people's answers.
    """
    tools = Tools(store, people)
    server: MCPServer = MCPServer(
        "opinion-atlas",
        title="Opinion Atlas",
        instructions=INSTRUCTIONS,
        version=project_version(),
        log_level="WARNING",
    )
    _add_board(server, tools)
    _add_people(server, tools)
    _add_score(server, tools)
    return server


def _add_board(server: MCPServer, tools: Tools) -> None:
    @server.tool(title="Rows of the board", annotations=_LOOKS)
    def board(
        search: Annotated[
            str, Field(description="words in name, model, family or method", max_length=200)
        ] = "",
        method: Annotated[str, Field(description="such as verbalized", max_length=80)] = "",
        steering: Annotated[str, Field(description="none, persona, ...", max_length=80)] = "",
        language: Annotated[str, Field(description="such as en", max_length=80)] = "",
        protocol: Annotated[
            str, Field(description="alignment, judgments, ...", max_length=80)
        ] = "",
        sort: Annotated[
            str, Field(description="a score, `-` before it for falling order", max_length=80)
        ] = "-alignment",
        page: Annotated[int, Field(description="from 1", ge=1, le=10_000)] = 1,
    ) -> BoardAnswer:
        """List the models whose answers were scored, with ranks and scores; 20 rows a page."""
        filters = {
            "method": method, "steering": steering, "language": language, "protocol": protocol,
        }  # fmt: skip
        return _answered(lambda: tools.board(search=search, sort=sort, page=page, filters=filters))

    @server.tool(title="One model", annotations=_LOOKS)
    def model(row: Row) -> ModelAnswer:
        """All scores of one row, its alignment with each country's people, how it was asked,
        and warnings."""
        return _answered(lambda: tools.model(row))

    @server.tool(title="Compare models", annotations=_LOOKS)
    def compare(
        rows: Annotated[
            list[Row], Field(description="two to four rows", min_length=2, max_length=4)
        ],
    ) -> CompareAnswer:
        """Whether rows differ: paired tests over the cells that both answered, and the questions
        that make the difference."""
        return _answered(lambda: tools.compare(rows))


def _add_people(server: MCPServer, tools: Tools) -> None:
    @server.tool(title="One country", annotations=_LOOKS)
    def country(country: Country, wave: Wave = 0) -> CountryAnswer:
        """One country: its waves, and the models whose answers come nearest to its people's."""
        return _answered(lambda: tools.country(country, wave=wave))

    @server.tool(title="One question", annotations=_LOOKS)
    def question(question: Question, country: AnyCountry = "", wave: Wave = 0) -> QuestionAnswer:
        """A question with its answers, what people answered by country, and the models that come
        nearest."""
        return _answered(lambda: tools.question(question, country=country, wave=wave))


def _add_score(server: MCPServer, tools: Tools) -> None:
    @server.tool(title="Score answers", annotations=_LOOKS)
    def score(
        answers: Annotated[
            list[GivenAnswer], Field(description="shares to be scored", min_length=1)
        ],
    ) -> ScoreAnswer:
        """Score given shares against people's answers, with intervals; nothing is stored. Take the
        codes of the answers from `question`."""
        return _answered(lambda: tools.score(answers))


def _answered(ask: Callable[[], T]) -> T:
    """The answer; what is wrong with a call is told as an error of the tool."""
    try:
        return ask()
    except ContractError as error:
        raise ToolError(str(error)) from None


def serve_mcp(store: Store, people: People, *, port: int | None) -> None:
    """Serve until the client goes or the server is stopped.

    Args:
        store: the board's store.
        people: the people's answers.
        port: local port for streamable HTTP at `/mcp`; None for standard input and output.
    """
    server = make_mcp_server(store, people)
    if port is None:
        server.run("stdio")
    else:
        server.run("streamable-http", host="127.0.0.1", port=port, stateless_http=True)
