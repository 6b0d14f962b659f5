"""The Submit page: drop a file, see what is wrong or the whole report, submit it."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from contracts.errors import ContractError, fail
from contracts.predictions.distributions import BadCells
from contracts.predictions.source import FORMATS
from contracts.report import write_report
from space.board.texts import RATINGS_HERE, RATINGS_LOCAL, SUBMIT_GUIDE, SUBMIT_LICENCE
from space.intake.desk import Desk, Upload
from space.intake.form import CHAT, NOT_STATED, THINKING, YES_NO, Form
from space.intake.reader import Outcome
from space.intake.templates import KINDS
from space.pages.login import login_button
from space.pages.parts import QUICK, figures_script, html_box, temporary_download
from space.pages.submission_html import dry_run_html, problems_html, receipt_html
from space.render.text import esc, notice
from space.visitors.logins import account_of
from space.visitors.visitor import Visitor, address_of

log = logging.getLogger("space.pages.submit")

#: Uploads of one visitor after the other: reading has its own limit as well.
_SLOW: dict[str, Any] = {
    "concurrency_limit": 2,
    "concurrency_id": "uploads",
    "api_visibility": "private",
}

#: What becomes of cells that are wrong, as the form says it; `score --bad-cells`.
BAD_CELLS: dict[BadCells, str] = {
    "refuse": "refuse the file and list them",
    "invalid": "count them as invalid answers (coverage falls)",
}

_FILE_TYPES = [*FORMATS, ".json"]

#: Field -> label, what stands in the empty box.
_FACTS = {
    "model": ("Model", "ORG/NAME"),
    "revision": ("Revision", "main, or a date"),
    "family": ("Family", "for instance llama"),
    "base_model": ("Base model", "ORG/NAME, if it was tuned from one"),
    "notes": ("Notes", "what a reader should know"),
}
_METADATA = {
    "method": ("Method", "verbalized, option_likelihood, ..."),
    "steering": ("Steering", "none, persona, few-shot"),
    "language": ("Language of the prompts", "en"),
    "prompt_version": ("Prompt version", "1"),
    "wording_digest": ("Wording digest", "of the questions' wording"),
    "release": ("Release", "digest or name of the release asked about"),
}


def layout(app: gr.Blocks, desk: Desk) -> None:
    """Lay out the page and bind its events."""
    html_box(intro_html(desk), elem_id="submit-intro")
    login_button(app)
    with gr.Row(elem_classes=["oa-files"]):
        file = gr.File(
            label="Predictions (.jsonl, .csv, .tsv, .parquet) or a report (.json)",
            type="filepath",
            elem_id="upload",
            height=170,
        )
        sidecar = gr.File(
            label="Metadata sidecar (.meta.json), if it is a file of its own",
            type="filepath",
            file_types=[".json"],
            elem_id="sidecar",
            height=170,
        )
    bad_cells = gr.Radio(
        [(text, value) for value, text in BAD_CELLS.items()],
        value="refuse",
        label="Cells with options that the question does not have, or shares that are no numbers",
        elem_id="bad-cells",
    )
    check = gr.Button("Check: a dry run, nothing is stored", variant="primary", elem_id="check")
    result = html_box(elem_id="submit-result", js_on_load=figures_script())
    report = gr.DownloadButton(
        "Download the report", size="sm", elem_id="submit-report", visible=False
    )
    html_box("<h2>Submit to the board</h2>", elem_id="submit-title")
    boxes = _form_boxes()
    submit = gr.Button("Submit", elem_id="submit", interactive=desk.book is not None)
    receipt = html_box(elem_id="submit-receipt")
    names = tuple(boxes)
    inputs = [file, sidecar, bad_cells, *boxes.values()]

    def checked(request: gr.Request, profile: gr.OAuthProfile | None, *values: Any) -> list[Any]:
        upload, form = read_boxes(names, values)
        with desk.dry_run(upload, form, visitor_of(request, profile)) as outcome:
            return [dry_run_html(outcome, desk.store), report_download(outcome)]

    def submitted(request: gr.Request, profile: gr.OAuthProfile | None, *values: Any) -> list[str]:
        upload, form = read_boxes(names, values)
        try:
            submission_receipt = desk.submit(upload, form, visitor_of(request, profile))
        except ContractError as error:
            return ["", problems_html(error.problems, count=len(error.problems))]
        return ["", receipt_html(submission_receipt)]

    app.load(desk.reader.warm, None, None, **QUICK)
    check.click(checked, inputs, [result, report], **_SLOW)
    submit.click(submitted, inputs, [result, receipt], **_SLOW)
    file.change(
        lambda path: [extension_html(path), "", gr.update(visible=False)],
        [file],
        [result, receipt, report],
        **QUICK,
    )


def extension_html(file: Any) -> str:
    """What is wrong with the name of a file that was dropped; "" for one that can be read."""
    path = file.get("path") if isinstance(file, dict) else file
    suffix = Path(str(path or "")).suffix.lower()
    if not path or suffix in _FILE_TYPES:
        return ""
    name_fault = (
        f"its name ends in <code>{esc(suffix[:20])}</code>" if suffix else "its name has no end"
    )
    return notice(
        f"<b>This file cannot be read:</b> {name_fault}. A predictions file ends in "
        f"{esc(', '.join(FORMATS))}, a report in .json. Nothing was checked or stored.",
        kind="warn",
    )


def report_download(outcome: Outcome) -> Any:
    """The button's update: the dry run's report as a file, of which the server keeps nothing."""
    if outcome.report is None:
        return gr.update(visible=False)
    name = re.sub(r"[^\w.-]+", "-", outcome.report.predictions.name)[:80] or "report"
    try:
        path = temporary_download(f"{name}.report.json")
        write_report(outcome.report, path)
    except OSError as error:
        log.error("nothing to download", extra={"why": str(error)})
        return gr.update(visible=False)
    return gr.update(value=str(path), visible=True)


def intro_html(desk: Desk) -> str:
    """What to drop, templates, and what becomes of ratings here."""
    rows = "".join(
        f"<li>{kind}: "
        + " · ".join(
            f'<a href="download/template/{kind}{suffix}" download>{suffix}</a>'
            for suffix in FORMATS
        )
        + "</li>"
        for kind in KINDS
    )
    closed = (
        notice("This board takes no submissions; checks work all the same.", kind="warn")
        if desk.book is None
        else ""
    )
    ratings = RATINGS_HERE if desk.takes_ratings else RATINGS_LOCAL
    waits = (
        notice(
            esc(
                "The first upload of an account, and all uploads without a login, wait for a "
                "maintainer."
            )
        )
        if desk.public
        else ""
    )
    return (
        f"{SUBMIT_GUIDE}{closed}<h2>Templates</h2><ul>{rows}</ul>"
        f'<div id="ratings-note">{ratings}</div>{waits}'
    )


def _form_boxes() -> dict[str, Any]:
    """The form's boxes by field, in the order of the page."""
    boxes: dict[str, Any] = {}
    with gr.Row(elem_classes=["oa-facet-row"]):
        boxes["name"] = gr.Textbox(label="Name of the row", elem_id="form-name", max_lines=1)
        boxes["link"] = gr.Textbox(
            label="Link", placeholder="https://", elem_id="form-link", max_lines=1
        )
        boxes["contact"] = gr.Textbox(
            label="Contact (an e-mail address; never shown)",
            elem_id="form-contact",
            max_lines=1,
            type="email",
        )
    with gr.Accordion("The model", open=False, elem_id="form-facts"):
        boxes |= _text_boxes(_FACTS)
        with gr.Row(elem_classes=["oa-facet-row"]):
            boxes["parameters"] = _billions("Parameters", "form-parameters")
            boxes["training_tokens"] = _billions("Training tokens", "form-tokens")
        with gr.Row(elem_classes=["oa-facet-row"]):
            boxes["open_weights"] = _choice("Open weights", YES_NO, "form-open")
            boxes["chat"] = _choice("Chat or base", CHAT, "form-chat")
            boxes["multilingual"] = _choice("Multilingual", YES_NO, "form-multilingual")
            boxes["synthetic_data"] = _choice("Synthetic data", YES_NO, "form-synthetic")
    with gr.Accordion("Metadata, if the file lacks it", open=False, elem_id="form-metadata"):
        boxes |= _text_boxes(_METADATA)
        with gr.Row(elem_classes=["oa-facet-row"]):
            boxes["trained_on_wvs"] = _choice("Trained on the survey", YES_NO, "form-trained")
            boxes["thinking"] = _choice("Thinking", THINKING, "form-thinking")
    boxes["accepts_licence"] = gr.Checkbox(label=SUBMIT_LICENCE, elem_id="form-licence")
    return boxes


