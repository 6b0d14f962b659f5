"""Sets of prompt forms that show what scores depend on: fractional factorial designs.

All combinations of order, labels, language, method and the rest are far more forms than anybody
asks. A design of N of them tells the main effect of every factor where the columns of its model
matrix X (a constant, and effects-coded levels of each factor) are independent; it tells them most
surely where det(X'X) is largest, which also balances the levels. The design is found by adding the
form that raises the determinant most, then exchanging forms as long as that helps.

Source: Fedorov (1972), Theory of Optimal Experiments; Atkinson, Donev & Tobias (2007), Optimum
Experimental Designs, chapter 12.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.errors import fail
from contracts.predictions.form import DEFAULT_VARIANT, turned_order
from elicitation.study.methods import METHODS

#: Levels of the factors that need nothing but the prompt.
ORDERS = ("scale", "reversed", "shuffled")
LABELS = ("numbers", "letters", "numbers-reversed")
PERSONAS = ("1", "2", "3")
EXAMPLES = ("usual", "examples=3", "example-shares=1")
THINKING = ("off", "on")

#: Factors in the order of a form's fields; the last, a second run of the first form, is no level.
FACTORS = (
    "method", "order", "labels", "language", "steering", "persona", "thinking", "examples",
    "retest",
)  # fmt: skip

#: Forms of a design, unless a number or the calls allowed say otherwise.
USUAL_FORMS = 12

#: Keeps the determinant above 0 while there are fewer forms than columns.
_RIDGE = 1e-3

#: A change of the log determinant below this is none.
_GAIN = 1e-9


class Form(NamedTuple):
    """One form: a level of every factor, and the number of its run."""

    method: str
    order: str = "scale"
    labels: str = "numbers"
    language: str = "en"
    steering: str = "none"
    persona: str = "1"
    thinking: str = ""
    examples: str = "usual"
    repeat: int = 1

    @property
    def variant(self) -> str:
        """Name of the form's variant, as `--vary` takes it."""
        own = METHODS[self.method].labels
        kind, _, turned = self.labels.partition("-")
        parts = []
        order = self.order
        if turned:
            parts.append("reversed-scale")
            order = turned_order(order)
        if order != "scale":
            parts.append({"reversed": "reversed-order"}.get(order, order))
        if kind != own:
            parts.append(kind)
        if self.examples != "usual":
            parts.append(self.examples)
        if self.persona != "1":
            parts.append(f"persona={self.persona}")
        if self.repeat > 1:
            parts.append(f"repeat={self.repeat}")
        return "+".join(parts) or DEFAULT_VARIANT


def candidates(levels: Mapping[str, Sequence[str]]) -> list[Form]:
    """Every form that exists, the usual form of the first levels first.

    Args:
        levels: levels of each factor of `Form`, the usual one first.

    Examples belong to verbalised answers, thinking to written ones, persona texts to English
    prompts that name a country; elsewhere only the usual level exists.
    """
    names = [name for name in Form._fields if name != "repeat"]
    distinct_forms: dict[Form, None] = {}
    for combination in product(*(levels[name] for name in names)):
        form = Form._make((*combination, 1))
        if METHODS[form.method].reader != "shares":
            form = form._replace(examples="usual")
        if METHODS[form.method].request_kind != "generate":
            form = form._replace(thinking=levels["thinking"][0])
        if form.steering == "none" or form.language != "en":
            form = form._replace(persona="1")
        distinct_forms[_with_labels(form, levels["labels"])] = None
    usual = next(iter(distinct_forms))
    return sorted(distinct_forms, key=lambda form: (form != usual,))


def _with_labels(form: Form, labels: Sequence[str]) -> Form:
    """The form; where labels are not varied, with those of its method."""
    if len(labels) > 1:
        return form
    return form._replace(labels=METHODS[form.method].labels)


def model_matrix(forms: Sequence[Form]) -> NDArray[np.float64]:
    """Constant and effects-coded levels of every factor that varies, shape (N, p)."""
    columns = [np.ones(len(forms))]
    for at in range(len(Form._fields) - 1):
        levels = list(dict.fromkeys(form[at] for form in forms))
        last = np.array([form[at] == levels[-1] for form in forms], float)
        for level in levels[:-1]:
            columns.append(np.array([form[at] == level for form in forms], float) - last)
    return np.column_stack(columns)


