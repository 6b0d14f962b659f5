"""Made-up models with response biases of a known size, as predictions of several forms.

Every question has its own true shares. What a model answers in a form is a mixture: a part of it
goes to the option that the form shows first (or last), or labels 1 or A, the rest to the true
shares; a lean moves the mean answer towards high numbers. Noise, where wanted, is redrawn for
every cell and form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import codebook
from contracts.predictions.form import form_of, shown_codes
from contracts.predictions.meta import PredictionsMeta

#: Forms that tell places, labels and directions apart.
FORMS = (
    "default",
    "reversed-order",
    "shuffled",
    "reversed-scale",
    "letters",
    "reversed-order+letters",
    "shuffled+letters",
    "reversed-scale+reversed-order",
)

#: Forty questions on ordinal scales, all of whose options are offered; statements among them.
QUESTIONS = tuple(
    name
    for name in codebook.question_set("alignment")
    if (scale := codebook.value_questions()[name].scale) is not None
    and scale.is_ordinal
    and scale.offered == scale.codes
    and 3 <= len(scale.codes) <= 5
)[:40]


@dataclass(frozen=True)
class Planted:
    """Biases of a made-up model.

    Attributes:
        first, last, label: part of the answers that goes to the option shown first, shown last,
            and labelled 1 or A.
        lean: shift of the mean answer towards high numbers, on [0, 1].
        agree: part of all answers that moves from disagreement to agreement.
        noise: standard deviation of what is added to every share, before they sum to 1 again.
        form_shift: by how much each form moves the mean answer up the scale.
    """

    first: float = 0.0
    last: float = 0.0
    label: float = 0.0
    lean: float = 0.0
    agree: float = 0.0
    noise: float = 0.0
    form_shift: Mapping[str, float] | None = None


def true_shares(question: str, *, seed: int = 0) -> np.ndarray:
    """True shares of a question, none near 0, so that what moves finds room."""
    scale = codebook.value_questions()[question].scale
    assert scale is not None
    rng = np.random.default_rng([seed, int(question[1:])])
    drawn = rng.dirichlet(np.full(len(scale.codes), 5.0))
    return 0.5 * drawn + 0.5 / len(scale.codes)


def planted_shares(
    question: str, meta: PredictionsMeta, bias: Planted, rng: np.random.Generator, *, seed: int = 0
) -> np.ndarray:
    """Shares that the model gives to a question in a form, in scale order."""
    scale = codebook.value_questions()[question].scale
    assert scale is not None
    codes = list(scale.codes)
    form = form_of(meta)
    shares = true_shares(question, seed=seed)
    if bias.noise:
        shares = shares + rng.normal(0, bias.noise, len(shares))
        shares = np.clip(shares, 0.01, None)
        shares /= shares.sum()
    reversed_numbers = form.direction == "reversed"
    # An answer that averages two orders is the mean of what the model says in each.
    orders = shown_codes(question, form)
    mixed = np.zeros(len(codes))
    for shown in orders:
        lowest = shown[0] if form.labels == "letters" else codes[-1 if reversed_numbers else 0]
        one = (1 - bias.first - bias.last - bias.label) * shares
        for part, code in ((bias.first, shown[0]), (bias.last, shown[-1]), (bias.label, lowest)):
            one[codes.index(code)] += part
        mixed += one / len(orders)
    up = 0.0
    if form.direction != "by place":
        up += -bias.lean if reversed_numbers else bias.lean
    if bias.form_shift:
        up += bias.form_shift.get(str(meta.extra["variant"]), 0.0)
    mixed = _moved_up(mixed, up)
    if bias.agree and scale.agreement:
        mixed = _agreeing(mixed, bias.agree, rising=_rises(question))
    return mixed


def _moved_up(shares: np.ndarray, shift: float) -> np.ndarray:
    """Shares whose mean place on [0, 1] is higher by `shift`: from one end to the other."""
    found = shares.copy()
    found[0] -= shift
    found[-1] += shift
    assert (found >= 0).all(), "the lean leaves no room"
    return found


def _rises(question: str) -> bool:
    return codebook.value_questions()[question].orientation == "more agreement"


def _agreeing(shares: np.ndarray, part: float, *, rising: bool) -> np.ndarray:
    end = shares.copy() if rising else shares[::-1].copy()
    end[0] -= part
    end[-1] += part
    assert (end >= 0).all(), "agreement leaves no room"
    return end if rising else end[::-1]


def planted_records(
    bias: Planted,
    variant: str,
    *,
    questions: Sequence[str] = QUESTIONS,
    model: str = "org/planted",
    noise_seed: int = 0,
    truth: int = 0,
    **meta: Any,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Records of a predictions file and the fields of its metadata."""
    fields: dict[str, Any] = {
        "name": f"{model} {variant} {noise_seed}",
        "model": model,
        "method": "verbalized",
        "seed": 0,
        "wording_digest": "x",
        "extra": {"variant": variant},
        **meta,
    }
    about = PredictionsMeta(**fields)
    rng = np.random.default_rng([noise_seed, *map(ord, variant)])
    return list(_records(bias, about, questions, rng, truth)), fields


def _records(
    bias: Planted,
    about: PredictionsMeta,
    questions: Sequence[str],
    rng: np.random.Generator,
    truth: int,
) -> Iterator[dict[str, Any]]:
    for question in questions:
        scale = codebook.value_questions()[question].scale
        assert scale is not None
        shares = planted_shares(question, about, bias, rng, seed=truth)
        yield {
            "question_id": question,
            "country": "",
            "shares": {str(c): float(s) for c, s in zip(scale.codes, shares, strict=True)},
        }
