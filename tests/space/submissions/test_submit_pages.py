"""Checks and receipts as HTML: nothing of an upload is markup there."""

from __future__ import annotations

from contracts.errors import Problem
from contracts.predictions.source import FORMATS
from space.intake.answers import submission_fields
from space.intake.form import Form
from space.intake.templates import KINDS
from space.pages.submission_html import problems_html, receipt_html, status_html
from space.server.web import _template
from space.submissions import Event, Receipt, Submission


def test_problems_are_listed_by_row_and_escaped() -> None:
    problems = [
        Problem("bad", "<b>wrong</b>", row=1234, column="<i>", found="<script>", allowed="a & b")
    ]
    page = problems_html(problems, count=5)
    assert "1,234" in page
    assert "5 problems" in page
    assert "4 further problems" in page
    for text in ("<b>wrong", "<script>", "<i>"):
        assert text not in page
    assert "&lt;script&gt;" in page


def test_the_code_stands_on_the_receipt_once_and_only_where_there_is_one() -> None:
    assert 'id="withdrawal-code">abc<' in receipt_html(Receipt("sub-1", "public", token="abc"))
    assert "withdrawal-code" not in receipt_html(Receipt("sub-1", "public"))
    assert "Known already" in receipt_html(Receipt("sub-1", "public", duplicate=True))


def submission(**fields: object) -> Submission:
    """A submission that a maintainer by name has hidden."""
    event = Event(at="2026-01-01T00:00:00Z", by="keeper", what="hide", why="<spam>")
    return Submission.model_validate(
        {
            "id": "sub-1",
            "state": "hidden",
            "row_class": "uploaded",
            "account": "somebody",
            "submitted_at": "2026-01-01T00:00:00Z",
            "name": "<b>Heron</b>",
            "token_digest": "secretdigest",
            "events": [event.model_dump()],
            **fields,
        }
    )


def test_a_receipts_page_names_no_maintainer_and_no_digest() -> None:
    for page in (status_html(submission()), str(submission_fields(submission()))):
        assert "keeper" not in page
        assert "a maintainer" in page
        assert "secretdigest" not in page
    assert "<b>Heron" not in status_html(submission())
    assert "&lt;spam&gt;" in status_html(submission())


def test_a_deleted_one_is_a_tombstone() -> None:
    page = status_html(submission(state="deleted", name="", events=[]))
    assert "the files are gone" in page
    assert "its row" not in page


def test_what_the_form_leaves_open_is_not_stated() -> None:
    stated = {
        "name": " Heron ",
        "parameters": 0,
        "training_tokens": None,
        "chat": "unknown",
        "open_weights": "no",
        "link": "",
        "multilingual": "yes",
    }
    form = Form(stated)
    assert form.metadata() == {"name": "Heron", "open_weights": False, "multilingual": True}
    details = form.details({"family": "heron", "model": "unknown", "parameters": 7e9})
    assert details.facts == {
        "family": "heron",
        "parameters": 7e9,
        "open_weights": False,
        "multilingual": True,
    }


def test_there_is_a_template_of_every_kind_and_format() -> None:
    found = {_template(kind, suffix)[0] for kind in KINDS for suffix in FORMATS}
    assert found == {f"template-{kind}{suffix}" for kind in KINDS for suffix in FORMATS}
    assert _template("rating", ".csv")[1].startswith(b'# {"schema_version"')
