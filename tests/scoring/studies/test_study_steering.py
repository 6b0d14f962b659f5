"""The steering table: by hand, against scipy, and on the alignment paper's own printed scores."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from codebook.questions import few_shot_ids, steering_countries
from codebook.wordings.wording import wording
from contracts.errors import ContractError
from contracts.report import Report, write_report
from contracts.studies import SteeringRow, SteeringStudy
from opinion_atlas.app import main
from scoring import score
from scoring.comparison.compare import compare_reports
from scoring.published_numbers import published
from scoring.studies.conditions import own_language
from scoring.studies.steering import ALL_COUNTRIES, ALL_MODELS, stars, steering_study
from scoring.studies.text import study_markdown

QUESTIONS = ("Q1", "Q2", "Q3", "Q4")
PEOPLE = {
    "DEU": ([40, 30, 20, 10], [10, 40, 40, 10], [25, 25, 25, 25], [70, 10, 10, 10]),
    "CHL": ([80, 10, 10, 0], [30, 30, 20, 20], [10, 20, 30, 40], [50, 50, 0, 0]),
}
#: All mass on the first answer: its distance is the mean position of the people.
FIRST = (1.0, 0.0, 0.0, 0.0)


def mean_position(counts: list[int]) -> float:
    """Mean of 0, 1/3, 2/3, 1: the distance of an answer that is all on the first option."""
    return sum(place * n for place, n in enumerate(counts)) / 3 / sum(counts)


@pytest.fixture
def release(toy_release: Callable[..., Any]) -> Any:
    return toy_release(
        {
            (7, country, "", question): counts
            for country, rows in PEOPLE.items()
            for question, counts in zip(QUESTIONS, rows, strict=True)
        }
    )


@pytest.fixture
def report_of(
    release: Any, toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> Callable[..., Report]:
    """A report of a condition: exact shares of people for some questions, else all on the first."""

    def make(
        exact: tuple[str, ...] = (), *, mode: str = "corrected", leave: tuple[str, ...] = (), **meta
    ) -> Report:
        meta = {"model": "m", "steering": "none", "language": "en"} | meta
        steered = meta["steering"] != "none" or meta["language"] == "own"
        records = []
        for country, rows in PEOPLE.items():
            for question, counts in zip(QUESTIONS, rows, strict=True):
                if question in leave or not (steered or country == "DEU"):
                    continue
                shares = [n / 100 for n in counts] if question in exact else FIRST
                records.append(record(question, shares, country=country if steered else ""))
        meta.setdefault("wording_digest", wording("en").digest if meta["language"] == "en" else "x")
        return score(
            toy_predictions(records, **meta),
            release,
            questions=QUESTIONS,
            replicates=20,
            mode=mode,
            cells=True,
        )

    return make


def rows_of(study: SteeringStudy) -> dict[tuple[str, str, str], SteeringRow]:
    return {(r.country, r.model, r.condition): r for r in study.rows}


def test_alignment_and_difference_by_hand(report_of: Callable[..., Report]) -> None:
    study = steering_study([report_of(), report_of(QUESTIONS, steering="persona")])
    rows = rows_of(study)
    for country, counts in PEOPLE.items():
        base = 1 - np.mean([mean_position(one) for one in counts])
        assert rows[country, "m", "none"].alignment == pytest.approx(base, abs=1e-6)
        steered = rows[country, "m", "persona"]
        assert steered.alignment == pytest.approx(1)
        assert steered.difference == pytest.approx(1 - base, abs=1e-6)
        assert steered.questions == 4
        # All four differences are positive: of 16 sign patterns two are as extreme.
        assert steered.p_value == pytest.approx(2 / 16)
    both = [1 - np.mean([mean_position(one) for one in counts]) for counts in PEOPLE.values()]
    whole = rows[ALL_COUNTRIES, "m", "persona"]
    assert whole.difference == pytest.approx(1 - np.mean(both), abs=1e-6)
    # Three tests of 1/8 each: Holm multiplies the least by three and keeps the order.
    tested = [r for r in rows.values() if r.has_base]
    assert [r.p_holm for r in tested] == pytest.approx([3 / 8] * 3)
    assert [r.p_bh for r in tested] == pytest.approx([1 / 8] * 3)


def test_what_any_condition_showed_is_left_out_for_all(report_of: Callable[..., Report]) -> None:
    plain = report_of()
    few = report_of(("Q1",), steering="few-shot", few_shot_questions=["Q3", "Q4"])
    rows = rows_of(steering_study([plain, few]))
    base = [mean_position(counts) for counts in PEOPLE["DEU"][:2]]
    assert rows["DEU", "m", "none"].questions == 2
    assert rows["DEU", "m", "none"].alignment == pytest.approx(1 - np.mean(base), abs=1e-6)
    assert rows["DEU", "m", "few-shot"].difference == pytest.approx(base[0] / 2, abs=1e-6)


def test_the_own_language_has_one_name_however_it_was_asked(
    report_of: Callable[..., Report],
) -> None:
    reports = [report_of(), report_of(language="es", steering="persona")]
    rows = rows_of(steering_study(reports))
    assert ("CHL", "m", "persona+language") in rows
    assert ("DEU", "m", "persona+es") in rows
    with_own = steering_study([*reports, report_of(language="own", steering="persona")])
    assert ("CHL", "m", "persona+es") in rows_of(with_own)
    assert with_own.conditions == ["none", "persona+language", "persona+es"]
    assert {own_language(c) for c in ("DEU", "CHL", "CHN", "USA")} == {"de", "es", "zh", "en"}


def test_paper_mode_takes_the_independent_test_and_its_stars(
    report_of: Callable[..., Report],
) -> None:
    plain = report_of(mode="paper")
    steered = report_of(("Q1", "Q2", "Q3"), mode="paper", steering="persona")
    rows = rows_of(steering_study([plain, steered]))
    base = [1 - mean_position(counts) for counts in PEOPLE["CHL"]]
    other = [1, 1, 1, base[3]]
    expected = stats.ttest_ind(other, base).pvalue
    row = rows["CHL", "m", "persona"]
    assert row.p_value == pytest.approx(expected, abs=1e-5)
    assert row.stars == stars(expected)
    assert "p_holm" not in row
    assert [stars(p) for p in (0.05, 0.049, 0.0099, 0.0009, np.nan)] == [0, 1, 2, 3, 0]
    assert rows[ALL_COUNTRIES, "m", "persona"].p_value is None


def test_paper_mode_leaves_out_the_examples_of_the_country_alone(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    # Germany's prompts show Q80 of these, China's Q60 and Q70.
    asked = ("Q1", "Q60", "Q70", "Q80")
    assert [q in few_shot_ids("DEU") for q in asked] == [False, False, False, True]
    assert [q in few_shot_ids("CHN") for q in asked] == [False, True, True, False]
    counts = {(7, c, "", q): [40, 30, 20, 10] for c in ("DEU", "CHN") for q in asked}
    answers = [record(q, FIRST) for q in asked]
    reports = [
        score(
            toy_predictions(answers, model="m", language=language, wording_digest=language),
            toy_release(counts),
            questions=asked,
            mode="paper",
            cells=True,
            replicates=20,
        )
        for language in ("en", "de")
    ]
    rows = rows_of(steering_study(reports))
    assert rows["DEU", "m", "none"].questions == 3
    assert rows["CHN", "m", "none"].questions == 2


def test_models_are_averaged_over_questions_that_all_have(
    report_of: Callable[..., Report],
) -> None:
    reports = [
        report_of(model=name, leave=leave, steering=steering, exact=exact)
        for name, leave in (("a", ()), ("b", ("Q4",)))
        for steering, exact in (("none", ()), ("persona", ("Q1",)))
    ]
    rows = rows_of(steering_study(reports))
    assert rows["DEU", "a", "none"].questions == 4
    mean = rows["DEU", ALL_MODELS, "persona"]
    assert (mean.questions, mean.averaged) == (3, 2)
    assert mean.difference == pytest.approx(mean_position(PEOPLE["DEU"][0]) / 3, abs=1e-6)
    whole = rows[ALL_COUNTRIES, ALL_MODELS, "persona"]
    assert whole.averaged == 4  # two models in two countries
    gaps = [mean_position(PEOPLE[country][0]) / 3 for country in PEOPLE]
    assert whole.difference == pytest.approx(np.mean(gaps), abs=1e-6)


# What is refused


def test_a_study_needs_its_base_and_one_report_per_condition(
    report_of: Callable[..., Report],
) -> None:
    persona = report_of(steering="persona")
    with pytest.raises(ContractError, match="no report of m is without steering"):
        steering_study([persona])
    with pytest.raises(ContractError, match="two reports are of the condition persona"):
        steering_study([report_of(), persona, persona])
    with pytest.raises(ContractError, match="a study needs reports"):
        steering_study([])
    with pytest.raises(ContractError, match="differ in their mode"):
        steering_study([report_of(), report_of(steering="persona", mode="paper")])
    with pytest.raises(ContractError, match="several versions"):
        steering_study([report_of(), report_of(steering="persona", prompt_version="old")])
    with pytest.raises(ContractError, match="no steered answers for a country; found FRA"):
        steering_study([report_of(), persona], countries=("FRA",))


def test_two_wordings_of_a_language_are_never_mixed(report_of: Callable[..., Report]) -> None:
    ours, other = report_of(), report_of(steering="persona", wording="official", wording_digest="y")
    with pytest.raises(ContractError, match=r"different wordings of one language \(en\)"):
        steering_study([ours, other])
    codes = {notice.code for notice in compare_reports(ours, other).notices}
    assert "other-wording" in codes
    same = compare_reports(ours, report_of(steering="persona"))
    assert "other-wording" not in {notice.code for notice in same.notices}


def test_wordings_asked_country_by_country_are_told_by_language(
    report_of: Callable[..., Report],
) -> None:
    def own(digest: str, steering: str) -> Report:
        told = {
            "de": {"name": "atlas", "digest": digest},
            "es": {"name": "atlas", "digest": wording("es").digest},
        }
        return report_of(language="own", steering=steering, extra={"wordings": told})

    de = wording("de").digest
    study = steering_study([report_of(), own(de, "none"), own(de, "persona")])
    drafted = next(n for n in study.notices if n.code == "machine-drafted-wording")
    assert "(de, en, es)" in drafted.message
    with pytest.raises(ContractError, match=rf"one language \(de\).*atlas {de[:12]}; atlas e"):
        steering_study([report_of(), own(de, "none"), own("e", "persona")])


def test_a_report_says_that_its_wording_is_machine_drafted(
    report_of: Callable[..., Report],
) -> None:
    assert "machine-drafted-wording" in [n.code for n in report_of().warnings]
    held = report_of(wording="official", wording_digest="o")
    named = report_of(wording="atlas", wording_digest="another")
    assert "machine-drafted-wording" not in [n.code for n in named.warnings]
    assert "machine-drafted-wording" not in [n.code for n in held.warnings]


# The paper's tables

#: The row of the printed tables that is no model.
AVERAGE = "mean of the seven"


def printed() -> Iterator[dict[str, Any]]:
    """Rows of tables 1 and 9 with the steering and language that the project knows."""
    for row in published("alignment_steering"):
        steering, _, spoken = str(row["steering"]).partition("+")
        if steering == "language":
            steering, spoken = "none", "language"
        yield {**row, "steering": steering, "language": "own" if spoken else "en"}


@pytest.fixture
def paper_reports(report_of: Callable[..., Report]) -> list[Report]:
    """A report for each model and condition whose two questions both score as printed."""
    template = report_of()
    table = template.protocols[0].tables
    reports = []
    rows = list(printed())
    for model, steering, language in dict.fromkeys(
        (r["model"], r["steering"], r["language"]) for r in rows if r["model"] != AVERAGE
    ):
        own = {
            r["country"]: r["alignment"]
            for r in rows
            if (r["model"], r["steering"], r["language"]) == (model, steering, language)
        }
        scores = {
            "countries": list(own),
            "questions": ["Q1", "Q2"],
            "scores": [[value, value] for value in own.values()],
        }
        meta = template.predictions.meta.model_copy(
            update={"model": model, "steering": steering, "language": language, "extra": {}}
        )
        result = template.protocols[0].model_copy(
            update={"tables": {**table, "question_scores": scores}}
        )
        reports.append(
            template.model_copy(
                update={
                    "predictions": template.predictions.model_copy(update={"meta": meta}),
                    "protocols": [result],
                    "cells": [],
                }
            )
        )
    return reports


def test_the_printed_tables_come_out_of_the_printed_scores(paper_reports: list[Report]) -> None:
    study = steering_study(paper_reports, permutations=99)
    rows = rows_of(study)
    assert len(study.countries) == 10
    assert set(study.countries) == set(steering_countries())
    assert study.conditions == [
        "none", "none+language", "persona", "persona+language", "few-shot", "few-shot+language",
    ]  # fmt: skip
    averages = [r for r in printed() if r["model"] == AVERAGE]
    assert len(averages) == 60
    off = []
    for row in averages:
        name = row["steering"] + ("+language" if row["language"] == "own" else "")
        found = rows[row["country"], ALL_MODELS, name].alignment
        if abs(found - row["alignment"]) > 1.5e-4:
            off.append((row["country"], name))
    # Three of the 60 printed means are no means of the printed scores, all in table 1.
    assert off == [("CHN", "few-shot"), ("DEU", "persona+language"), ("DEU", "few-shot")]
    # Language steering helps in 177 of 210 cases, counted over three pairs of conditions.
    helps = 0
    for country in study.countries:
        for model in study.models:
            for steering in ("none", "persona", "few-shot"):
                with_language = rows[country, model, f"{steering}+language"].alignment
                helps += with_language > rows[country, model, steering].alignment
    assert helps == 177


# From the command line


def test_the_command_writes_tables_in_three_forms(
    report_of: Callable[..., Report], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    write_report(report_of(), folder / "none.json")
    write_report(report_of(QUESTIONS, steering="persona"), folder / "persona.json")
    out = [tmp_path / f"table.{ending}" for ending in ("json", "md", "html")]
    with pytest.raises(SystemExit, match=r"^(0|None)$"):
        main(["report", "steering", str(folder), "--out", *map(str, out)])
    said = capsys.readouterr().out
    study = json.loads(out[0].read_text(encoding="utf-8"))
    assert study["models"] == ["m"]
    table = SteeringStudy.model_validate(study)
    page, text = (path.read_text(encoding="utf-8") for path in out[:0:-1])
    assert len(text.splitlines()) == len(study_markdown(table).splitlines())
    for shown in (said, page, text):
        assert "Germany" in shown
        assert "Machine-drafted wording" in shown
        assert "1.000 (+0." in shown
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["report", "steering", str(folder), "--out", str(tmp_path / "table.pdf")])
    assert "bad-ending" in capsys.readouterr().err
    assert not (tmp_path / "table.pdf").exists()
