"""Specification curve: every model's score and rank under every form, and pairs of models.

Source of the curve: Simonsohn, Simmons & Nelson (2020), Nat. Hum. Behav. 4, 1208-1214.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.errors import fail
from contracts.predictions.form import FACTORS, PromptForm
from contracts.robustness import (
    FactorEffect,
    FormRow,
    ModelRobustness,
    PairOrder,
    RefusalRow,
)
from scoring.estimates import number, row_means
from scoring.inputs.answers import STATUSES
from scoring.inputs.geometry import Floats
from scoring.studies.robustness.inputs import FormSet
from scoring.studies.robustness.regression import mean_effect

#: p-value below which a difference between two models under one form counts as clear.
CLEAR = 0.05

#: A form is set aside under which a model answered fewer than this part of the questions of the
#: fullest form, or of the cells that it was asked.
LEAST_PART = 0.5


class Crossed(NamedTuple):
    """Scores of every model under every common form on the cells that all of them have.

    Attributes:
        models, forms: names of the axes.
        cells: shape (M, F, C, Q), the mean of repeats; NaN outside the common cells.
        common: the common cells, shape (C, Q).
        set_aside: models and forms with too few answers, by name.
    """

    models: tuple[str, ...]
    forms: tuple[PromptForm, ...]
    cells: Floats
    common: NDArray[np.bool_]
    set_aside: tuple[str, ...] = ()

    @property
    def means(self) -> Floats:
        """Country-equal mean scores, shape (M, F)."""
        return row_means(row_means(self.cells))

    @property
    def by_question(self) -> Floats:
        """Means over countries, shape (M, F, Q)."""
        return row_means(np.swapaxes(self.cells, -1, -2))


def crossed_scores(forms: FormSet) -> Crossed:
    """The part of a study in which every model was asked under every form.

    A form is set aside under which a model gave usable answers to under half of the cells that it
    was asked, or of the questions that it answered in the fullest form.

    Raises:
        ContractError: fewer than two forms are common to all models, or no cell is.
    """
    chosen = forms.common_forms
    if len(chosen) < 2:
        raise fail(
            "one-form",
            "the files hold fewer than two forms that every model was asked in",
            found="; ".join(_asked(forms)),
            hint="Ask in several forms: opinion-atlas elicit MODEL --robustness --out RUN, or "
            "--vary default,reversed-order,letters",
        )
    cells = np.array(
        [
            [row_means(np.stack([f.scores for f in forms.of(m, form)], axis=-1)) for form in chosen]
            for m in forms.models
        ]
    )
    usable = np.isfinite(cells) & ~forms.shown
    counts = usable.sum(axis=(2, 3))
    answered = usable.any(axis=2).sum(axis=2)
    few = np.array([[_readable(forms, m, form) < LEAST_PART for form in chosen]
                    for m in forms.models])  # fmt: skip
    thin = ((answered < LEAST_PART * answered.max()) | few).any(axis=0)
    used = np.flatnonzero(~thin)
    aside = tuple(forms.name(chosen[number]) for number in np.flatnonzero(thin))
    common = usable[:, used].all(axis=(0, 1))
    if len(used) < 2 or not common.any():
        raise fail(
            "nothing-common",
            "no two forms have a scored cell in common for all models",
            found="; ".join(_counts(forms, chosen, counts)),
            hint="The number of usable cells is given for each form; ask again what is missing, or "
            "leave out the model or form with the fewest.",
        )
    cells = np.where(common, cells[:, used], np.nan)
    return Crossed(forms.models, tuple(chosen[n] for n in used), cells, common, aside)


def _readable(forms: FormSet, model: str, form: PromptForm) -> float:
    """Part of the cells asked that can be used."""
    asked: Counter[str] = sum((Counter(f.asked) for f in forms.of(model, form)), start=Counter())
    return (asked["ok"] + asked["repaired"]) / max(asked.total(), 1)


def _asked(forms: FormSet) -> Iterator[str]:
    for model in forms.models:
        form_names = ", ".join(forms.name(form) for form in forms.forms_of(model))
        yield f"{model}: {form_names}"


def _counts(forms: FormSet, chosen: Sequence[PromptForm], counts: NDArray) -> Iterator[str]:
    for row, model in enumerate(forms.models):
        for column, form in enumerate(chosen):
            yield f"{model}, {forms.name(form)}: {counts[row, column]}"


def ranks(scores: Floats) -> Floats:
    """Ranks along the last axis, 1 for the highest; equal scores share the mean rank."""
    above = (scores[..., None, :] > scores[..., :, None] + 1e-12).sum(axis=-1)
    equal = (np.abs(scores[..., None, :] - scores[..., :, None]) <= 1e-12).sum(axis=-1)
    return above + (equal + 1) / 2


def curve_rows(forms: FormSet, crossed: Crossed) -> list[FormRow]:
    """A row for every form, the one with the highest mean score first."""
    means, places = crossed.means, ranks(crossed.means.T).T
    order = np.argsort(-means.mean(axis=0), kind="stable")
    return [
        FormRow(
            form=forms.name(crossed.forms[column]),
            levels={f: str(getattr(crossed.forms[column], f)) for f in forms.factors},
            scores={m: number(means[row, column]) for row, m in enumerate(crossed.models)},
            ranks={m: number(places[row, column]) for row, m in enumerate(crossed.models)},
        )
        for column in order
    ]


def model_rows(crossed: Crossed) -> list[ModelRobustness]:
    """How far each model's score and rank move over the forms, the best mean first."""
    means, places = crossed.means, ranks(crossed.means.T).T
    robustness_rows = [
        ModelRobustness(
            model=model,
            mean=float(means[row].mean()),
            lowest=float(means[row].min()),
            highest=float(means[row].max()),
            sd=float(means[row].std(ddof=1)),
            best_rank=float(places[row].min()),
            worst_rank=float(places[row].max()),
            same_rank=max(Counter(places[row].tolist()).values()),
            forms=len(crossed.forms),
        )
        for row, model in enumerate(crossed.models)
    ]
    return sorted(robustness_rows, key=lambda one: (-one.mean, one.model))


