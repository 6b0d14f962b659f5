"""Prompt sensitivity and models side by side, by hand and as commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import ContractError
from contracts.report import Report, write_report
from opinion_atlas.app import main
from scoring import score
from scoring.studies.models import models_study
from scoring.studies.prompts import sensitivity_study

COUNTRIES, QUESTIONS = ("DEU", "JPN", "USA"), ("Q1", "Q2", "Q3")

#: Per cent of people with the first answer, the others with the next one.
PEOPLE = {
    (7, country, "", question): [share, 100 - share, 0, 0]
    for question, row in zip(QUESTIONS, ((90, 50, 10), (80, 60, 20), (70, 30, 40)), strict=True)
    for country, share in zip(COUNTRIES, row, strict=True)
}


@pytest.fixture
def make(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> Callable[..., Report]:
    """A report of a model whose share of the first answer is given by question."""
    release = toy_release(PEOPLE)

    def build(shares: tuple[float, ...], **meta: Any) -> Report:
        answers = [
            record(question, [share, 1 - share, 0, 0])
            for question, share in zip(QUESTIONS, shares, strict=True)
        ]
        predictions = toy_predictions(answers, wording_digest="x", method="verbalized", **meta)
        return score(predictions, release, questions=list(QUESTIONS), replicates=20)

    return build


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., int]:
    """Exit code of a command over reports."""

    def command(kind: str, reports: list[Report], *options: object) -> int:
        folder = tmp_path / "reports"
        folder.mkdir()
        for number, one in enumerate(reports):
            write_report(one, folder / f"{number}.json")
        try:
            main(["report", kind, str(folder), *map(str, options)])
        except SystemExit as done:
            return int(done.code or 0)
        return 0

    return command


def variant(name: str) -> dict[str, Any]:
    return {"name": f"m-{name}", "model": "org/m", "extra": {"variant": name}}


def test_a_prompt_that_moves_one_cell_in_three(make: Callable[..., Report]) -> None:
    default = make((1, 1, 1), **variant("default"))
    other = make((1, 1, 0.7), **variant("no-examples"))
    (group,) = sensitivity_study([other, default]).groups
    assert (group.model, group.default) == ("org/m", "m-default")
    (row,) = group.rows
    # On Q3 the share moves by 0.3 of one step of three, towards all three countries.
    assert row.variant == "no-examples"
    assert row.difference == pytest.approx(0.1 / 3)
    assert row.mean_absolute_change == pytest.approx(0.1 / 3)
    assert row.countries_pearson == pytest.approx(1)
    assert (row.countries, row.questions) == (3, 3)


def test_a_group_needs_one_default_prompt(make: Callable[..., Report]) -> None:
    only = [make((1, 1, 1), **variant("a")), make((1, 1, 0), **variant("b"))]
    with pytest.raises(ContractError, match="no report has the default prompt of org/m"):
        sensitivity_study(only)
    twice = [make((1, 1, 1), **variant("default")), make((1, 1, 0), **variant("default"))]
    with pytest.raises(ContractError, match="several reports have the default prompt"):
        sensitivity_study(twice)


def test_report_sensitivity_writes_every_form(
    make: Callable[..., Report],
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reports = [make((1, 1, 1), **variant("default")), make((1, 1, 0.7), **variant("<b>"))]
    out = [tmp_path / f"s.{ending}" for ending in ("json", "md", "html")]
    assert run("sensitivity", reports, "--out", *out) == 0
    assert "Prompt sensitivity: toy" in capsys.readouterr().out
    found = json.loads(out[0].read_text())
    assert found["groups"][0]["rows"][0]["variant"] == "<b>"
    assert "r over questions" in out[1].read_text()
    page = out[2].read_text()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page.replace("<b>0", "")


def models(make: Callable[..., Report]) -> list[Report]:
    """Three sizes, the larger the closer, the largest chat-tuned from the middle one."""
    return [
        make((1, 1, 1), model="org/s", name="s", parameters=1e9, chat=False),
        make((0.8, 0.8, 0.8), model="org/m", name="m", parameters=7e9, chat=False),
        make((0.5, 0.5, 0.5), model="org/l", name="l", parameters=7e10, chat=True,
             base_model="org/m"),
    ]  # fmt: skip


def test_size_goes_with_the_score_and_chat_beside_base(make: Callable[..., Report]) -> None:
    found = models_study(models(make))
    assert [row.model for row in found.rows] == ["org/l", "org/m", "org/s"]
    size, tokens = found.trends
    assert (size.quantity, size.models, size.spearman) == ("parameters", 3, pytest.approx(1))
    assert (tokens.models, tokens.spearman, tokens.p_value) == (0, None, None)
    (pair,) = found.pairs
    assert (pair.chat, pair.base) == ("org/l", "org/m")
    assert pair.difference == pytest.approx(found.rows[0].score - found.rows[1].score)
    assert found.matrix is not None
    assert found.matrix.countries == sorted(COUNTRIES)
    assert len(found.matrix.alignment[0]) == len(found.matrix.models) == 3


def test_models_refuses_what_it_cannot_lay_side_by_side(make: Callable[..., Report]) -> None:
    first = make((1, 1, 1), model="org/s", name="one")
    second = make((1, 1, 0), model="org/s", name="two")
    with pytest.raises(ContractError, match="2 reports are of the model org/s"):
        models_study([first, second])
    with pytest.raises(ContractError, match=r"no report has this score.*nonsense"):
        models_study([first], score="nonsense")
    with pytest.raises(ContractError, match="not of baselines"):
        models_study([make((1, 1, 1), model="uniform", baseline=True)])


def test_report_models_prints_and_writes(
    make: Callable[..., Report],
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = [tmp_path / f"m.{ending}" for ending in ("json", "md", "html")]
    assert run("models", models(make), "--score", "uniform_skill", "--out", *out) == 0
    printed = capsys.readouterr().out
    assert "Trends of: Skill over uniform answers" in printed
    assert "Chat beside base" in printed
    assert "Germany" in printed
    assert json.loads(out[0].read_text())["score"] == "uniform_skill"
    assert "70 B" in out[1].read_text()
    assert "<h2>Scores</h2>" in out[2].read_text()
