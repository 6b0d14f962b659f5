"""Planted biases are recovered, and a model without any shows none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from planted import FORMS, QUESTIONS, Planted, planted_records
from scipy.stats import binom

from contracts.predictions.form import form_of, shown_codes
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import Predictions
from contracts.release.read import Release
from scoring.studies.robustness.biases import model_biases
from scoring.studies.robustness.inputs import FormSet, read_forms

#: Within this a planted bias must be found.
TOLERANCE = 0.01

EFFECTS = ("first_position", "last_position", "first_less_last", "first_label", "scale_direction")


def test_planted_biases_are_recovered_together(
    people: Release, planted: Callable[..., list[Predictions]]
) -> None:
    """A lean towards high numbers is one against label 1, so it is planted alone below."""
    bias = Planted(first=0.06, last=-0.02, label=0.04, agree=0.05, noise=0.01)
    found = model_biases(read_forms(planted(bias), people, questions=QUESTIONS), "org/planted")
    assert found.first_position.estimate == pytest.approx(0.06, abs=TOLERANCE)
    assert found.last_position.estimate == pytest.approx(-0.02, abs=TOLERANCE)
    assert found.first_less_last.estimate == pytest.approx(0.08, abs=TOLERANCE)
    assert found.first_label.estimate == pytest.approx(0.04, abs=TOLERANCE)
    assert found.acquiescence.estimate == pytest.approx(0.05, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("bias", "name", "size"),
    [
        (Planted(first=0.08, noise=0.01), "first_position", 0.08),
        (Planted(last=0.05, noise=0.01), "last_position", 0.05),
        (Planted(first=0.08, last=0.03, noise=0.01), "first_less_last", 0.05),
        (Planted(label=0.07, noise=0.01), "first_label", 0.07),
        (Planted(lean=0.05, noise=0.01), "scale_direction", 0.05),
        (Planted(agree=0.09, noise=0.01), "acquiescence", 0.09),
    ],
)
def test_a_planted_bias_is_recovered_alone(
    people: Release,
    planted: Callable[..., list[Predictions]],
    bias: Planted,
    name: str,
    size: float,
) -> None:
    forms = read_forms(planted(bias), people, questions=QUESTIONS)
    effect = getattr(model_biases(forms, "org/planted"), name)
    assert effect.estimate == pytest.approx(size, abs=TOLERANCE)
    assert effect.low < effect.estimate < effect.high
    assert effect.p_value < 0.001


def test_two_orders_give_the_difference_alone(
    people: Release, planted: Callable[..., list[Predictions]]
) -> None:
    files = planted(Planted(first=0.06, last=0.02), forms=("default", "reversed-order"))
    found = model_biases(read_forms(files, people, questions=QUESTIONS), "org/planted")
    assert found.first_less_last.estimate == pytest.approx(0.04, abs=1e-9)
    assert found.first_position.estimate is None
    assert "shuffled" in found.first_position.reason
    assert found.first_label.reason == "every option has one label in all forms"
    assert found.scale_direction.reason == "no form turns the numbers round"


def test_answers_averaged_over_two_orders_count_as_half(
    people: Release, planted: Callable[..., list[Predictions]]
) -> None:
    """Likelihood methods average two orders: half first, half last, and no order of their own."""
    bias = Planted(first=0.06, last=0.01)
    files = [
        *planted(bias, forms=("default",), method="label_likelihood", decoding={"orders": 1}),
        *planted(bias, forms=("default",), method="label_likelihood", decoding={"orders": 2}),
    ]
    found = model_biases(read_forms(files, people, questions=QUESTIONS), "org/planted")
    assert found.first_less_last.estimate == pytest.approx(0.05, abs=1e-9)
    assert found.first_less_last.reason == "confounded with the first label"


def test_what_cannot_be_told_apart_is_named(
    people: Release, planted: Callable[..., list[Predictions]]
) -> None:
    letters = planted(Planted(first=0.05), forms=("letters", "reversed-order+letters"))
    found = model_biases(read_forms(letters, people, questions=QUESTIONS), "org/planted")
    assert found.first_less_last.estimate == pytest.approx(0.05, abs=1e-9)
    assert found.first_less_last.reason == "confounded with the first label"
    assert found.first_label.reason == "confounded with the first place"
    turned = planted(Planted(lean=0.05), forms=("default", "reversed-scale"))
    found = model_biases(read_forms(turned, people, questions=QUESTIONS), "org/planted")
    assert found.scale_direction.estimate == pytest.approx(0.05, abs=1e-9)
    assert found.scale_direction.reason == "confounded with the order of the answers"


def test_position_bias_is_that_of_least_squares_with_an_effect_for_every_cell(
    people: Release, planted: Callable[..., list[Predictions]]
) -> None:
    forms = read_forms(planted(Planted(first=0.05, noise=0.03)), people, questions=QUESTIONS)
    rows, outcomes, cells = [], [], []
    for file in forms.files:
        for question, name in enumerate(forms.survey.geometry.question_ids):
            (shown,) = shown_codes(name, file.form)
            codes = forms.survey.geometry.codes[question]
            turned = file.form.direction == "reversed"
            low = shown[0] if file.form.labels == "letters" else codes[-1 if turned else 0]
            for place, code in enumerate(codes):
                rows.append([code == shown[0], code == shown[-1], code == low])
                outcomes.append(file.answers.shares[0, question, place])
                cells.append((question, place))
    names = {cell: number for number, cell in enumerate(dict.fromkeys(cells))}
    dummies = np.eye(len(names))[[names[cell] for cell in cells]]
    design = np.column_stack([np.array(rows, float), dummies])
    expected = np.linalg.lstsq(design, np.array(outcomes), rcond=None)[0][:3]
    found = model_biases(forms, "org/planted")
    for effect, value in zip(
        (found.first_position, found.last_position, found.first_label), expected, strict=True
    ):
        assert effect.estimate == pytest.approx(value, abs=1e-10)


def test_no_bias_is_found_where_there_is_none(
    people: Release, planted: Callable[..., list[Predictions]]
) -> None:
    """Over 200 seeds 5 % of the tests reject: between 0.1 % quantiles of the binomial."""
    base = read_forms(planted(Planted(noise=0.02)), people, questions=QUESTIONS)
    names = (*EFFECTS, "acquiescence")
    rejected = dict.fromkeys(names, 0)
    for seed in range(200):
        found = model_biases(_noisy(base, seed), "org/planted")
        for name in names:
            rejected[name] += getattr(found, name).p_value < 0.05
    low, high = binom.ppf([0.0005, 0.9995], 200, 0.05)
    for name, count in rejected.items():
        assert low <= count <= high, (name, count)
    assert 0.03 <= sum(rejected.values()) / (200 * len(names)) <= 0.07


def _noisy(base: FormSet, seed: int) -> FormSet:
    """The study with answers that are the people's, but for noise redrawn for every form."""
    from dataclasses import replace

    rng = np.random.default_rng(seed)
    truth = base.survey.shares[:1]
    real = base.survey.geometry.source >= 0
    files = []
    for file in base.files:
        noise = np.where(real, rng.normal(0, 0.02, truth.shape), 0.0)
        noise -= np.where(real, noise.sum(-1, keepdims=True) / real.sum(-1, keepdims=True), 0.0)
        shares = np.broadcast_to(truth + noise, base.survey.shares.shape)
        files.append(replace(file, answers=replace(file.answers, shares=shares)))
    return replace(base, files=tuple(files))


