"""The form of a prompt, as the metadata of predictions say it: what a study of robustness varies.

`form_of` reads method, steering, language, thinking and the parts of `extra.variant` (such as
`reversed-order+letters`); `shown_codes` says in which order a form showed the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from codebook import value_questions
from codebook.wordings.wording import OWN_NAME
from contracts.digests import sha256_text
from contracts.predictions.meta import PredictionsMeta

#: Name of the form that changes nothing.
DEFAULT_VARIANT = "default"

#: Methods whose answers carry letters unless a form says otherwise.
_LETTERED = frozenset({"option_likelihood", "label_likelihood"})

#: Orders in which answers are shown: of the codebook, its reverse, drawn; or the mean of two
#: opposite orders, of the codebook or drawn.
ORDERS = ("scale", "reversed", "shuffled", "both", "both shuffled")

#: Titles of the factors of a form, in the order in which they are named.
FACTORS = {
    "method": "Method",
    "order": "Order of the answers",
    "labels": "Labels",
    "direction": "Direction of the numbers",
    "steering": "Steering",
    "language": "Language",
    "persona": "Persona text",
    "thinking": "Thinking",
    "examples": "Examples",
    "wording": "Wording",
    "other": "Other",
}


class PromptForm(NamedTuple):
    """Levels of the factors that make the form of a prompt.

    Attributes:
        method: way of asking.
        order: order of the answers shown, one of `ORDERS`.
        order_seed: seed of drawn orders, None where it is not known; 0 for other orders.
        labels: `numbers` or `letters`.
        direction: `forward` where numbers rise along the scale, `reversed` where they run from
            its other end; `by place` for letters, which always follow the order shown.
        steering: none, persona, few-shot.
        language: of the prompts, or `own`.
        persona: text that names the people asked about; empty for the usual one.
        thinking: on, off or default.
        examples: number of examples and seed of their shares; empty for the usual ones.
        wording: name of the wording, if it is not the project's own.
        other: parts of the variant's name that are none of these.
    """

    method: str
    order: str = "scale"
    order_seed: int | None = 0
    labels: str = "numbers"
    direction: str = "forward"
    steering: str = "none"
    language: str = "en"
    persona: str = ""
    thinking: str = "default"
    examples: str = ""
    wording: str = ""
    other: str = ""


def form_of(meta: PredictionsMeta) -> PromptForm:
    """The form that predictions say they were asked in."""
    variant = str(meta.extra.get("variant") or DEFAULT_VARIANT)
    parts = [part.strip() for part in variant.split("+") if part.strip() != DEFAULT_VARIANT]
    labels = "letters" if meta.method in _LETTERED else "numbers"
    order, turned = "scale", False
    named: dict[str, list[str]] = {"examples": [], "persona": [], "other": []}
    for part in parts:
        if part in ("shuffled", "reversed-order"):
            order = part.removesuffix("-order")
        elif part in ("letters", "numbers"):
            labels = part
        elif part == "reversed-scale":
            turned = True
        elif part.startswith("repeat=") or part == "persona=1":
            continue  # the same prompts once more
        else:
            kind = part.partition("=")[0]
            where = {"examples": "examples", "example-shares": "examples", "persona": "persona"}
            named[where.get(kind, "other")].append(part)
    drawn = order == "shuffled"
    if meta.decoding.get("orders") == 2:
        order = "both shuffled" if drawn else "both"
    elif turned:
        order = turned_order(order)
    direction = "by place" if labels == "letters" else "reversed" if turned else "forward"
    return PromptForm(
        method=meta.method,
        order=order,
        order_seed=meta.seed if drawn else 0,
        labels=labels,
        direction=direction,
        steering=meta.steering,
        language=meta.language,
        persona="+".join(named["persona"]),
        thinking=str(meta.decoding.get("thinking") or "default"),
        examples="+".join(named["examples"]),
        wording="" if meta.wording == OWN_NAME else meta.wording,
        other="+".join(named["other"]),
    )


def turned_order(order: str) -> str:
    """The order in which a scale is shown once it is turned round: its other end comes first."""
    return {"scale": "reversed", "reversed": "scale"}.get(order, order)


def form_name(form: PromptForm, factors: Sequence[str]) -> str:
    """A form by its levels of some factors, for instance `reversed order, letters`."""
    words = {
        "order": _order_name(form),
        "labels": "" if form.direction == "reversed" else form.labels,
        "direction": "numbers reversed" if form.direction == "reversed" else "",
        "steering": {"none": "unsteered"}.get(form.steering, form.steering),
        "persona": form.persona or "usual persona text",
        "thinking": f"thinking {form.thinking}",
        "examples": form.examples or "usual examples",
        "wording": f"wording {form.wording or OWN_NAME}",
        "other": form.other,
    }
    levels = [words.get(factor, getattr(form, factor)) for factor in factors]
    return ", ".join(level for level in levels if level) or DEFAULT_VARIANT


def _order_name(form: PromptForm) -> str:
    seed = f" (seed {form.order_seed})" if form.order_seed else ""
    names = {"both": "both orders", "both shuffled": f"two opposite shuffled orders{seed}"}
    return names.get(form.order, f"{form.order} order{seed}")


def shuffled_codes(question_id: str, codes: Sequence[int], *, seed: int) -> list[int]:
    """Codes in an order drawn for the question; never the order given, nor its reverse where
    there are more than two."""
    import numpy as np

    rng = np.random.default_rng([seed, int(sha256_text(f"order {question_id}")[:8], 16)])
    taken = {tuple(codes), tuple(reversed(codes))} if len(codes) > 2 else {tuple(codes)}
    while True:
        drawn = [int(code) for code in rng.permutation(codes)]
        if tuple(drawn) not in taken:
            return drawn


def shown_codes(question_id: str, form: PromptForm) -> list[list[int]]:
    """Raw codes in the order shown; two lists where two opposite orders were averaged.

    Empty where it is not known: answers were shuffled, and the metadata name no seed.
    """
    scale = value_questions()[question_id].scale
    assert scale is not None
    codes = list(scale.offered)
    if form.order.endswith("shuffled"):
        if form.order_seed is None:
            return []
        codes = shuffled_codes(question_id, scale.offered, seed=form.order_seed)
    elif form.order == "reversed":
        codes = codes[::-1]
    return [codes, codes[::-1]] if form.order.startswith("both") else [codes]
