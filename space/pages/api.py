"""Named endpoints for programs (gradio_client), and the page that explains them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import gradio as gr

from space.board.facts import read_facts
from space.board.page import about_board, plain_rows, read_board
from space.board.query import parse_query
from space.board.store import Store
from space.board.survey_answers import People
from space.board.texts import API_GUIDE
from space.intake.answers import answered, outcome_fields, receipt_fields, submission_fields
from space.intake.desk import Desk, Upload
from space.intake.form import Form
from space.pages.arguments import fields_of, number_of, text_of
from space.pages.blocks import plain_error
from space.pages.parts import html_box
from space.pages.submit import upload_of, visitor_of
from space.render.answers import find_cell
from space.render.closest import closest_rows
from space.submissions import Submission
from space.visitors.visitor import Visitor

#: Who is logged in, and the fields of the form, as the framework hands them over.
Profile: TypeAlias = gr.OAuthProfile | None
Stated: TypeAlias = dict[str, Any] | None


def endpoints(store: Store, people: People) -> None:
    """Add the endpoints board, model, question and score to the app."""

    def board(query: str = "") -> dict[str, Any]:
        """One page of the board (100 rows) for a permalink's query string, "" for the default."""
        facts = read_facts(store)
        page = read_board(store, parse_query(text_of("query", query), known=facts.known))
        return {
            "about": about_board(facts),
            "query": page.query.permalink(),
            "total": page.total,
            "pages": page.pages,
            "rows": plain_rows(page),
        }

    def model(row: str) -> dict[str, Any]:
        """A row's report without its single answers; ids of rows are in `board`."""
        report = store.report(text_of("row", row, longest=200))
        return report.model_dump(mode="json", exclude={"cells"})

    def question(question: str, country: str = "", wave: int = 0) -> dict[str, Any]:
        """What people answered to a question, in one country or all, and the closest rows."""
        text_of("question", question, longest=80), text_of("country", country, longest=80)
        chosen = number_of("wave", wave) or people.waves[0]
        people_by_country = {
            key[1]: {
                "codes": answers.codes,
                "shares": answers.shares,
                "n": answers.n,
                "n_eff": answers.n_eff,
                "missing": answers.missing,
            }
            for key, answers in people.answers.items()
            if key[0] == chosen and key[2] == question and country in ("", key[1])
        }
        if not people_by_country:
            raise plain_error(
                f"{question} ({country or 'any country'}, wave {chosen}): no answers; "
                "questions are named like Q1, countries by ISO3 code like DEU"
            )
        closest = closest_rows(store, kind="question", name=question)
        return {
            "question": question,
            "wave": chosen,
            "people": people_by_country,
            "closest": closest,
        }

    def score(row: str, question: str, country: str) -> dict[str, Any]:
        """One answer of a row: people's shares, the model's, and their alignment."""
        text_of("question", question, longest=80), text_of("country", country, longest=80)
        report = store.report(text_of("row", row, longest=200))
        cell = find_cell(report, country=country, question_id=question)
        if cell is None:
            raise plain_error(f"row {row}: no answer to {question} for {country}")
        return cell.model_dump(mode="json")

    for endpoint in (board, model, question, score):
        gr.api(endpoint, api_name=endpoint.__name__, queue=False)


def upload_endpoints(desk: Desk) -> None:
    """Add the endpoints dry_run, submit, status and withdraw to the app."""
    file = gr.File(visible=False, type="filepath", label="file")
    sidecar = gr.File(visible=False, type="filepath", label="sidecar")
    stated = gr.JSON(visible=False, label="stated", value={})
    answer = gr.JSON(visible=False, label="answer")
    contact = gr.Textbox(visible=False, label="contact")
    accepts = gr.Checkbox(visible=False, label="accepts_licence")
    texts = [gr.Textbox(visible=False, label=name) for name in ("submission", "code", "why")]

    def dry_run(
        request: gr.Request, profile: Profile, file: str | None, sidecar: str | None, stated: Stated
    ) -> dict[str, Any]:
        """What is wrong with an upload, or its whole report; nothing is stored."""
        visitor = visitor_of(request, profile)
        return answered(lambda: _dry_run(desk, visitor, _uploaded(file, sidecar, stated)))

    def submit(
        request: gr.Request,
        profile: Profile,
        file: str | None,
        sidecar: str | None,
        stated: Stated,
        contact: str,
        accepts_licence: bool,
    ) -> dict[str, Any]:
        """Submit an upload to the board; the answer holds its id and, once, the code."""
        visitor = visitor_of(request, profile)
        terms = (contact, accepts_licence)
        return answered(
            lambda: receipt_fields(desk.submit(*_uploaded(file, sidecar, stated, *terms), visitor))
        )

    def status(submission: str) -> dict[str, Any]:
        """What became of a submission."""
        return answered(lambda: submission_fields(desk.status(text_of("submission", submission))))

    def withdraw(
        request: gr.Request, profile: Profile, submission: str, code: str, why: str
    ) -> dict[str, Any]:
        """Take a submission back, by login or by the code of its receipt."""
        visitor = visitor_of(request, profile)
        stated = {"code": code, "why": why}
        return answered(lambda: submission_fields(_withdraw(desk, visitor, submission, stated)))

    slow = {"concurrency_limit": 2, "concurrency_id": "uploads"}
    trigger = gr.Button(visible=False)
    trigger.click(dry_run, [file, sidecar, stated], [answer], api_name="dry_run", **slow)
    trigger.click(
        submit,
        [file, sidecar, stated, contact, accepts],
        [answer],
        api_name="submit",
        **slow,
    )
    trigger.click(status, texts[:1], [answer], api_name="status", queue=False)
    trigger.click(withdraw, texts, [answer], api_name="withdraw", queue=False)


def _uploaded(
    file: str | None, sidecar: str | None, stated: Any, contact: Any = "", accepts: Any = False
) -> tuple[Upload, Form]:
    """What was sent, as an upload and a form.

    Raises:
        ContractError: an argument is of the wrong kind.
    """
    form = Form(
        fields_of("stated", stated),
        contact=text_of("contact", contact or ""),
        accepts_licence=accepts is True,
    )
    return upload_of(file, sidecar), form


def _dry_run(desk: Desk, visitor: Visitor, sent: tuple[Upload, Form]) -> dict[str, Any]:
    with desk.dry_run(*sent, visitor) as outcome:
        return outcome_fields(outcome)


def _withdraw(
    desk: Desk, visitor: Visitor, submission: Any, stated: Mapping[str, Any]
) -> Submission:
    named = text_of("submission", submission)
    given = {name: text_of(name, text or "") for name, text in stated.items()}
    return desk.withdraw(named, visitor, **given)


def layout() -> None:
    """Lay out the page."""
    html_box(API_GUIDE, elem_id="api-guide")
