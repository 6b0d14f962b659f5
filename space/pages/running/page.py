"""The page Run a model: choose, see the cost, start, watch, stop, resume, read, submit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from contracts.errors import ContractError
from space.pages.login import login_button
from space.pages.parts import QUICK, html_box, permalink_box
from space.pages.running.form import (
    FIELDS,
    SERVER,
    choice_boxes,
    choice_of,
    method_updates,
    protocol_updates,
)
from space.pages.running.result import Result, layout_result
from space.pages.running.show import quote_html, runs_html, view_html
from space.pages.running.texts import NOT_ESTIMATED, RUN_CLOSED, RUN_GUIDE, RUN_HOME, RUN_PUBLIC
from space.pages.running.visitor import key_of, visitor_of
from space.pages.submission_html import problems_html
from space.render.text import href
from space.runs.service import Runs, Visitor

#: Seconds between two looks at a run under way.
LOOK_SECONDS = 2.0

#: Hands the run's name over only where the visitor confirms.
CONFIRM = "(id) => confirm('Delete this run, its answers and its reports?') ? [id] : ['']"


def layout(app: gr.Blocks, runs: Runs | None) -> None:
    """Lay out the page and bind its events; without runs it says why there are none."""
    if runs is None:
        html_box(RUN_GUIDE + RUN_CLOSED, elem_id="run-intro")
        return
    public = runs.rules.public
    html_box(RUN_GUIDE + (RUN_PUBLIC if public else RUN_HOME), elem_id="run-intro")
    login_button(app)
    with gr.Column(elem_id="run-form"):
        boxes = choice_boxes(runs.rules, runs.release)
        key = gr.Textbox(
            label="Token or key (held in memory while the run goes on, never written)",
            type="password",
            visible=not public,
            elem_id="run-key",
            max_lines=1,
        )
        with gr.Row():
            count = gr.Button("Count the calls", variant="primary", elem_id="run-estimate")
            start = gr.Button("Start", interactive=False, elem_id="run-start")
    message = html_box(elem_id="run-message")
    quote = html_box(elem_id="run-quote")
    quoted = gr.Textbox(visible="hidden", elem_id="run-quoted", label="Estimated choice")
    panel = _Panel(runs)
    _bind_form(runs, boxes, [quoted, start])
    _bind_start(runs, boxes, (count, start), (key, quoted, message, quote), panel)
    panel.bind(app, key, message)


class _Panel:
    """A run: its progress, the buttons that steer it, its reports, and the list of one's own."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self.run_id = gr.Textbox(visible="hidden", elem_id="run-id", label="Run")
        self.view = html_box(elem_id="run-view")
        with gr.Row(visible=False, elem_id="run-steer") as self.steer:
            self.stop = gr.Button("Stop", size="sm", elem_id="run-stop")
            self.resume = gr.Button("Resume", size="sm", elem_id="run-resume")
            self.delete = gr.Button("Delete", size="sm", elem_id="run-delete")
        self.timer = gr.Timer(LOOK_SECONDS, active=False)
        self.result: Result = layout_result(runs, self.run_id, self.timer)
        self.mine = html_box(elem_id="run-mine")
        self.link = permalink_box("run-link")
        self.shown = [
            self.mine, self.view, self.steer, self.stop, self.resume, self.delete, self.timer,
            *self.result.shown,
        ]  # fmt: skip

    def show(
        self,
        run_id: str,
        visitor: Visitor,
        condition: str | None = None,
        *,
        again: bool = False,
    ) -> list[Any]:
        """Updates of what is shown of a run.

        Args:
            run_id: the run; empty for none.
            visitor: who looks.
            condition: the one whose report is shown already.
            again: whether this is another look: then the list of runs, for which all of them are
                looked at, is made again only once the run has ended.
        """
        if not run_id:
            return self._nothing(visitor)
        try:
            run_view = self._runs.view(run_id, visitor, partial=True)
        except ContractError as error:
            return self._nothing(visitor, problems_of(error))
        record = run_view.record
        unfinished = record.state == "stopped" or (record.state == "finished" and not record.whole)
        result, pending = self.result.show(record, condition)
        return [
            gr.skip() if again and record.is_active else runs_html(self._runs.list(visitor)),
            view_html(run_view),
            gr.update(visible=True),
            gr.update(visible=record.state in ("waiting", "running")),
            gr.update(visible=unfinished),
            gr.update(visible=not record.is_active),
            gr.Timer(active=record.is_active or pending),
            *result,
        ]

    def _nothing(self, visitor: Visitor, message_html: str = "") -> list[Any]:
        mine = runs_html(self._runs.list(visitor))
        hidden = [gr.update(visible=False)] * 4
        return [mine, message_html, *hidden, gr.Timer(active=False), *self.result.hide()]

    def opened(self, run_id: str, visitor: Visitor) -> list[Any]:
        """The same, with the run's name and its permalink."""
        return [run_id, href("", id=run_id).lstrip("?"), *self.show(run_id, visitor)]

    @property
    def whole(self) -> list[Any]:
        """What `opened` updates."""
        return [self.run_id, self.link, *self.shown]

    def bind(self, app: gr.Blocks, key: gr.Textbox, message: gr.HTML) -> None:
        """Bind looks and buttons."""
        runs = self._runs

        def restore(request: gr.Request, profile: gr.OAuthProfile | None) -> list[Any]:
            run_id = str(request.query_params.get("id", ""))
            return self.opened(run_id, visitor_of(request, profile, runs.rules))

        def look(
            run_id: str,
            condition: str | None,
            request: gr.Request,
            profile: gr.OAuthProfile | None,
        ) -> list[Any]:
            visitor = visitor_of(request, profile, runs.rules)
            return self.show(run_id, visitor, condition, again=True)

        def stop(run_id: str, request: gr.Request, profile: gr.OAuthProfile | None) -> list[Any]:
            visitor = visitor_of(request, profile, runs.rules)
            return self._act(lambda: runs.stop(run_id, visitor), run_id, visitor)

        def resume(
            run_id: str,
            typed: str,
            request: gr.Request,
            profile: gr.OAuthProfile | None,
            token: gr.OAuthToken | None,
        ) -> list[Any]:
            visitor = visitor_of(request, profile, runs.rules)
            given = key_of(typed, token, runs.rules)
            return ["", *self._act(lambda: runs.resume(run_id, given, visitor), run_id, visitor)]

        def delete(run_id: str, request: gr.Request, profile: gr.OAuthProfile | None) -> list[Any]:
            if not run_id:  # not confirmed
                return [gr.skip()] * (1 + len(self.whole))
            visitor = visitor_of(request, profile, runs.rules)
            return self._act(lambda: runs.delete(run_id, visitor), "", visitor)

        app.load(restore, None, self.whole, **QUICK)
        self.timer.tick(look, [self.run_id, self.result.condition], self.shown, **QUICK)
        both = [message, *self.whole]
        self.stop.click(stop, [self.run_id], both, **QUICK)
        self.resume.click(resume, [self.run_id, key], [key, *both], **QUICK)
        self.delete.click(delete, [self.run_id], both, js=CONFIRM, **QUICK)

    def _act(self, act: Callable[[], Any], run_id: str, visitor: Visitor) -> list[Any]:
        message_html = ""
        try:
            act()
        except ContractError as error:
            message_html = problems_of(error)
        return [message_html, *self.opened(run_id, visitor)]


