"""The tables of protocols and scores: what they name exists, and reports' scores are in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codebook import QUESTION_SETS
from codebook.countries import HOFSTEDE_DIMENSIONS
from contracts.specs import kind_spec, load, protocol_specs, score_specs
from contracts.specs.advice_scores import DIMENSIONS
from elicitation.study.methods import METHODS
from tools.score_list import scores_markdown

GOLDEN = Path(__file__).parents[2] / "fixtures" / "reports" / "baselines.json"


@pytest.mark.parametrize("name", protocol_specs())
def test_a_protocol_names_what_there_is(name: str) -> None:
    spec = protocol_specs()[name]
    assert {*filter(None, [spec.method]), *spec.web_methods} <= set(METHODS)
    assert spec.dilemmas or (spec.asked and set(spec.asked) <= set(QUESTION_SETS))
    assert spec.scored_on in QUESTION_SETS
    if spec.method and not spec.dilemmas and spec.kind != "persons":
        assert METHODS[spec.method].predictions_kind == spec.kind
    for function in filter(None, (spec.scorer, spec.detail)):
        assert callable(load(function))


@pytest.mark.parametrize("name", ["distribution", "rating", "persons", "advice"])
def test_a_kind_of_answers_names_what_there_is(name: str) -> None:
    spec = kind_spec(name)
    assert protocol_specs()[spec.protocol].kind == name
    for function in filter(None, (spec.scorer, spec.protected_scorer)):
        assert callable(load(function))
    others = {one.kind for one in protocol_specs().values()} - {name}
    assert set(spec.reasons) == others


@pytest.mark.parametrize("key", score_specs())
def test_a_score_reads_as_a_sentence_and_names_what_there_is(key: str) -> None:
    spec = score_specs()[key]
    assert spec.key == key
    assert spec.title
    assert spec.reading.endswith(".")
    assert spec.low < spec.high
    assert (Path(__file__).parents[3] / spec.formula.partition("#")[0]).is_file()
    if spec.cells:
        assert callable(load(spec.cells))


def test_every_score_of_the_golden_reports_is_declared() -> None:
    found = json.loads(GOLDEN.read_text(encoding="utf-8"))
    names = {name for report in found.values() for name in report["scores"]}
    assert names <= set(score_specs())


def test_advice_has_a_score_for_every_dimension() -> None:
    assert set(DIMENSIONS) == set(HOFSTEDE_DIMENSIONS)


@pytest.mark.parametrize("name", ["", "scoring", "scoring:", ":score", "a:b:"])
def test_an_import_string_has_a_module_and_a_function(name: str) -> None:
    with pytest.raises((ValueError, ImportError), match=r"module:function|No module named"):
        load(name)


def test_the_page_of_scores_is_that_of_the_tables() -> None:
    page = Path(__file__).parents[3] / "docs" / "scores.md"
    made = scores_markdown()
    assert page.read_text(encoding="utf-8") == made, "python -m tools.score_list > docs/scores.md"
