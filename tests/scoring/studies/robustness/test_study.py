"""The study of robustness as a whole: ranks, pairs, files, commands and errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from planted import QUESTIONS, Planted, planted_records
from scipy.stats import ttest_rel

from contracts.errors import ContractError
from contracts.predictions.read import Predictions
from contracts.release.read import Release
from opinion_atlas.app import main
from scoring import score
from scoring.studies.page import study_page
from scoring.studies.robustness.curve import crossed_scores, ranks
from scoring.studies.robustness.figure import curve_figure
from scoring.studies.robustness.inputs import predictions_paths, read_forms
from scoring.studies.robustness.study import robustness_study

THREE = ("default", "reversed-order", "letters")


@pytest.fixture
def two_models(planted: Callable[..., list[Predictions]]) -> list[Predictions]:
    """Model a is nearer to people, but for letters, which move it away."""
    near = Planted(form_shift={"default": 0.02, "reversed-order": 0.02, "letters": 0.09})
    far = Planted(form_shift=dict.fromkeys(THREE, 0.05))
    return [
        *planted(near, forms=THREE, model="org/a"),
        *planted(far, forms=THREE, model="org/b"),
    ]


def test_a_ranking_that_turns_with_the_form(two_models: list[Predictions], people: Release) -> None:
    study = robustness_study(two_models, people, questions=QUESTIONS)
    assert [row.form for row in study.curve][-1] == "scale order, letters"
    assert study.curve[-1].ranks == {"org/a": 2.0, "org/b": 1.0}
    (pair,) = study.pairs
    assert (pair.first, pair.second) == ("org/a", "org/b")
    assert (pair.same_order, pair.forms) == (2, 3)
    assert (pair.clear, pair.clear_opposite) == (2, 1)
    first = study.robustness[0]
    assert (first.model, first.best_rank, first.worst_rank, first.same_rank) == ("org/a", 1, 2, 2)
    # 0.98, 0.98 and 0.91, up to rounded counts of people.
    assert first.mean == pytest.approx((0.98 + 0.98 + 0.91) / 3, abs=1e-4)
    assert study.common_cells == 3 * len(QUESTIONS)


def test_scores_are_those_of_score(two_models: list[Predictions], people: Release) -> None:
    study = robustness_study(two_models, people, questions=QUESTIONS)
    for file in two_models:
        report = score(file, people, questions=list(QUESTIONS), replicates=20)
        variant = file.meta.extra["variant"]
        name = {"default": "scale order, numbers", "letters": "scale order, letters"}.get(
            str(variant), "reversed order, numbers"
        )
        row = next(row for row in study.curve if row.form == name)
        alignment = report.score("alignment")
        assert alignment is not None
        assert row.scores[file.meta.model] == pytest.approx(alignment.value.estimate)


def test_clear_differences_are_those_of_a_paired_t_test(
    planted: Callable[..., list[Predictions]], people: Release
) -> None:
    files = [
        *planted(Planted(noise=0.03), forms=THREE, model="org/a", noise_seed=1),
        *planted(Planted(noise=0.032), forms=THREE, model="org/b", noise_seed=2),
    ]
    crossed = crossed_scores(read_forms(files, people, questions=QUESTIONS))
    first, second = crossed.by_question
    p_values = ttest_rel(first, second, axis=1).pvalue
    clear = {
        1: int(((p_values < 0.05) & (first.mean(axis=1) > second.mean(axis=1))).sum()),
        -1: int(((p_values < 0.05) & (first.mean(axis=1) < second.mean(axis=1))).sum()),
    }
    (pair,) = robustness_study(files, people, questions=QUESTIONS).pairs
    sign = 1 if pair.first == "org/a" else -1
    assert (pair.clear, pair.clear_opposite) == (clear[sign], clear[-sign])


def test_ranks_share_ties() -> None:
    assert ranks(np.array([[0.5, 0.9, 0.5], [0.1, 0.2, 0.3]])).tolist() == [
        [2.5, 1.0, 2.5],
        [3.0, 2.0, 1.0],
    ]


def test_refusals_by_form(toy_predictions: Callable[..., Predictions], people: Release) -> None:
    records, fields = planted_records(Planted(), "letters")
    records[:10] = [{**one, "shares": {}, "status": "refused"} for one in records[:10]]
    usual, usual_fields = planted_records(Planted(), "default")
    files = [toy_predictions(records, **fields), toy_predictions(usual, **usual_fields)]
    study = robustness_study(files, people, questions=QUESTIONS)
    row = next(row for row in study.refusals if row.form == "letters")
    assert (row.refused, row.answered) == (0.25, 0.75)
    assert study.common_cells == 3 * 30


@pytest.mark.parametrize(
    ("forms", "message"),
    [
        (("default",), r"(?s)fewer than two forms.*org/planted: default"),
        (("default", "default"), r"two files hold the same predictions"),
    ],
)
def test_one_form_is_no_study(
    planted: Callable[..., list[Predictions]],
    people: Release,
    forms: tuple[str, ...],
    message: str,
) -> None:
    with pytest.raises(ContractError, match=message):
        robustness_study(planted(Planted(), forms=forms), people, questions=QUESTIONS)


def test_models_without_a_form_in_common(
    planted: Callable[..., list[Predictions]], people: Release
) -> None:
    files = [
        *planted(Planted(), forms=("default", "letters"), model="org/a"),
        *planted(Planted(), forms=("default", "shuffled"), model="org/b"),
    ]
    with pytest.raises(ContractError, match=r"(?s)fewer than two forms.*org/b: .*shuffled order"):
        robustness_study(files, people, questions=QUESTIONS)


def test_other_kinds_are_refused(
    toy_predictions: Callable[..., Predictions], people: Release
) -> None:
    ratings = toy_predictions(
        [{"question_id": "Q1", "sample": 0, "score": 1}], "rating", model="org/m"
    )
    with pytest.raises(ContractError, match=r"(?s)compares answer distributions.*rating"):
        robustness_study([ratings], people)


def test_a_thin_form_is_set_aside(
    planted: Callable[..., list[Predictions]],
    toy_predictions: Callable[..., Predictions],
    people: Release,
) -> None:
    records, fields = planted_records(Planted(), "shuffled")
    files = [*planted(Planted(), forms=THREE), toy_predictions(records[:5], **fields)]
    study = robustness_study(files, people, questions=QUESTIONS)
    assert len(study.curve) == 3
    (notice,) = [one for one in study.notices if one.code == "few-answers"]
    assert "shuffled order, numbers" in notice.message
    assert len(study.refusals) == 4


def test_the_command_writes_every_form(
    two_models: list[Predictions],
    people: Release,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [str(file.source.path) for file in two_models]
    ids = tmp_path / "questions.txt"
    ids.write_text("\n".join(QUESTIONS))
    out = tmp_path / "study"
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["report", "robustness", *files, "--release", people.source,
              "--questions", str(ids), "--out", str(out)])  # fmt: skip
    assert "org/a before org/b" in capsys.readouterr().out
    found = json.loads((out / "robustness.json").read_text())
    assert found["kind"] == "robustness"
    assert sum(share["share"] for share in found["decompositions"][1]["shares"]) == pytest.approx(1)
    assert "## Specification curve" in (out / "robustness.md").read_text()
    assert "Response biases" in (out / "robustness.html").read_text()


def test_the_figure_has_a_mark_for_every_model_and_form(
    two_models: list[Predictions], people: Release
) -> None:
    study = robustness_study(two_models, people, questions=QUESTIONS)
    figure = curve_figure(study.model_dump(mode="json"))
    assert figure is not None
    assert [line.model for line in figure.lines] == study.models
    for line in figure.lines:
        assert [mark["y"] for mark in line.marks] == [form["y"] for form in figure.forms]
        for mark, row in zip(line.marks, study.curve, strict=True):
            score_of = row.scores[line.model]
            assert score_of is not None
            assert mark["x"] == figure.x.place(score_of)
    page = study_page(study)
    assert page.count("<circle") == 2 * 3 + 2
    assert "org/a, scale order, numbers: 0.980, rank 1" in page


def test_what_a_folder_holds(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no such file or folder"):
        predictions_paths([tmp_path / "nowhere"])
    with pytest.raises(ContractError, match="holds no predictions files"):
        predictions_paths([tmp_path])
    run = tmp_path / "run" / "predictions"
    run.mkdir(parents=True)
    (run / "a.jsonl").touch()
    (run.parent / "calls.sqlite").touch()
    assert predictions_paths([tmp_path]) == [run / "a.jsonl"]
