"""What is declared of a protocol, of a kind of answers, of a score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from math import inf
from types import MappingProxyType
from typing import Any, Literal

#: Kinds of answers: shares of a population, ratings of single persons, whole synthetic persons,
#: advice in dilemmas.
Kind = Literal["distribution", "rating", "persons", "advice"]


def load(name: str) -> Callable[..., Any]:
    """The function that an import string names, for instance `scoring.measures:alignment`.

    Raises:
        ValueError: the string does not have the form `module:function`.
        ImportError: there is no such module.
        AttributeError: the module has no such function.
    """
    module, colon, function = name.partition(":")
    if not colon or not module or not function:
        raise ValueError(f"an import string has the form module:function, not {name!r}")
    target_function: Callable[..., Any] = getattr(import_module(module), function)
    return target_function


@dataclass(frozen=True)
class ProtocolSpec:
    """A protocol: what is asked, how, and how the answers are scored.

    Attributes:
        name: as in predictions files and reports.
        kind: kind of answers that it scores.
        method: method of asking, unless another is named; "" for a protocol whose files come from
            elsewhere, which `elicit` does not ask.
        steering: conditions asked by default.
        asked: question sets asked by default, those that are scored first; none for a protocol of
            dilemmas.
        scored_on: question set scored on when none is named.
        about: what it does: a predicate whose subject is the protocol's name.
        scorer: import string of its scorer, for protocols that share a kind of answers:
            `(inputs, rng) -> scoring.protocols.report_part.Outcome`, with `inputs` the
            `DistributionInputs` of `scoring.protocols.score_distributions`. Empty where the
            kind's own scorer fills the protocol's result.
        tables: import string of the model of its tables, a `contracts.report.ProtocolTables`.
            Empty: its tables are plain JSON by name.
        detail: import string of the HTML of its tables on the board: `(tables) -> str`, given the
            model of the tables. Empty: no section of its own; the report page shows tables of
            plain rows in any case.
        web_methods: methods that the web form offers, the usual one first; none: not offered.
        dilemmas: whether it asks dilemmas in place of the survey's questions.
    """

    name: str
    kind: Kind
    method: str
    steering: tuple[str, ...]
    asked: tuple[str, ...]
    scored_on: str
    about: str
    scorer: str = ""
    tables: str = ""
    detail: str = ""
    web_methods: tuple[str, ...] = ()
    dilemmas: bool = False


@dataclass(frozen=True)
class KindSpec:
    """A kind of answers: who scores a file of it, and what the file cannot serve.

    Attributes:
        name: as in reports.
        protocol: the protocol that a file of it serves where its report lists none.
        scorer: import string: `(predictions, release, task, *, cells) -> Part`.
        protected_scorer: import string of the scorer for reports shown to others; "" where the
            first one reads the release's protected view.
        reasons: why a protocol does not apply, by the kind of answers that it needs.
        scored_on: question set scored on whatever the protocol; "" leaves it to the protocol.
        headline: score that stands for the whole report.
        population: whether answers stand for a population, whose respondents are weighted.
        individuals: whether answers stand for single respondents, whose rows are private.
        survey: whether it is compared with respondents of the survey.
        ranked: whether the board's default ranking includes it.
    """

    name: Kind
    protocol: str
    scorer: str
    protected_scorer: str = ""
    reasons: Mapping[Kind, str] = field(default_factory=lambda: MappingProxyType({}))
    scored_on: str = ""
    headline: str = "alignment"
    population: bool = False
    individuals: bool = False
    survey: bool = True
    ranked: bool = True


@dataclass(frozen=True)
class BoardColumn:
    """A score's column that the board always has.

    Attributes:
        key: the column's key.
        title: heading.
        tip: explanation shown on pointing at the heading; empty without a fixed column, where
            the key is another name of the score only.
        beside: whether the score is also listed under its own name; several scores can then
            share the column, and the first with an estimate fills it.
    """

    key: str
    title: str = ""
    tip: str = ""
    beside: bool = False


@dataclass(frozen=True)
class ScoreSpec:
    """A score of reports.

    Attributes:
        key: its name in reports.
        title: heading.
        reading: how to read it, in a sentence.
        formula: where the formula stands: a page and heading of `docs/`, or a function.
        higher_is_better: its direction.
        low, high: values that it can take.
        cells: import string of the function that computes it, for scores that are a country-equal
            mean over (country, question) cells: `(CellInputs) -> array (C, Q)`; see
            `scoring.protocols.alignment.cells`. Empty where a protocol's scorer computes it.
        screen: its meaning in a few words where the terminal shows it; "" leaves it to the file.
        column: its fixed column of the board; None lists it under its own name when present.
        decimals: digits after the point that it is shown with.
        protected: whether reports of ratings on a private release may show it.
        about_model: whether it says something of the model; if not, the board gives it a row of
            its own.
    """

    key: str
    title: str
    reading: str
    formula: str = "docs/scoring.md"
    higher_is_better: bool = True
    low: float = -inf
    high: float = inf
    cells: str = ""
    screen: str = ""
    column: BoardColumn | None = None
    decimals: int = 3
    protected: bool = False
    about_model: bool = True
