"""The reports of a run that has finished, its files, and the form that submits it."""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from contracts.errors import ContractError, fail
from contracts.report import Report, read_report
from space.board.texts import SUBMIT_LICENCE
from space.intake.form import NOT_STATED, YES_NO, Form
from space.pages.parts import QUICK, figures_script, html_box, temporary_download
from space.pages.running.show import conditions_of, report_html
from space.pages.running.visitor import visitor_of
from space.pages.submission_html import problems_html, receipt_html
from space.render.trial import trial_html
from space.runs.record import RunRecord
from space.runs.service import Runs
from space.runs.submit import (
    predictions_path,
    report_path,
    result_of,
    row_class_of,
    submit_run,
)

log = logging.getLogger("space.runs")

#: Boxes of the form, by field of the metadata.
_FIELDS = ("name", "link", "family", "parameters", "open_weights", "notes")


class Result(NamedTuple):
    """What the page shows of a run's reports."""

    runs: Runs
    section: gr.Column
    condition: gr.Dropdown
    report: gr.HTML
    files: gr.DownloadButton
    submit: gr.Accordion
    name: gr.Textbox

    @property
    def shown(self) -> list[Any]:
        """What `show` updates."""
        return [self.section, self.condition, self.report, self.files, self.submit, self.name]

    def hide(self) -> list[Any]:
        """Updates that show nothing."""
        return [gr.update(visible=False), gr.update(value=None), *[gr.skip()] * 4]

    def show(self, record: RunRecord, shown: str | None = None) -> tuple[list[Any], bool]:
        """Updates that show a report of a run that has finished.

        Args:
            record: the run.
            shown: condition whose report the page shows already: what a visitor has typed beside
                it is left alone.

        Returns:
            The updates, and whether something of it is still to come.
        """
        known = conditions_of(record)
        if record.state != "finished" or not known:
            return self.hide(), False
        condition = shown if shown and shown in known else next(iter(known))
        try:
            shown_html, pending = self.html(record, condition)
            name = named(self.read(record, condition)[0])
        except ContractError as error:
            shown_html, pending = problems_html(error.problems, count=len(error.problems)), False
            name = gr.skip()
        if condition == shown:
            return [gr.skip(), gr.skip(), shown_html, *[gr.skip()] * 3], pending
        updates = [
            gr.update(visible=True),
            gr.update(
                choices=[(title, name) for name, title in known.items()],
                value=condition,
                visible=len(known) > 1,
            ),
            shown_html,
            self._download(record),
            gr.update(visible=True),
            name,
        ]
        return updates, pending

    def _download(self, record: RunRecord) -> Any:
        try:
            return gr.update(value=str(zipped(self.runs, record)), visible=True)
        except OSError as error:
            log.error("nothing to download", extra={"run": record.id, "why": str(error)})
            return gr.update(visible=False)

    def read(self, record: RunRecord, condition: str) -> tuple[Report, Path]:
        """A condition's report.

        Raises:
            ContractError: there is none, or it cannot be read.
        """
        path = report_path(self.runs, record, result_of(record, condition))
        try:
            return read_report(path), path
        except ContractError as error:
            log.error("report cannot be read", extra={"run": record.id, "why": str(error)[:300]})
            raise fail(
                "damaged-report",
                "the report of this run cannot be read",
                hint="Its predictions are among the files below; score them on your own machine "
                "with: opinion-atlas score FILE --out report.json",
            ) from None

    def html(self, record: RunRecord, condition: str) -> tuple[str, bool]:
        """A condition's report and place as HTML, and whether the place is still to come."""
        report, path = self.read(record, condition)
        row_class = row_class_of(record)
        place = self.runs.looks.place(record, path, row_class=row_class)
        # The pictures come with the place: until it is found this is asked every second.
        predictions = predictions_path(self.runs, record, result_of(record, condition))
        own = ""
        if place is not None:
            own = trial_html(self.runs.store, report, predictions=predictions)
        section_html = report_html(report, place, condition=condition, row_class=row_class, own=own)
        return section_html, place is None


def named(report: Report) -> Any:
    """An update that shows the name that a report has already, which an empty box stands for.

    It is no value: an answer of the timer that comes late would overwrite what is being typed.
    """
    return gr.update(placeholder=report.predictions.meta.name)