def _bind_form(runs: Runs, boxes: dict[str, Any], void: list[Any]) -> None:
    """Boxes that follow each other; any change makes the estimate void."""

    def moved(where: str) -> list[Any]:
        server = where == SERVER
        return [gr.update(visible=not server), gr.update(visible=server)]

    boxes["where"].input(moved, [boxes["where"]], [boxes["provider"], boxes["base_url"]], **QUICK)
    boxes["protocol"].input(
        lambda protocol: protocol_updates(protocol, runs.release),
        [boxes["protocol"]],
        [boxes[n] for n in ("protocol", "method", "steering", "approaches", "countries")],
        **QUICK,
    )
    boxes["method"].input(
        method_updates, [boxes["method"]], [boxes["method"], boxes["steering"]], **QUICK
    )
    gr.on(
        [box.change for box in boxes.values()],
        lambda: ["", gr.update(interactive=False)],
        None,
        void,
        **QUICK,
    )


def _bind_start(
    runs: Runs,
    boxes: dict[str, Any],
    buttons: tuple[gr.Button, gr.Button],
    shown: tuple[Any, ...],
    panel: _Panel,
) -> None:
    """The estimate, and the start of what was estimated."""
    count, start = buttons
    key, quoted, message, quote = shown
    inputs = [boxes[name] for name in FIELDS]

    def estimate(request: gr.Request, profile: gr.OAuthProfile | None, *values: Any) -> list[Any]:
        visitor = visitor_of(request, profile, runs.rules)
        try:
            choice = choice_of(values)
            estimated_quote = runs.first_quote(choice, visitor)
        except ContractError as error:
            return [problems_of(error), "", "", gr.update(interactive=False)]
        shown_html = quote_html(estimated_quote, most=runs.rules.calls_a_run)
        return ["", shown_html, choice.digest, gr.update(interactive=True)]

    def begin(
        request: gr.Request,
        profile: gr.OAuthProfile | None,
        token: gr.OAuthToken | None,
        typed: str,
        estimated: str,
        *values: Any,
    ) -> list[Any]:
        visitor = visitor_of(request, profile, runs.rules)
        off = gr.update(interactive=False)
        try:
            choice = choice_of(values)
            if choice.digest != estimated:
                return [NOT_ESTIMATED, "", "", off, "", *[gr.skip()] * len(panel.whole)]
            record = runs.start(choice, key_of(typed, token, runs.rules), visitor)
        except ContractError as error:
            shown_html = problems_of(error)
            return [
                shown_html,
                gr.skip(),
                gr.skip(),
                gr.skip(),
                "",
                *[gr.skip()] * len(panel.whole),
            ]
        return ["", "", "", off, "", *panel.opened(record.id, visitor)]

    count.click(estimate, inputs, [message, quote, quoted, start], **QUICK)
    start.click(
        begin,
        [key, quoted, *inputs],
        [message, quote, quoted, start, key, *panel.whole],
        **QUICK,
    )


def problems_of(error: ContractError) -> str:
    """An error's problems as HTML."""
    return problems_html(error.problems, count=len(error.problems))
