"""The trend: the same answers against people of several waves, by hand and as a command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import Report, write_report
from opinion_atlas.app import main
from scoring import score
from scoring.baselines.distributions import write_baselines
from scoring.presentation.html import page_text
from scoring.protocols.alignment.waves import NO_QUESTION, few_countries, nearer
from scoring.studies.trend import trend_study

PANEL = ("ARG", "CHL", "DEU", "JPN", "USA")

#: Shares of "very important" (the others on the next answer) by wave, country and question: the
#: model says all "very important", so its distance is a third of what is not there.
SHARES = {
    (6, "Q1"): (10, 20, 30, 40, 50),
    (7, "Q1"): (60, 70, 80, 90, 100),
    (6, "Q2"): (90, 90, 90, 90, 90),
    (7, "Q2"): (80, 80, 80, 80, 80),
}


def score_of(share: float) -> float:
    """1 less a third of the share that is one step away on a scale of three steps."""
    return 1 - (100 - share) / 300


def counts(**changes: Any) -> dict[tuple[int, str, str, str], list[int]]:
    found = {
        (wave, country, "", question): [share, 100 - share, 0, 0]
        for (wave, question), row in SHARES.items()
        for country, share in zip(PANEL, row, strict=True)
    }
    found[7, "FRA", "", "Q1"] = [0, 0, 0, 100]  # in wave 7 alone
    return {key: cell for key, cell in found.items() if key[1] not in changes.get("without", ())}


@pytest.fixture
def make(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> Callable[..., Report]:
    """A report of the model that says "very important" to both questions."""

    def build(cells: Any = None, *, name: str = "model", **settings: Any) -> Report:
        answers = [record(q, [1, 0, 0, 0]) for q in ("Q1", "Q2")]
        predictions = toy_predictions(answers, name=name, wording_digest="x")
        return score(
            predictions,
            toy_release(counts() if cells is None else cells, name=name),
            questions=["Q1", "Q2"],
            replicates=50,
            **settings,
        )

    return build


def waves_of(report: Report) -> dict[str, Any]:
    return report.protocols[0].tables["waves"]


def rows_of(report: Report, kind: str) -> dict[int, dict[str, Any]]:
    return {row["wave"]: row for row in waves_of(report)["rows"] if row["countries_kind"] == kind}


def test_mean_and_sd_over_the_fixed_panel_by_hand(make: Callable[..., Report]) -> None:
    rows = rows_of(make(), "every-wave")
    for wave in (6, 7):
        by_country = [
            np.mean([score_of(SHARES[wave, q][place]) for q in ("Q1", "Q2")])
            for place in range(len(PANEL))
        ]
        assert rows[wave]["alignment"]["estimate"] == pytest.approx(np.mean(by_country))
        assert rows[wave]["sd_over_countries"] == pytest.approx(np.std(by_country, ddof=1))
        assert rows[wave]["countries"] == list(PANEL)  # France has no earlier wave
        assert rows[wave]["questions"] == 2


def test_the_wave_before_is_a_baseline(make: Callable[..., Report]) -> None:
    rows = rows_of(make(), "every-wave")
    assert rows[6]["previous_wave"] is None
    # Q1 moved by 50 points in every country, Q2 by 10, each by one step of three.
    before = rows[7]["previous_wave"]
    assert before["wave"] == 6
    assert before["people"] == pytest.approx(1 - np.mean([0.5, 0.1]) / 3)
    assert before["model"] == pytest.approx(rows[7]["alignment"]["estimate"])


def test_every_question_is_nearer_to_one_end(make: Callable[..., Report]) -> None:
    table = waves_of(make())
    found = {row["question_id"]: row for row in table["questions"]}
    assert found["Q1"]["nearer"] == "last"
    assert found["Q1"]["difference"] == pytest.approx(0.5 / 3)
    assert found["Q2"]["nearer"] == "first"
    assert found["Q2"]["difference"] == pytest.approx(-0.1 / 3)
    # Five countries with one sign: 2 of 32 patterns; Holm doubles it.
    assert [row["p_value"] for row in found.values()] == pytest.approx([2 / 32] * 2)
    assert [row["p_holm"] for row in found.values()] == pytest.approx([4 / 32] * 2)
    assert table["change"]["difference"] == pytest.approx((0.5 - 0.1) / 6)
    # Two questions, .5 and -.1: only the pattern itself and its opposite do not reach ... all four
    # means are .2, .3, -.3, -.2 (over 3): every one is as extreme as .2.
    assert table["change"]["p_value"] == pytest.approx(1)
    assert [nearer(x) for x in (0.1, -0.1, 1e-12)] == ["last", "first", "neither"]


def test_a_cell_that_a_wave_lacks_is_left_out_of_every_wave(make: Callable[..., Report]) -> None:
    cells = counts()
    del cells[6, "DEU", "", "Q2"]
    rows = rows_of(make(cells), "every-wave")
    germany = score_of(SHARES[7, "Q1"][2])
    others = [
        np.mean([score_of(SHARES[7, q][place]) for q in ("Q1", "Q2")]) for place in (0, 1, 3, 4)
    ]
    assert rows[7]["alignment"]["estimate"] == pytest.approx(np.mean([germany, *others]))


def test_a_question_of_four_countries_says_nothing(make: Callable[..., Report]) -> None:
    cells = counts()
    del cells[6, "DEU", "", "Q2"]
    table = waves_of(make(cells))
    found = {row["question_id"]: row for row in table["questions"]}
    assert found["Q2"]["nearer"] is None
    assert found["Q2"]["p_value"] is None
    assert found["Q2"]["reason"] == few_countries(4)
    assert found["Q1"]["p_holm"] == pytest.approx(2 / 32)  # the only test
    assert table["change"]["questions"] == 1
    assert table["change"]["difference"] == pytest.approx(0.5 / 3)
    del cells[6, "CHL", "", "Q1"]
    assert waves_of(make(cells))["change"]["reason"] == NO_QUESTION


def test_fewer_than_five_countries_give_no_trend(make: Callable[..., Report]) -> None:
    report = make(counts(without=("USA",)))
    for row in rows_of(report, "every-wave").values():
        assert row["alignment"]["estimate"] is None
        assert row["reason"] == "4 countries remain; a trend needs 5"
    assert waves_of(report)["change"]["reason"] == few_countries(4)
    assert waves_of(report)["questions"] == []
    assert few_countries(1).startswith("1 country remains")
    study = trend_study([report])
    assert study.changes[0].difference is None
    assert "Over time" not in page_text(report)  # no figure of nothing


def test_the_papers_countries_are_those_near_the_average_human(
    make: Callable[..., Report],
) -> None:
    report = make(mode="paper")
    table = waves_of(report)
    gaps = {e.country: e.difference.estimate for e in report.countries}
    assert table["selected"] == [c for c, gap in gaps.items() if abs(gap) < 0.02]
    assert table["enough"] is (len(table["selected"]) >= 5)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"wave": 6}, "wave 6 is scored"), ({}, "no second wave")],
)
def test_the_reason_stands_where_there_is_no_trend(
    make: Callable[..., Report], settings: dict[str, Any], reason: str
) -> None:
    cells = counts() if settings else {k: v for k, v in counts().items() if k[0] == 7}
    report = make(cells, **settings)
    assert reason in waves_of(report)["reason"]
    study = trend_study([report])
    assert reason in study.without["model"]
    assert study.rows == []


def test_reports_side_by_side(make: Callable[..., Report]) -> None:
    one = make()
    renamed = one.predictions.model_copy(
        update={"meta": one.predictions.meta.model_copy(update={"name": "other"})}
    )
    study = trend_study([one, one.model_copy(update={"predictions": renamed})])
    assert [row.report for row in study.changes] == ["model", "other"]
    assert study.changes[0].nearer_first == study.changes[0].nearer_last == 1
    with pytest.raises(ContractError, match="two reports are named model"):
        trend_study([one, one])
    with pytest.raises(ContractError, match="differ in their release"):
        trend_study([one, make(counts(without=("USA",)), name="elsewhere")])


def test_the_command_writes_the_trend(
    make: Callable[..., Report], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    write_report(make(), report)
    out = [tmp_path / f"trend.{ending}" for ending in ("json", "md", "html")]
    with pytest.raises(SystemExit, match=r"^(0|None)$"):
        main(["report", "trend", str(report), "--out", *map(str, out)])
    study = json.loads(out[0].read_text(encoding="utf-8"))
    assert len(study["rows"]) == 4
    for text in (capsys.readouterr().out, *(p.read_text(encoding="utf-8") for p in out[1:])):
        assert "fixed panel" in text
        assert "Nearer to the first or the last wave" in text


def test_the_papers_trend_follows_them_through_the_waves(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    # The pooled people of wave 7 as the answer: nowhere nearer or farther than the average human.
    # Q1: 400, 100, 0 and 100 of 600 people, F = 2/3, 5/6, 5/6; Q2: 80 and 20 of 100.
    answers = [
        record("Q1", [4 / 6, 1 / 6, 0, 1 / 6]),
        record("Q2", [0.8, 0.2, 0, 0]),
    ]
    report = score(
        toy_predictions(answers),
        toy_release(counts()),
        questions=["Q1", "Q2"],
        mode="paper",
        replicates=50,
    )
    rows = rows_of(report, "selected")
    assert waves_of(report)["enough"] is True
    assert rows[7]["countries"] == sorted((*PANEL, "FRA"))
    assert rows[6]["countries"] == list(PANEL)
    means = []
    for place in range(len(PANEL)):
        share = SHARES[6, "Q1"][place] / 100
        first = 1 - (abs(4 / 6 - share) + 2 * (1 - 5 / 6)) / 3
        means.append(np.mean([first, 1 - 0.1 / 3]))
    assert rows[6]["alignment"]["estimate"] == pytest.approx(np.mean(means))
    assert rows[6]["sd_over_countries"] == pytest.approx(np.std(means, ddof=1))


@pytest.mark.slow
def test_the_baseline_of_the_wave_before_is_what_the_table_says_of_it(tmp_path: Path) -> None:
    """Two roads to one number: people of wave 6 as predictions, and as the row's baseline."""
    release = open_release("reference")
    (written,) = write_baselines(release, tmp_path, names=("previous-wave",))
    assert written.path is not None
    report = score(read_predictions(written.path), release, protocols=["alignment"], replicates=20)
    rows = rows_of(report, "every-wave")
    assert rows[6]["alignment"]["estimate"] == pytest.approx(1, abs=1e-6)
    assert rows[7]["alignment"]["estimate"] == pytest.approx(
        rows[7]["previous_wave"]["people"], abs=1e-6
    )
    assert len(rows[7]["countries"]) >= 5
