"""Fractional factorial sets of forms: which forms exist, balance, size, and names."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from contracts.errors import ContractError
from elicitation.study.conditions import parse_variant
from elicitation.study.robustness import (
    LABELS,
    ORDERS,
    Form,
    candidates,
    choose_forms,
    make_design,
    model_matrix,
)

USUAL = {
    "method": ("verbalized",),
    "order": ORDERS,
    "labels": LABELS,
    "language": ("en",),
    "steering": ("none",),
    "persona": ("1",),
    "thinking": ("",),
    "examples": ("usual",),
}


def test_nine_forms_are_all_and_balanced() -> None:
    forms = candidates(USUAL)
    assert len(forms) == 9
    assert forms[0] == Form("verbalized")
    design = make_design(forms, dict.fromkeys(forms, 10))
    assert design.balance == {
        "order": {"scale": 3, "reversed": 3, "shuffled": 3},
        "labels": {"numbers": 3, "letters": 3, "numbers-reversed": 3},
    }
    assert design.forms[-1] == forms[0]._replace(repeat=2)
    assert sum(design.calls) == 100


def test_twelve_of_thirty_six_are_balanced_and_orthogonal() -> None:
    levels = {**USUAL, "method": ("verbalized", "sampling"), "language": ("en", "de")}
    design = make_design(candidates(levels), dict.fromkeys(candidates(levels), 1), retest=False)
    assert len(design.forms) == 12
    for counts in design.balance.values():
        assert len(set(counts.values())) == 1, design.balance
    x = model_matrix(design.forms)
    assert np.linalg.matrix_rank(x) == x.shape[1]


def test_six_forms_have_the_largest_determinant_of_all_sets() -> None:
    """Every set of six of nine forms with the first, one by one."""
    forms = candidates(USUAL)

    def determinant(chosen: tuple[Form, ...]) -> float:
        x = model_matrix(forms)[[forms.index(form) for form in chosen]]
        return float(np.linalg.det(x.T @ x))

    best = max(determinant((forms[0], *rest)) for rest in combinations(forms[1:], 5))
    assert determinant(tuple(choose_forms(forms, 6))) == pytest.approx(best)


def test_forms_exist_only_where_they_mean_something() -> None:
    levels = {
        **USUAL,
        "method": ("verbalized", "label_likelihood"),
        "steering": ("none", "persona"),
        "language": ("en", "own"),
        "persona": ("1", "2"),
        "thinking": ("off", "on"),
        "examples": ("usual", "examples=3"),
    }
    forms = candidates(levels)
    assert len(set(forms)) == len(forms)
    scored = [form for form in forms if form.method == "label_likelihood"]
    assert {form.examples for form in scored} == {"usual"}
    assert {form.thinking for form in scored} == {"off"}
    assert {(f.steering, f.language) for f in forms if f.persona == "2"} == {("persona", "en")}


@pytest.mark.parametrize(
    ("form", "variant"),
    [
        (Form("verbalized"), "default"),
        (Form("label_likelihood", labels="letters"), "default"),
        (Form("label_likelihood", labels="numbers"), "numbers"),
        (Form("verbalized", order="reversed", labels="letters"), "reversed-order+letters"),
        (Form("verbalized", order="reversed", labels="numbers-reversed"), "reversed-scale"),
        (Form("verbalized", labels="numbers-reversed"), "reversed-scale+reversed-order"),
        (Form("verbalized", examples="examples=3", persona="2", repeat=2),
         "examples=3+persona=2+repeat=2"),
    ],
)  # fmt: skip
def test_variants_of_forms(form: Form, variant: str) -> None:
    assert form.variant == variant
    assert parse_variant(variant).name == variant


def test_every_form_is_read_back_from_its_metadata() -> None:
    from contracts.predictions.form import form_of
    from contracts.predictions.meta import PredictionsMeta

    for form in candidates({**USUAL, "method": ("verbalized", "label_likelihood")}):
        found = form_of(PredictionsMeta(method=form.method, extra={"variant": form.variant}))
        kind, _, turned = form.labels.partition("-")
        assert (found.order, found.labels) == (form.order, kind)
        assert (found.direction == "reversed") == bool(turned)


def test_calls_limit_the_design() -> None:
    forms = candidates(USUAL)
    sizes = dict.fromkeys(forms, 100)
    assert sum(make_design(forms, sizes, max_calls=550).calls) == 500
    assert len(make_design(forms, sizes, max_calls=550, retest=False).forms) == 5
    assert len(make_design(forms, sizes, count=4).forms) == 5
    with pytest.raises(ContractError, match=r"(?s)not even two forms.*at least 300"):
        make_design(forms, sizes, max_calls=250)
    with pytest.raises(ContractError, match="the forms differ in nothing"):
        make_design(forms[:1], sizes)
    with pytest.raises(ContractError, match="at least two forms"):
        make_design(forms, sizes, count=1)
