"""The Receipt page: what became of a submission, and its withdrawal by the owner."""

from __future__ import annotations

from typing import Any

import gradio as gr

from contracts.errors import ContractError
from space.intake.desk import Desk
from space.pages.parts import QUICK, html_box, permalink_box
from space.pages.submission_html import problems_html, status_html
from space.pages.submit import visitor_of
from space.render.text import esc, href, notice
from space.visitors.visitor import Visitor

_WAYS = (
    "The account that submitted it may withdraw it when logged in; without a login it takes the "
    "code that stood on the receipt. It is then off the board, files and all, and the contact is "
    "erased; this page stays."
)


def layout(app: gr.Blocks, desk: Desk) -> None:
    """Lay out the page and bind its events."""
    box = html_box(elem_id="receipt")
    number = gr.Textbox(label="Submission", elem_id="receipt-id", max_lines=1)
    look = gr.Button("Look it up", size="sm", elem_id="receipt-look")
    with gr.Accordion("Withdraw it", open=False, elem_id="receipt-withdraw"):
        html_box(f"<p>{esc(_WAYS)}</p>", elem_id="receipt-ways")
        code = gr.Textbox(label="Code", type="password", elem_id="receipt-code", max_lines=1)
        why = gr.Textbox(label="Reason (shown here)", elem_id="receipt-why", max_lines=1)
        withdraw = gr.Button("Withdraw", variant="stop", elem_id="withdraw")
    answer = html_box(elem_id="receipt-answer")
    link = permalink_box("receipt-link")

    def restore(request: gr.Request) -> list[Any]:
        asked = request.query_params.get("id", "")
        return [asked, *shown(desk, asked)]

    def withdrawn(
        request: gr.Request, profile: gr.OAuthProfile | None, asked: str, code: str, why: str
    ) -> list[str]:
        return [*taken_back(desk, asked, visitor_of(request, profile), code=code, why=why), ""]

    app.load(restore, None, [number, box, link], **QUICK)
    gr.on(
        [look.click, number.submit],
        lambda asked: [*shown(desk, asked), ""],
        [number],
        [box, link, answer],
        **QUICK,
    )
    withdraw.click(withdrawn, [number, code, why], [box, answer, code], **QUICK)


def shown(desk: Desk, submission_id: str) -> list[str]:
    """The page of a submission, and its permalink."""
    if not submission_id.strip():
        return ["<h1>Receipt</h1><p>Give the id of a submission.</p>", ""]
    try:
        submission = desk.status(submission_id)
    except ContractError as error:
        return [f"<h1>Receipt</h1>{notice(esc(error.problems[0].message), kind='warn')}", ""]
    return [status_html(submission), href("", id=submission.id).lstrip("?")]


def taken_back(
    desk: Desk, submission_id: str, visitor: Visitor, *, code: str, why: str
) -> list[str]:
    """The page after a withdrawal, and the answer to it."""
    try:
        submission = desk.withdraw(submission_id, visitor, code=code, why=why)
    except ContractError as error:
        page, _ = shown(desk, submission_id)
        return [page, problems_html(error.problems, count=len(error.problems))]
    return [status_html(submission), notice("<b>Withdrawn.</b> It is off the board.")]