def test_forms_are_read_from_metadata() -> None:
    meta = PredictionsMeta(method="label_likelihood", extra={"variant": "shuffled+persona=2"})
    form = form_of(meta)
    assert (form.order, form.order_seed, form.labels) == ("shuffled", None, "letters")
    assert (form.direction, form.persona) == ("by place", "persona=2")
    assert shown_codes("Q1", form) == []
    turned = form_of(PredictionsMeta(method="verbalized", extra={"variant": "reversed-scale"}))
    assert shown_codes("Q1", turned) == [[4, 3, 2, 1]]
    both = form_of(PredictionsMeta(method="label_likelihood", decoding={"orders": 2}))
    assert shown_codes("Q1", both) == [[1, 2, 3, 4], [4, 3, 2, 1]]


@pytest.mark.parametrize("variant", FORMS)
def test_the_order_shown_is_that_of_the_prompt(variant: str) -> None:
    """What the study takes for the order and labels is what a prompt shows."""
    from codebook.wordings.wording import wording
    from elicitation.prompts.prompts import option_list_labels, rendered
    from elicitation.study.conditions import parse_variant
    from elicitation.study.methods import METHODS

    _, fields = planted_records(Planted(), variant)
    form = form_of(PredictionsMeta(**fields))
    parsed = parse_variant(variant)
    labels = option_list_labels(METHODS["verbalized"], parsed)
    for question in QUESTIONS:
        options = rendered(question, wording("en"), "options", parsed, labels, 0).options
        assert [option.code for option in options] == shown_codes(question, form)[0]
        label = {option.code: option.label for option in options}
        codes = sorted(label)
        if form.direction == "by place":
            assert options[0].label == "A"
        else:
            rises = int(label[codes[0]]) < int(label[codes[-1]])
            assert rises == (form.direction == "forward")