def _text_boxes(fields: dict[str, tuple[str, str]]) -> dict[str, gr.Textbox]:
    boxes_by_field: dict[str, gr.Textbox] = {}
    keys = list(fields)
    for start in range(0, len(keys), 3):
        with gr.Row(elem_classes=["oa-facet-row"]):
            for key in keys[start : start + 3]:
                label, hint = fields[key]
                boxes_by_field[key] = gr.Textbox(
                    label=label, placeholder=hint, elem_id=f"form-{key}", max_lines=1
                )
    return boxes_by_field


def _choice(label: str, choices: Any, elem_id: str) -> gr.Radio:
    return gr.Radio(
        [*choices, NOT_STATED], value=NOT_STATED, label=label, elem_id=elem_id, min_width=180
    )


def _billions(label: str, elem_id: str) -> gr.Number:
    title = f"{label} (billions; 0: not stated)"
    return gr.Number(value=None, label=title, minimum=0, elem_id=elem_id, min_width=180)


def read_boxes(names: tuple[str, ...], values: tuple[Any, ...]) -> tuple[Upload, Form]:
    """The upload and the form that the page's boxes say: file, sidecar, bad cells, the form's."""
    file, sidecar, bad_cells, *rest = values
    box_values = dict(zip(names, rest, strict=True))
    form = Form(
        stated={key: item for key, item in box_values.items() if key in _stated_fields()},
        contact=str(box_values.get("contact") or ""),
        accepts_licence=box_values.get("accepts_licence") is True,
    )
    chosen: BadCells = "invalid" if bad_cells == "invalid" else "refuse"
    return replace(upload_of(file, sidecar), bad_cells=chosen), form


def _stated_fields() -> frozenset[str]:
    from space.intake.form import FIELDS

    return frozenset(FIELDS)


def upload_of(file: str | None, sidecar: str | None) -> Upload:
    """The files that the framework has stored, as an upload.

    Raises:
        ContractError: these are several files, where one is taken.
    """
    for name, given in (("file", file), ("sidecar", sidecar)):
        if given is not None and not isinstance(given, str):
            raise fail("wrong-argument", f"{name} is no single file", column=name)
    return Upload(
        path=Path(file) if file else None,
        sidecar=Path(sidecar) if sidecar else None,
        name=Path(file).name if file else "",
    )


def visitor_of(request: gr.Request, profile: gr.OAuthProfile | None) -> Visitor:
    """Who is asking."""
    return Visitor(
        account=account_of(profile),
        address=address_of(request.client),
    )
