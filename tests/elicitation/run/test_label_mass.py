"""What a cell holds besides its shares: the mass of its labels, and how many replies were read."""

from __future__ import annotations

import json
import math

import pytest

from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from elicitation.backends.base import Response
from elicitation.backends.mock import MockBackend
from elicitation.commands.terminal import warnings_of
from elicitation.prompts.prompts import Shown, ShownOption
from elicitation.run.gather import gather_distributions, scores_answer
from elicitation.run.session import run_study
from elicitation.run.store import ItemRecord, StoredItem
from scoring.engine import score
from tests.elicitation.run.records import records_of

SHOWN = Shown("scores", (ShownOption("A", 1, "Yes"), ShownOption("B", 2, "No")))
CHOICE = Shown("choice", SHOWN.options)


class Scores(MockBackend):
    """Gives every label the same probability of a fixed whole; the first one shown twice that."""

    def __init__(self, mass: float) -> None:
        super().__init__("steady")
        self._mass = mass

    def _respond(self, request):
        count = len(request.options)
        shares = [2 / (count + 1), *[1 / (count + 1)] * (count - 1)]
        logprobs = tuple(math.log(self._mass * share) for share in shares)
        return Response(request.request_id, "ok", (), logprobs, "exact", {"a": 1})


def test_the_mass_is_the_sum_of_the_probabilities():
    answer = scores_answer(SHOWN, [math.log(0.3), math.log(0.1)])
    assert answer.mass == pytest.approx(0.4)
    assert answer.shares == pytest.approx({"A": 0.75, "B": 0.25})


def test_labels_below_the_floor_are_invalid():
    logprobs = [math.log(0.03), math.log(0.01)]
    answer = scores_answer(SHOWN, logprobs, min_mass=0.1)
    assert (answer.status, answer.shares, answer.notes) == ("invalid", None, ("label-mass",))
    assert scores_answer(SHOWN, logprobs, min_mass=0.04 - 1e-9).is_usable


def test_renormalised_scores_have_no_known_mass():
    response = Response("r", "ok", (), (math.log(0.75), math.log(0.25)), "constrained")
    (record,) = gather_distributions([stored(SHOWN, response)], min_mass=0.5).records
    assert record["shares"] == pytest.approx({"1": 0.75, "2": 0.25})
    assert "label_mass" not in record


def stored(shown: Shown, response: Response, repeat: int = 0) -> StoredItem:
    """An answered item of one cell."""
    spec = {"question_id": "Q149", "repeat": repeat}
    return StoredItem(ItemRecord(f"i{repeat}", "none_en", spec, shown), response, None)


def draws(*texts: str) -> list[StoredItem]:
    """Replies to one question."""
    return [stored(CHOICE, Response("r", "ok", (text,)), i) for i, text in enumerate(texts)]


def test_a_cell_says_how_many_of_its_replies_could_be_read():
    (record,) = gather_distributions(draws("A", "B", "A", "well...")).records
    assert (record["asked"], record["readable"], record["status"]) == (4, 3, "ok")
    assert record["shares"] == pytest.approx({"1": 2 / 3, "2": 1 / 3})


def test_a_cell_of_which_under_half_can_be_read_is_invalid():
    (record,) = gather_distributions(draws("A", "hm", "hm", "well...")).records
    assert (record["asked"], record["readable"], record["status"]) == (4, 1, "invalid")
    assert record["shares"] == {}
    (half,) = gather_distributions(draws("A", "hm")).records
    assert half["status"] == "ok"


def test_predictions_summary_and_report_tell_of_low_masses(tmp_path, plan_of):
    plan = plan_of(method="label_likelihood", steer=("none",), questions=("Q1", "Q2", "Q149"))
    (file,) = run_study(plan, Scores(0.02), tmp_path).files
    assert file.statuses == {"invalid": 6}
    assert file.is_mostly_unread
    assert file.mass == {"median": 0.02, "min": 0.02, "floor": 0.1, "below_floor": 6}
    said = " ".join(warnings_of([file]))
    assert "less than 0.1" in said
    assert "--thinking off" in said
    assert [record["label_mass"] for record in records_of(file.path)] == [0.02] * 3
    found = read_predictions(file.path)
    assert found.tolerated.get("extra_columns", 0) == 0
    lenient = plan_of(
        method="label_likelihood", steer=("none",), questions=("Q1", "Q2"), min_label_mass=0.0
    )
    (kept,) = run_study(lenient, Scores(0.02), tmp_path / "lenient").files
    assert kept.statuses == {"ok": 4}
    report = score(read_predictions(kept.path), open_release("reference"), replicates=10)
    (notice,) = (n for n in report.warnings if n.code == "label-mass")
    assert "0.02 of the probability" in notice.message


def test_two_opposite_orders_are_averaged(tmp_path, plan_of):
    plan = plan_of(method="label_likelihood", steer=("none",), questions=("Q1",))
    assert len(plan) == 2
    first, second = plan
    codes = [[option.code for option in call.shown.options] for call in (first, second)]
    assert codes == [[1, 2, 3, 4], [4, 3, 2, 1]]
    (file,) = run_study(plan, Scores(0.9), tmp_path).files
    (record,) = records_of(file.path)
    # The first one shown has 2/5 in either order, all others 1/5.
    assert record["shares"] == pytest.approx({"1": 0.3, "2": 0.2, "3": 0.2, "4": 0.3})
    assert (record["asked"], record["readable"]) == (2, 2)
    assert read_predictions(file.path).meta.decoding["orders"] == 2


def test_one_order_for_papers_and_on_request(plan_of):
    options = {"steer": ("persona",), "countries": ("DEU",), "questions": ("Q1",)}
    assert plan_of(protocol="judgments", **options).study.orders == 1
    assert plan_of(protocol="judgments", orders=2, **options).study.orders == 2
    assert plan_of(method="option_likelihood", **options).study.orders == 2
    assert plan_of(method="option_likelihood", orders=1, **options).study.orders == 1
    assert plan_of(method="sampling", **options).study.orders == 1


def test_a_shuffled_order_is_turned_round_as_well(plan_of):
    plan = plan_of(
        method="label_likelihood", steer=("none",), questions=("Q1",), vary=("shuffled",)
    )
    first, second = ([option.code for option in call.shown.options] for call in plan)
    assert first != sorted(first)
    assert second == first[::-1]


def test_advice_keeps_the_margin(tmp_path, plan_of):
    plan = plan_of(
        protocol="advice", method="label_likelihood", approach=("none",), questions=("ind-01",)
    )
    (file,) = run_study(plan, Scores(0.9), tmp_path).files
    rows = [json.loads(line) for line in file.path.read_text().splitlines()[1:]]
    assert [row["margin"] for row in rows] == pytest.approx([1 / 3, 1 / 3], rel=1e-5)
    assert read_predictions(file.path).tolerated.get("extra_columns", 0) == 0