def pair_rows(crossed: Crossed) -> list[PairOrder]:
    """Every pair of models, the one with the higher mean first."""
    means = crossed.means.mean(axis=1)
    order = sorted(range(len(crossed.models)), key=lambda row: (-means[row], crossed.models[row]))
    return [_pair(crossed, one, other) for one, other in combinations(order, 2)]


def _pair(crossed: Crossed, one: int, other: int) -> PairOrder:
    gaps = crossed.means[one] - crossed.means[other]
    tests = [mean_effect(gap) for gap in crossed.by_question[one] - crossed.by_question[other]]
    clear = [
        float(np.sign(test.estimate or 0.0))
        for test in tests
        if test.p_value is not None and test.p_value < CLEAR
    ]
    return PairOrder(
        first=crossed.models[one],
        second=crossed.models[other],
        difference=float(gaps.mean()),
        lowest=float(gaps.min()),
        highest=float(gaps.max()),
        same_order=int((gaps > 1e-12).sum()),
        forms=len(crossed.forms),
        clear=clear.count(1.0),
        clear_opposite=clear.count(-1.0),
    )


def factor_effects(crossed: Crossed) -> list[FactorEffect]:
    """By how much each level of a factor moves the mean score against the factor's usual level.

    Least squares of a question's scores (the mean over countries and models) on indicators of
    all levels at once, then the mean over questions with its interval. A level whose indicator
    other factors' levels make up has no effect of its own.
    """
    named = [(f, _levels(crossed.forms, f)) for f in FACTORS]
    columns = [(f, levels[0], level) for f, levels in named for level in levels[1:]]
    if not columns:
        return []
    design = np.array(
        [[1.0, *(float(_level(form, f) == level) for f, _, level in columns)]
         for form in crossed.forms]
    )  # fmt: skip
    by_question = row_means(np.moveaxis(crossed.by_question, 0, -1))  # (F, Q)
    used = by_question[:, np.isfinite(by_question).all(axis=0)]
    inverse = np.linalg.pinv(design)
    own = inverse @ design
    effects = []
    for at, (factor, reference, level) in enumerate(columns, start=1):
        alone = np.abs(own[at] - np.eye(len(own))[at]).max() < 1e-8
        effect = mean_effect((inverse @ used)[at] if alone else np.array([]))
        if not alone:
            effect = effect.model_copy(update={"reason": "confounded with another factor"})
        effects.append(FactorEffect(factor=factor, level=level, reference=reference, effect=effect))
    return effects


def _levels(forms: Sequence[PromptForm], factor: str) -> list[str]:
    """Levels of a factor, the usual one first (of methods the first asked)."""
    levels = list(dict.fromkeys(_level(form, factor) for form in forms))
    usual = str(PromptForm._field_defaults.get(factor, ""))
    return sorted(levels, key=lambda level: level != usual)


def _level(form: PromptForm, factor: str) -> str:
    """Level of a factor; letters, which have no direction, count as numbers that rise."""
    level = str(getattr(form, factor))
    return "forward" if level == "by place" else level


def refusal_rows(forms: FormSet) -> Iterator[RefusalRow]:
    """What came back for the cells that were asked, by model and form."""
    for model in forms.models:
        for form in forms.forms_of(model):
            asked: Counter[str] = Counter()
            for file in forms.of(model, form):
                asked.update(file.asked)
            total = asked.total()
            part = {name: asked[name] / total if total else 0.0 for name in STATUSES}
            yield RefusalRow(
                model=model,
                form=forms.name(form),
                asked=total,
                answered=part["ok"] + part["repaired"],
                refused=part["refused"],
                invalid=part["invalid"],
                missing=part["missing"],
            )
