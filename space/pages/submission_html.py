"""Checks and submissions as HTML: problems by row, the dry run's report, the receipt."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.errors import Problem
from space.board.store import Store
from space.intake.reader import Outcome
from space.render.model import head_html
from space.render.model_tables import tables_html
from space.render.table import plain_table
from space.render.text import badge, definition_list, esc, link, notice
from space.render.trial import trial_html
from space.submissions import Receipt, State, Submission

#: Problems that a page shows; the rest is counted.
SHOWN = 200

STATES: dict[State, str] = {
    "pending": "It waits for a maintainer, as first uploads do.",
    "public": "It is on the board.",
    "hidden": "A maintainer has taken it off the board; it can come back.",
    "withdrawn": "Its owner has taken it back: it is off the board, and its contact is erased.",
    "rejected": "A maintainer has refused it.",
    "deleted": "A maintainer has deleted it. This page stays, the files are gone.",
}

CLASSES = {
    "verified": "scored and checked by a maintainer",
    "uploaded": "scored here from the predictions that were uploaded",
    "published": "answers that the authors of a study published, scored by this board",
    "self-reported": "a report that was made elsewhere: nobody here has checked it",
}

_EVENTS = {
    "submit": "submitted",
    "approve": "accepted",
    "reject": "refused",
    "hide": "hidden",
    "restore": "brought back",
    "withdraw": "withdrawn",
    "delete": "deleted",
    "verify": "verified",
    "unverify": "no longer verified",
}


def problems_html(problems: Sequence[Problem], *, count: int) -> str:
    """Every problem in the order of its row."""
    shown = problems[:SHOWN]
    places = "problem" if count == 1 else "problems"
    left = count - len(shown)
    more = f"<p>{left:,} further problems are not listed.</p>" if left > 0 else ""
    table = plain_table(
        ("Row", "Field", "What is wrong", "Found", "Allowed"),
        [
            (
                "" if one.row is None else f"{one.row:,}",
                esc(one.column),
                f'<span class="oa-what">{esc(one.message)} <span class="oa-sub">{esc(one.code)}'
                f"{f' · {esc(one.hint)}' if one.hint else ''}</span></span>",
                f"<code>{esc(one.found)}</code>" if one.found else "",
                esc(one.allowed),
            )
            for one in shown
        ],
        label="Problems",
        numeric=(0,),
    )
    head = notice(
        f'<b data-problems="{count}">{count:,} {places}.</b> Nothing was scored or stored.',
        kind="warn",
    )
    return f"{head}{table}{more}"


def dry_run_html(outcome: Outcome, store: Store) -> str:
    """A dry run among the board's models, then its whole report; or what is wrong."""
    if not outcome.ok or outcome.report is None:
        return problems_html(outcome.problems, count=outcome.problem_count)
    head = notice(
        "<b>Dry run.</b> This is what the board would show. Nothing was stored."
        if outcome.kind != "report"
        else "<b>Dry run.</b> A report made elsewhere is shown as <b>self-reported</b> and ranked "
        "apart. Nothing was stored."
    )
    own = trial_html(store, outcome.report, predictions=outcome.predictions_path)
    return (
        f"{head}{_bad_cells(outcome)}{_lacking(outcome)}{own}{_tolerated(outcome)}"
        f"{head_html(outcome.report, 'dry-run')}{tables_html(outcome.report, links=False)}"
    )


def _bad_cells(outcome: Outcome) -> str:
    """How many cells count as invalid, since their options or shares are wrong; "" for none."""
    count = outcome.tolerated.get("bad_cells", 0)
    if not count:
        return ""
    cells = "1 cell has" if count == 1 else f"{count:,} cells have"
    return notice(
        f"<b>{cells} wrong options or shares</b> and count as invalid answers: coverage falls by "
        "them, and the row says so. Choose to refuse the file to see which they are.",
        kind="warn",
    )


def _lacking(outcome: Outcome) -> str:
    if not outcome.lacking:
        return ""
    names = ", ".join(f"<code>{esc(name)}</code>" for name in outcome.lacking)
    return notice(f"To submit it, these are needed as well: {names}.", kind="warn")


def _tolerated(outcome: Outcome) -> str:
    if not outcome.tolerated:
        return ""
    rows = [
        (esc(name.replace("_", " ")), f"{n:,}") for name, n in sorted(outcome.tolerated.items())
    ]
    return "<h2>Mended or left out</h2>" + plain_table(
        ("What", "Times"), rows, label="Mended or left out", numeric=(1,)
    )


def receipt_html(receipt: Receipt) -> str:
    """What a submitter is shown once, the code to withdraw included."""
    page = link("receipt", "the receipt's page", id=receipt.id)
    code = ""
    if receipt.token:
        code = notice(
            "<b>Your code to withdraw it</b>, shown only now: "
            f'<code id="withdrawal-code">{esc(receipt.token)}</code>',
            kind="warn",
        )
    title = "Known already" if receipt.duplicate else "Received"
    return (
        notice(
            f'<b data-receipt="{esc(receipt.id)}">{title}.</b> {esc(receipt.message)} '
            f"Keep {page}: it says what becomes of it."
        )
        + code
    )


def status_html(submission: Submission) -> str:
    """What became of a submission: state, class, events. Neither contact nor address."""
    facts = [
        ("State", badge(submission.state, kind=f"state-{submission.state}")),
        ("Submission", f"<code>{esc(submission.id)}</code>"),
        ("Submitted", esc(submission.submitted_at)),
        ("Class", f"{esc(submission.row_class)}: {esc(CLASSES[submission.row_class])}"),
    ]
    if submission.account:
        facts.append(("Account", esc(submission.account)))
    if submission.on_board:
        facts.append(("On the board", link("model", "its row", row=submission.id)))
    steps = plain_table(
        ("When (UTC)", "What", "By", "Reason"),
        [
            (
                esc(event.at),
                esc(_EVENTS[event.what]),
                esc(event.by if event.by in ("owner", "system") else "a maintainer"),
                esc(event.why),
            )
            for event in submission.events
        ],
        label="What happened",
    )
    title = esc(submission.name) or "Submission"
    return (
        f"<h1>{title}</h1>{notice(esc(STATES[submission.state]))}{definition_list(facts)}"
        f"<h2>What happened</h2>{steps}"
    )