def choose_forms(forms: Sequence[Form], count: int) -> list[Form]:
    """A D-optimal set of forms of a given size; the first form always belongs to it.

    The same forms give the same set: nothing is drawn at random, and of equals the earlier form
    is taken.
    """
    if count >= len(forms):
        return list(forms)
    x = model_matrix(forms)
    chosen = [0]
    while len(chosen) < count:
        chosen.append(_best_added(x, chosen))
    for _ in range(20):
        before = list(chosen)
        for place in range(1, count):
            rest = chosen[:place] + chosen[place + 1 :]
            added = _best_added(x, rest)
            if _log_det(x[[*rest, added]]) > _log_det(x[chosen]) + _GAIN:
                chosen = [*rest[:place], added, *rest[place:]]
        if chosen == before:
            break
    return [forms[place] for place in sorted(chosen)]


def _log_det(x: NDArray[np.float64]) -> float:
    return float(np.linalg.slogdet(x.T @ x + _RIDGE * np.eye(x.shape[1]))[1])


def _best_added(x: NDArray[np.float64], chosen: Sequence[int]) -> int:
    """The row that raises the determinant most: det(M + v v') = det(M) (1 + v' M^-1 v)."""
    information = x[list(chosen)].T @ x[list(chosen)] + _RIDGE * np.eye(x.shape[1])
    gain = np.einsum("np,pq,nq->n", x, np.linalg.inv(information), x)
    gain[list(chosen)] = -np.inf
    return int(np.flatnonzero(gain >= gain.max() - _GAIN)[0])


class Design(NamedTuple):
    """Forms that are asked, with the calls of each.

    Attributes:
        forms: the forms, the usual one first; its second run last.
        calls: calls of each form.
        balance: how often each level of each factor that varies stands in the design.
    """

    forms: tuple[Form, ...]
    calls: tuple[int, ...]
    balance: dict[str, dict[str, int]]


def make_design(
    forms: Sequence[Form],
    sizes: Mapping[Form, int],
    *,
    count: int | None = None,
    max_calls: int | None = None,
    retest: bool = True,
) -> Design:
    """The design of a size, or the largest that the calls allow.

    Args:
        forms: candidates, the usual form first.
        sizes: calls of each candidate.
        count: number of different forms; None for the usual number.
        max_calls: most calls of all forms together.
        retest: whether the usual form is asked a second time.

    Raises:
        ContractError: there are fewer than two forms, or not even two fit the calls.
    """
    if len(forms) < 2:
        raise fail(
            "one-form",
            "the forms differ in nothing",
            column="--factors",
            allowed=", ".join(FACTORS),
            hint="Let some factor vary; language and steering take the levels that --languages "
            "and --steer name.",
        )
    extra = sizes[forms[0]] if retest else 0
    largest = min(count or USUAL_FORMS, len(forms))
    if largest < 2:
        raise fail("few-forms", "a design has at least two forms", column="--forms")
    for size in range(largest, 1, -1):
        chosen = choose_forms(forms, size)
        calls = sum(sizes[form] for form in chosen) + extra
        if max_calls is None or calls <= max_calls:
            return _design(chosen, sizes, retest=retest)
    raise fail(
        "few-calls",
        "not even two forms fit the number of calls",
        column="--max-calls",
        found=str(max_calls),
        allowed=f"at least {calls:,}",
        hint="Ask fewer questions (--questions probe), countries or methods, or leave out the "
        "retest (--factors).",
    )


def _design(chosen: Sequence[Form], sizes: Mapping[Form, int], *, retest: bool) -> Design:
    again = [chosen[0]._replace(repeat=2)] if retest else []
    calls = [sizes[form] for form in chosen] + [sizes[chosen[0]] for _ in again]
    return Design((*chosen, *again), tuple(calls), dict(_balance(chosen)))


def _balance(forms: Sequence[Form]) -> Iterator[tuple[str, dict[str, int]]]:
    for at, name in enumerate(Form._fields[:-1]):
        level_counts = Counter(str(form[at]) for form in forms)
        if len(level_counts) > 1:
            yield name, dict(level_counts)
