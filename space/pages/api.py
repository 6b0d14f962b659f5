"""Named endpoints for programs (gradio_client), and the page that explains them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from contracts.errors import ContractError
from space.board import about_board, plain_rows, read_board
from space.closest import closest_rows
from space.facts import read_facts
from space.pages.parts import html_box
from space.people import People
from space.query import parse_query
from space.render.answers import find_cell
from space.store import Store
from space.texts import API_GUIDE


def endpoints(store: Store, people: People) -> None:
    """Add the endpoints board, model, question and score to the app."""

    def board(query: str = "") -> dict[str, Any]:
        """One page of the board (100 rows) for a permalink's query string, "" for the default."""
        facts = read_facts(store)
        page = read_board(store, parse_query(query, known=facts.known))
        return {
            "about": about_board(facts),
            "query": page.query.permalink(),
            "total": page.total,
            "pages": page.pages,
            "rows": plain_rows(page),
        }

    def model(row: str) -> dict[str, Any]:
        """A row's report without its single answers; ids of rows are in `board`."""
        report = _report(store, row)
        return report.model_dump(mode="json", exclude={"cells"})

    def question(question: str, country: str = "", wave: int = 0) -> dict[str, Any]:
        """What people answered to a question, in one country or all, and the closest rows."""
        chosen = wave or people.waves[0]
        found = {
            key[1]: {
                "codes": answers.codes,
                "shares": answers.shares,
                "n": answers.n,
                "n_eff": answers.n_eff,
                "missing": dict(answers.missing),
            }
            for key, answers in people.answers.items()
            if key[0] == chosen and key[2] == question and country in ("", key[1])
        }
        if not found:
            raise gr.Error(
                f"{question} ({country or 'any country'}, wave {chosen}): no answers; questions "
                "are named like Q1, countries by ISO3 code like DEU"
            )
        closest = closest_rows(store, kind="question", name=question)
        return {"question": question, "wave": chosen, "people": found, "closest": closest}

    def score(row: str, question: str, country: str) -> dict[str, Any]:
        """One answer of a row: people's shares, the model's, and their alignment."""
        cell = find_cell(_report(store, row), country=country, question_id=question)
        if cell is None:
            raise gr.Error(f"row {row}: no answer to {question} for {country}")
        return cell.model_dump(mode="json")

    for endpoint in (board, model, question, score):
        gr.api(endpoint, api_name=endpoint.__name__, queue=False)


def _report(store: Store, row: str) -> Any:
    try:
        return store.report(row)
    except ContractError as error:
        raise gr.Error(str(error)) from None


def layout() -> None:
    """Lay out the page."""
    html_box(API_GUIDE, elem_id="api-guide")
