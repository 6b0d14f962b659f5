"""Response biases of a model: what the place, label or direction of an answer does to its share.

Every estimate compares a cell (question, target, option) with itself under other forms, so that a
model's opinion drops out. With y the share of option k under form f, and indicators of being shown
first, shown last, and carrying the first label (1 or A),

    y_fk = a_k + b_first [k first in f] + b_last [k last in f] + b_label [first label on k in f]

is fitted by least squares with an effect a_k for every cell. A model that moves the part b of its
answers to whatever is shown first has b_first = b. Scale direction takes the mean answer instead,
on [0, 1] along the scale: where numbers run from the scale's other end, a model that leans towards
high numbers by d moves by -2d. Acquiescence cannot be had from forms: it is the share of agreement
on statements less people's, and holds what a model really agrees to more than people do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

import codebook
from contracts.predictions.form import PromptForm, shown_codes
from contracts.robustness import Biases, Effect
from scoring.estimates import row_means
from scoring.inputs.geometry import Floats
from scoring.studies.robustness.inputs import FormFile, FormSet
from scoring.studies.robustness.regression import (
    Moments,
    contrast,
    identified,
    mean_effect,
    within_moments,
)

FIRST, LAST, LABEL = range(3)
DIRECTION, ORDER = range(2)


def model_biases(forms: FormSet, model: str) -> Biases:
    """All biases of a model that its forms allow; the others say why not."""
    files = forms.of(model)
    targets = _targets(files)
    place = list(_place_moments(forms, files, targets))
    first, last, both, label = _place_effects(place)
    return Biases(
        model=model,
        forms=len(forms.forms_of(model)),
        first_position=first,
        last_position=last,
        first_less_last=both,
        first_label=label,
        scale_direction=_direction(list(_direction_moments(forms, files, targets))),
        acquiescence=acquiescence(forms, model),
    )


def _targets(files: Sequence[FormFile]) -> list[Floats]:
    """Shares of every file by target, shape (1 + C, Q, K): an answer for everyone in row 0, those
    for single countries in the rows after it."""
    shares_by_target = []
    for file in files:
        shares = file.answers.shares
        rows = np.full((1 + shares.shape[0], *shares.shape[1:]), np.nan)
        if file.answers.unsteered:
            rows[0] = shares[0]
        else:
            rows[1:] = shares
        shares_by_target.append(rows)
    return shares_by_target


# Place and label


def _place_moments(
    forms: FormSet, files: Sequence[FormFile], targets: Sequence[Floats]
) -> Iterator[Moments]:
    """Moments of the share of an option on being first, last, and first by label."""
    geometry = forms.survey.geometry
    for question, name in enumerate(geometry.question_ids):
        codes = geometry.codes[question]
        known = [_place_regressors(name, file, codes) for file in files]
        used = [number for number, one in enumerate(known) if one is not None]
        if len(used) < 2:
            continue
        y = np.array([targets[number][:, question, : len(codes)] for number in used])
        x = np.array([known[number] for number in used])
        yield within_moments(y, x)


def _place_regressors(question: str, file: FormFile, codes: Sequence[int]) -> Floats | None:
    """Part of the prompts in which an option is first, last, and has the first label, (K, 3)."""
    shown = shown_codes(question, file.form)
    if not shown:
        return None
    x = np.zeros((len(codes), 3))
    for order in shown:
        for column, code in ((FIRST, order[0]), (LAST, order[-1])):
            x[codes.index(code), column] += 1 / len(shown)
        first = _first_label(file.form, question, order)
        x[codes.index(first), LABEL] += 1 / len(shown)
    return x


def _first_label(form: PromptForm, question: str, order: Sequence[int]) -> int:
    """The code that carries the first label."""
    if form.labels == "letters":
        return order[0]
    scale = codebook.value_questions()[question].scale
    assert scale is not None
    return scale.offered[-1] if form.direction == "reversed" else scale.offered[0]


def _place_effects(moments: Sequence[Moments]) -> tuple[Effect, Effect, Effect, Effect]:
    """First, last, first less last, and the first label, as far as they are identified."""
    total = np.sum([m.squares for m in moments], axis=0) if moments else np.zeros((3, 3))
    lone = not identified(total, [LABEL])
    label = [] if lone else [LABEL]
    reason = ""
    if label and not _place_known(total, label):
        label, reason = [], "confounded with the first label"
    nothing = Effect(estimate=None, reason="the forms show the answers in one order only")
    first = last = both = nothing
    if identified(total, [FIRST, LAST, *label]):
        columns = [FIRST, LAST, *label]
        first = contrast(moments, columns, [1, 0, *[0] * len(label)])
        last = contrast(moments, columns, [0, 1, *[0] * len(label)])
        both = contrast(moments, columns, [1, -1, *[0] * len(label)])
    elif identified(_one_place(total), [0, *range(1, 1 + len(label))]):
        # Every option is in the middle always or never: only the difference can be had.
        merged = [Moments(_one_place(m.squares), _one_side(m.products)) for m in moments]
        columns = list(range(1 + len(label)))
        both = contrast(merged, columns, [2, *[0] * len(label)])
        alone = "needs an order that moves options into the middle (shuffled)"
        first = last = Effect(estimate=None, reason=alone)
    effects = [
        one.model_copy(update={"reason": reason or one.reason}) for one in (first, last, both)
    ]
    return effects[0], effects[1], effects[2], _label_effect(moments, total, label)


def _label_effect(moments: Sequence[Moments], total: Floats, label: Sequence[int]) -> Effect:
    if not identified(total, [LABEL]):
        return Effect(estimate=None, reason="every option has one label in all forms")
    if not label:
        return Effect(estimate=None, reason="confounded with the first place")
    if identified(total, [FIRST, LAST, LABEL]):
        return contrast(moments, [FIRST, LAST, LABEL], [0, 0, 1])
    merged = [Moments(_one_place(m.squares), _one_side(m.products)) for m in moments]
    if identified(_one_place(total), [0, 1]):
        return contrast(merged, [0, 1], [0, 1])
    return contrast(moments, [LABEL], [1])


def _place_known(total: Floats, label: Sequence[int]) -> bool:
    """Whether place and label are both identified; place may not vary at all."""
    place = total[FIRST, FIRST] > 1e-12
    return not place or identified(_one_place(total), [0, *range(1, 1 + len(label))])


def _merge() -> Floats:
    """Regressors (first less last, label) from (first, last, label)."""
    return np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])


def _one_place(squares: Floats) -> Floats:
    return _merge().T @ squares @ _merge()


def _one_side(products: Floats) -> Floats:
    return _merge().T @ products


# Direction


def _direction_moments(
    forms: FormSet, files: Sequence[FormFile], targets: Sequence[Floats]
) -> Iterator[Moments]:
    """Moments of the mean answer to ordinal questions on reversed numbers and reversed order."""
    geometry = forms.survey.geometry
    numbered = [n for n, file in enumerate(files) if file.form.direction != "by place"]
    if len(numbered) < 2:
        return
    turned = {"scale": 0.0, "reversed": 1.0}
    x = np.array(
        [
            [float(files[n].form.direction == "reversed"), turned.get(files[n].form.order, 0.5)]
            for n in numbered
        ]
    )
    for question in np.flatnonzero(geometry.ordinal):
        size = geometry.sizes[question]
        places = np.arange(size) / (size - 1)
        y = np.array([targets[n][:, question, :size] @ places for n in numbered])
        yield within_moments(y[..., None], x[:, None, :])


def _direction(moments: Sequence[Moments]) -> Effect:
    """Lean towards high numbers, on [0, 1] along the scale: minus half the coefficient."""
    total = np.sum([m.squares for m in moments], axis=0) if moments else np.zeros((2, 2))
    if not identified(total, [DIRECTION]):
        return Effect(estimate=None, reason="no form turns the numbers round")
    if identified(total, [DIRECTION, ORDER]):
        return contrast(moments, [DIRECTION, ORDER], [-0.5, 0])
    effect = contrast(moments, [DIRECTION], [-0.5])
    if total[ORDER, ORDER] <= 1e-12:
        return effect
    return effect.model_copy(update={"reason": "confounded with the order of the answers"})


# Acquiescence


def agreeing(question_id: str, codes: Sequence[int]) -> list[int]:
    """Positions of the options that agree with a question's statement; empty if it has none."""
    question = codebook.value_questions()[question_id]
    if question.scale is None or not question.scale.agreement:
        return []
    middle = (len(codes) - 1) / 2
    rising = question.orientation == "more agreement"
    return [place for place in range(len(codes)) if (place > middle if rising else place < middle)]


def acquiescence(forms: FormSet, model: str) -> Effect:
    """Mean share of agreement with statements over a model's forms, less people's.

    A question counts once, with the mean over its forms and countries.
    """
    survey = forms.survey
    values = []
    for question, name in enumerate(survey.geometry.question_ids):
        places = agreeing(name, survey.geometry.codes[question])
        if not places:
            continue
        people = survey.shares[:, question, places].sum(axis=-1)
        by_file = [
            np.where(forms.shown[question], np.nan, f.answers.shares[:, question, places].sum(-1))
            for f in forms.of(model)
        ]
        values.append(float(row_means(row_means(np.array(by_file) - people))))
    effect = mean_effect(np.array(values, float))
    if effect.estimate is None:
        return Effect(estimate=None, reason="no question asks for agreement with a statement")
    return effect
