"""The whole of scoring on the embedded reference: determinism, settings, what applied."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codebook
import scoring
from contracts.digests import round_float
from contracts.errors import ContractError
from contracts.predictions.read import Predictions, read_predictions
from contracts.release.read import Release, open_release
from contracts.report import Report, read_report, report_text, write_report
from scoring.baselines.distributions import write_baselines
from scoring.inputs.geometry import build_geometry
from scoring.inputs.survey import read_survey


@pytest.fixture(scope="module")
def reference() -> Release:
    return open_release("reference")


@pytest.fixture(scope="module")
def baselines(reference: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("baselines")
    write_baselines(reference, folder, names=("uniform", "world-average"))
    return folder


@pytest.fixture(scope="module")
def uniform(baselines: Path) -> Predictions:
    return read_predictions(baselines / "uniform.jsonl")


@pytest.fixture(scope="module")
def report(uniform: Predictions, reference: Release) -> Report:
    return scoring.score(uniform, reference, replicates=100)


def test_the_same_inputs_give_the_same_report(
    uniform: Predictions, reference: Release, report: Report
) -> None:
    again = scoring.score(uniform, reference, replicates=100)
    assert report_text(again) == report_text(report)
    other = scoring.score(uniform, reference, replicates=100, seed=1)
    assert other.score("alignment").value.estimate == report.score("alignment").value.estimate
    assert other.score("alignment").value.low != report.score("alignment").value.low


def test_a_report_survives_its_file_with_nine_digits(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(report, path)
    assert report_text(read_report(path)) == path.read_text()

    def floats(item: Any) -> list[float]:
        if isinstance(item, dict):
            return [x for inner in item.values() for x in floats(inner)]
        if isinstance(item, list):
            return [x for inner in item for x in floats(inner)]
        return [item] if isinstance(item, float) else []

    written = floats(json.loads(path.read_text()))
    assert len(written) > 5000
    assert all(round_float(number) == number for number in written)


def test_scores_of_the_reference_by_an_independent_method(
    report: Report, reference: Release
) -> None:
    """Straight from the table, with pandas and a plain loop, for ordinal questions."""
    table = reference.table("distributions").to_pandas()
    rows = table[(table.wave == 7) & (table.group == "") & (table.country == "JPN")]
    entries = {entry.country: entry for entry in report.countries}
    distances = []
    for name in codebook.question_set("alignment"):
        question = codebook.questions()[name]
        cell = rows[rows.question_id == name].sort_values("position")
        if cell.empty or not cell.n.sum():
            continue
        share = cell.weighted_share.to_numpy(float).round(3)
        share = share / share.sum()
        size = len(share)
        if question.scale.is_ordinal:
            ramp = np.arange(1, size + 1) / size
            distances.append(np.abs(np.cumsum(share) - ramp)[:-1].sum() / (size - 1))
        else:
            distances.append(np.abs(share - 1 / size).sum() / 2)
    assert entries["JPN"].questions == len(distances)
    assert entries["JPN"].alignment.estimate == pytest.approx(1 - np.mean(distances), abs=1e-9)


def test_what_a_full_report_holds(report: Report, reference: Release) -> None:
    assert len(report.countries) == 57
    assert report.release.digest == reference.digest
    assert report.settings.seed == 0
    assert report.settings.questions == "alignment"
    assert report.coverage.share == 1
    assert [r.protocol for r in report.protocols] == [
        "alignment",
        "worldvaluesbench",
        "judgments",
        "persons",
        "advice",
    ]
    reasons = {r.protocol: r.reason for r in report.protocols if not r.applies}
    assert "one rating per person" in reasons["worldvaluesbench"]
    assert "dilemmas" in reasons["advice"]
    kinds = {entry.kind for entry in report.groups}
    assert kinds == {"category", "continent"}
    level = report.protocols[0].tables["country_level"]
    assert len(level["top"]) == len(level["bottom"]) == 6
    waves = report.protocols[0].tables["waves"]
    assert {row["wave"] for row in waves["rows"]} == {5, 6, 7}
    # Reworded, or with another scale: their answers changed with the question.
    assert {"Q79", "Q80", "Q106", "Q241"} <= set(waves["left_out"])
    assert max(row["questions"] for row in waves["rows"]) == 75 - len(waves["left_out"])
    # The uniform answer has no skill over itself.
    assert report.score("uniform_skill").value.estimate == pytest.approx(0)


def test_the_average_of_others_is_its_own_leave_one_out_human(
    baselines: Path, reference: Release
) -> None:
    predictions = read_predictions(baselines / "world-average.jsonl")
    report = scoring.score(predictions, reference, replicates=50)
    for entry in report.countries:
        # Both are the country-equal mean of the other countries.
        assert entry.difference.estimate == pytest.approx(0, abs=1e-6)
        assert entry.verdict == "within"
    assert report.score("country_signal").value.estimate < 0.1


def test_protocols_can_be_chosen(uniform: Predictions, reference: Release) -> None:
    report = scoring.score(uniform, reference, protocols=["judgments"], replicates=20)
    reasons = {r.protocol: r.reason for r in report.protocols}
    assert reasons["alignment"] == "not asked for"


def test_leaving_a_protocol_out_moves_no_interval_of_another(
    baselines: Path, reference: Release
) -> None:
    predictions = read_predictions(baselines / "world-average.jsonl")
    ids = codebook.question_set("probe")
    whole = scoring.score(predictions, reference, questions=ids, replicates=20)
    part = scoring.score(
        predictions, reference, questions=ids, protocols=["judgments"], replicates=20
    )
    assert part.score("pearson") == whole.score("pearson")


def test_a_flat_model_has_no_judgments(uniform: Predictions, reference: Release) -> None:
    report = scoring.score(uniform, reference, protocols=["judgments"], replicates=20)
    reasons = {r.protocol: r.reason for r in report.protocols}
    assert "every mean score is the same" in reasons["judgments"]


def test_cells_on_request(uniform: Predictions, reference: Release) -> None:
    report = scoring.score(uniform, reference, questions=["Q1", "Q2"], replicates=20, cells=True)
    assert len(report.cells) == 2 * 57
    for cell in report.cells:
        assert sum(cell.people) == pytest.approx(1)
        assert cell.model == [0.25] * 4
        assert cell.n > 0


def test_sets_of_questions(uniform: Predictions, reference: Release) -> None:
    for name, count in (("probe", 36), ("worldvaluesbench", 239)):
        geometry = build_geometry(codebook.question_set(name))
        assert len(geometry.question_ids) == count
    report = scoring.score(uniform, reference, questions="probe", replicates=20)
    assert len(report.questions) == 36


def test_a_model_trained_on_the_survey_says_so(
    toy_predictions: Callable[..., Any], record: Callable[..., Any], reference: Release
) -> None:
    predictions = toy_predictions([record("Q1", [0.25] * 4)], trained_on_wvs=True)
    report = scoring.score(predictions, reference, questions=["Q1"], replicates=20)
    assert "trained-on-survey" in [notice.code for notice in report.warnings]
    with pytest.raises(ContractError, match="no answers of wave 7, split 'test'"):
        scoring.score(predictions, reference, questions=["Q1"], split="test")


def test_effective_sizes_of_weights_alone_are_never_above_the_number_of_people(
    reference: Release,
) -> None:
    geometry = build_geometry(codebook.question_set("all"))
    survey = read_survey(reference, geometry, design="kish")
    assert (survey.n_eff <= np.maximum(survey.n, 1) + 1e-6).all()
    assert np.isnan(survey.shares[~survey.answered]).all()
    sums = survey.shares[survey.answered].sum(axis=-1)
    np.testing.assert_allclose(sums, 1, atol=1e-12)


def test_clustering_lowers_effective_sizes_as_the_release_says(reference: Release) -> None:
    """Thailand's interviews lie in 51 clusters; Australia's are unclustered."""
    geometry = build_geometry(codebook.question_set("alignment"))
    design, kish = (read_survey(reference, geometry, design=d) for d in ("design", "kish"))
    ratio = np.nanmedian(kish.n_eff / np.where(design.n_eff > 0, design.n_eff, np.nan), axis=1)
    effect = dict(zip(design.countries, ratio.tolist(), strict=True))
    assert effect["THA"] > 4
    assert effect["AUS"] == 1
    stated = reference.manifest.kish_over_n_eff["7"]
    assert effect["RUS"] == pytest.approx(stated["RUS"], rel=1e-6)
    equal = read_survey(reference, geometry, weights="none")
    row = equal.countries.index("RUS")
    there = equal.n_eff[row] > 0
    assert (equal.n_eff[row] * stated["RUS"])[there] == pytest.approx(equal.n[row][there])


def test_importing_scoring_is_light() -> None:
    code = (
        "import sys, scoring; assert scoring.__all__; "
        "print([m for m in ('numpy', 'torch', 'transformers', 'gradio', 'plotly', 'pandas') "
        "if m in sys.modules]); from scoring import score; "
        "print([m for m in ('torch', 'transformers', 'gradio', 'plotly', 'pandas') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


def test_unknown_attributes_are_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'sore'"):
        scoring.sore  # noqa: B018