def layout_result(runs: Runs, run_id: gr.Textbox, timer: gr.Timer) -> Result:
    """Lay out the section and bind its events; the timer brings what is still to come."""
    with gr.Column(visible=False, elem_id="run-result") as section:
        condition = gr.Dropdown([], label="Condition", elem_id="run-condition", visible=False)
        report = html_box(elem_id="run-report", js_on_load=figures_script())
        files = gr.DownloadButton(
            "Download predictions and reports", size="sm", elem_id="run-files", visible=False
        )
        with gr.Accordion("Submit to the board", open=False, elem_id="run-submit-form") as form:
            boxes = _boxes()
            contact = gr.Textbox(
                label="Contact (an e-mail address; never shown)", elem_id="run-contact",
                max_lines=1, type="email",
            )  # fmt: skip
            licence = gr.Checkbox(label=SUBMIT_LICENCE, elem_id="run-licence")
            submit = gr.Button("Submit", elem_id="run-submit", variant="primary")
            receipt = html_box(elem_id="run-receipt")
    run_result = Result(runs, section, condition, report, files, form, boxes["name"])

    def picked(
        name: str, which: str, request: gr.Request, profile: gr.OAuthProfile | None
    ) -> list[Any]:
        try:
            record = runs.own(which, visitor_of(request, profile, runs.rules))
            chosen, _ = run_result.read(record, name)
            panel, pending = run_result.html(record, name)
            return [panel, named(chosen), gr.Timer(active=pending)]
        except ContractError as error:
            return [problems_html(error.problems, count=len(error.problems)), gr.skip(), gr.skip()]

    def submitted(
        request: gr.Request,
        profile: gr.OAuthProfile | None,
        which: str,
        name: str,
        email: str,
        accepted: bool,
        *values: Any,
    ) -> str:
        stated = dict(zip(_FIELDS, values, strict=True))
        stated["parameters"] = stated["parameters"] or None  # an empty box says 0
        stated_form = Form(stated, email or "", accepted)
        try:
            visitor = visitor_of(request, profile, runs.rules)
            record = runs.own(which, visitor)
            meta = run_result.read(record, name)[0].predictions.meta
            details = stated_form.details(
                meta.model_dump(include={"name", "model", "revision", "chat"})
            )
            return receipt_html(submit_run(runs, which, name, details, visitor))
        except ContractError as error:
            return problems_html(error.problems, count=len(error.problems))

    condition.input(picked, [condition, run_id], [report, boxes["name"], timer], **QUICK)
    inputs = [run_id, condition, contact, licence, *boxes.values()]
    submit.click(submitted, inputs, [receipt], **QUICK)
    return run_result


def _boxes() -> dict[str, Any]:
    """The form's boxes by field."""
    boxes: dict[str, Any] = {}
    with gr.Row(elem_classes=["oa-facet-row"]):
        boxes["name"] = gr.Textbox(label="Name of the row", elem_id="run-name", max_lines=1)
        boxes["link"] = gr.Textbox(
            label="Link", placeholder="https://", elem_id="run-paper", max_lines=1
        )
        boxes["family"] = gr.Textbox(
            label="Family", placeholder="for instance llama", elem_id="run-family", max_lines=1
        )
    with gr.Row(elem_classes=["oa-facet-row"]):
        boxes["parameters"] = gr.Number(
            None, label="Parameters (billions)", minimum=0, elem_id="run-parameters"
        )
        boxes["open_weights"] = gr.Radio(
            [*YES_NO, NOT_STATED], value=NOT_STATED, label="Open weights", elem_id="run-open"
        )
        boxes["notes"] = gr.Textbox(label="Notes", elem_id="run-notes", max_lines=1)
    return boxes


def zipped(runs: Runs, record: RunRecord) -> Path:
    """Predictions and reports of a run in one file, for its owner's download.

    Raises:
        OSError: there is no room for it.
    """
    target = temporary_download(f"{record.id}.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for result in record.results:
            predictions = predictions_path(runs, record, result)
            if predictions.is_file():
                packed.write(predictions, f"predictions/{predictions.name}")
            if result.report:
                path = report_path(runs, record, result)
                packed.write(path, f"reports/{path.name}")
    return target
