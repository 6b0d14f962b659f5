"""From stored responses to predictions: shares, scores, ratings, advice, provenance."""

from __future__ import annotations

import math

import pytest

from contracts.predictions.read import read_predictions
from elicitation.backends.base import Response
from elicitation.backends.mock import MockBackend
from elicitation.prompts.prompts import Shown, ShownOption
from elicitation.run.gather import answer_of, gather_distributions, gather_ratings, scores_answer
from elicitation.run.session import run_study
from elicitation.run.store import ItemRecord, StoredItem

REVERSED = Shown("shares", (ShownOption("1", 3, "No"), ShownOption("2", 1, "Yes")))
SCORED = Shown("scores", (ShownOption("A", 1, "Yes"), ShownOption("B", 2, "No")))
RATED = Shown("rating", tuple(ShownOption(str(i), 5 - i, "x") for i in (1, 2, 3, 4)))


def stored(
    shown: Shown, response: Response, *, again: Response | None = None, **spec
) -> StoredItem:
    """An answered item."""
    found = {"question_id": "Q1", "repeat": 0, **spec}
    return StoredItem(ItemRecord("i", "c", found, shown), response, again)


def said(text: str, status: str = "ok") -> Response:
    """A response with a reply."""
    return Response("i", status, (text,))  # type: ignore[arg-type]


def test_shares_go_to_the_codes_that_the_labels_stood_for():
    gathered = gather_distributions([stored(REVERSED, said('{"1": 30, "2": 70}'))])
    assert gathered.records[0]["shares"] == pytest.approx({"3": 0.3, "1": 0.7})


def test_repeats_are_averaged_over_those_that_can_be_read():
    replies = ('{"1": 30, "2": 70}', "no idea", "{1: 50, 2: 50}")
    items = [stored(REVERSED, said(text), repeat=i) for i, text in enumerate(replies)]
    gathered = gather_distributions(items)
    assert gathered.records[0]["shares"] == pytest.approx({"3": 0.4, "1": 0.6})
    assert gathered.records[0]["status"] == "repaired"
    assert gathered.statuses == {"ok": 1, "invalid": 1, "repaired": 1}


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (said("I cannot answer that."), "refused"),
        (said("hm"), "invalid"),
        (said('{"1": 3', "truncated"), "invalid"),
        (Response("i", "refused", error="filter"), "refused"),
        (Response("i", "error", error="gone"), "missing"),
    ],
)
def test_what_cannot_be_read_has_no_shares(response, status):
    record = gather_distributions([stored(REVERSED, response)]).records[0]
    assert (record["shares"], record["status"]) == ({}, status)


def test_the_second_try_counts_where_the_first_cannot_be_read():
    good = said('{"1": 30, "2": 70}')
    one = gather_distributions([stored(REVERSED, said("hm"), again=good)])
    assert (one.records[0]["status"], one.second_tries) == ("ok", 1)
    other = gather_distributions([stored(REVERSED, good, again=said('{"1": 1, "2": 99}'))])
    assert other.records[0]["shares"]["1"] == pytest.approx(0.7)


def test_scores_are_renormalised_in_log_space():
    answer = scores_answer(SCORED, [-1000.0, -1000.0 + math.log(3)])
    assert answer.shares == pytest.approx({"A": 0.25, "B": 0.75})


@pytest.mark.parametrize(
    ("scores", "note"),
    [
        ((-1.0, None), "censored"),
        ((-1.0, math.nan), "censored"),
        ((-math.inf, -math.inf), "no-probability"),
        ((-1.0,), "scores-missing"),
    ],
)
def test_scores_that_are_unknown_are_no_zeros(scores, note):
    answer = scores_answer(SCORED, scores)
    assert (answer.status, answer.shares, answer.notes) == ("invalid", None, (note,))


def test_a_score_of_zero_probability_is_zero():
    answer = scores_answer(SCORED, (-math.inf, -2.0))
    assert answer.shares == {"A": 0.0, "B": 1.0}


def test_ratings_keep_what_was_said_and_turn_back_what_was_turned():
    items = [
        stored(RATED, said('{"explanation": "x", "score": 1}'), participant=7),
        stored(RATED, said('{"explanation": "x", "score": 9}'), participant=8),
        stored(RATED, said("no"), participant=9),
    ]
    assert [r["score"] for r in gather_ratings(items, raw_codes=False).records] == [1, 9, None]
    assert [r["score"] for r in gather_ratings(items, raw_codes=True).records] == [4, None, None]
    turned = [stored(RATED, item.response, turned="yes", participant=1) for item in items]
    assert [r["score"] for r in gather_ratings(turned, raw_codes=False).records] == [4, -4, None]


def test_a_withheld_reply_is_refused():
    assert answer_of(REVERSED, Response("i", "refused")).status == "refused"


@pytest.mark.parametrize(
    "options",
    [
        {"countries": ("DEU", "USA"), "questions": ("Q1", "Q164", "Q149")},
        {"protocol": "judgments", "countries": ("DEU",), "questions": ("Q1", "Q46")},
        {"method": "label_likelihood", "steer": ("none",), "questions": ("Q1", "Q164")},
        {"method": "sequence", "steer": ("none",), "questions": ("Q1", "Q164")},
        {"method": "sampling", "steer": ("none",), "questions": ("Q1",), "repeats": 5},
        {"method": "forced_choice", "steer": ("none",), "questions": ("Q1",)},
        {"protocol": "worldvaluesbench", "questions": ("Q1", "Q119"), "repeats": 4},
        {
            "steer": ("persona",),
            "countries": ("DEU",),
            "groups": ("sex", "all"),
            "questions": ("Q1",),
        },
        {"protocol": "advice", "approach": ("persona", "none"), "countries": ("DEU",)},
    ],
    ids=lambda options: "-".join(str(options.get(k, "")) for k in ("protocol", "method")),
)
def test_what_is_written_is_read_without_a_doubt(tmp_path, plan_of, options):
    plan = plan_of(**options)
    session = run_study(plan, MockBackend("messy"), tmp_path, stated={"family": "mock"})
    assert sum(sum(f.statuses.values()) for f in session.files) == len(plan)
    for file in session.files:
        loaded = read_predictions(file.path)
        assert (loaded.tolerated, loaded.notices) == ({}, ())
        assert loaded.meta.protocol == plan.study.protocol
        assert loaded.meta.prompt_version
        assert loaded.meta.wording_digest
        assert loaded.meta.release == plan.release.digest
        assert loaded.meta.family == "mock"
        assert loaded.meta.extra["answers"]["expected"] == file.expected


def test_csv_and_parquet_hold_the_same(tmp_path, plan_of):
    plan = plan_of(steer=("none",), questions=("Q1", "Q2"))
    run_study(plan, MockBackend("steady"), tmp_path)
    session = run_study(plan, MockBackend("steady"), tmp_path, suffix=".parquet")
    assert session.files[0].path.suffix == ".parquet"
    assert read_predictions(session.files[0].path).meta.method == "verbalized"
