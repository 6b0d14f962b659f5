"""Answer shares of waves 5 and 6: the embedded reference's own, else wave 7's, borrowed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from codebook import countries, value_questions
from codebook.crosswalk import exception_of, wave_variable
from codebook.respondents.harmonised import GROUP_VARIABLES, HARMONISED
from dataset_builder.synthesis.clusters import weight_effects
from dataset_builder.synthesis.marginals import (
    OPTION_SLOTS,
    AnswerShares,
    ReferenceCells,
    read_answer_shares,
)
from dataset_builder.synthesis.missing import OTHER_SLOTS
from dataset_builder.synthesis.template import CountryTemplate, country_sizes, data_rows

_NOT_ASKED = OPTION_SLOTS + OTHER_SLOTS.index("not_asked")


@cache
def wave_templates(wave: int) -> tuple[CountryTemplate, ...]:
    """Countries of a synthetic file of wave 5 or 6, with their number of people."""
    return tuple(
        CountryTemplate(
            country=row["country"],
            wvs_code=countries()[row["country"]].wvs_code,
            continent=countries()[row["country"]].continent,
            people=int(row["people"]),
            year=0,
            cow_number=0,
            cow_letters="",
        )
        for row in data_rows("earlier_waves.csv")
        if int(row["wave"]) == wave
    )


def wave_sizes(wave: int, people: int | None) -> tuple[int, ...]:
    """People per country, by default those of the wave."""
    return country_sizes(people, templates=wave_templates(wave))


def asked(wave: int) -> tuple[str, ...]:
    """Value questions that a wave asked."""
    return tuple(q for q in value_questions() if wave_variable(q, wave) is not None)


@cache
def read_wave_shares(wave: int) -> AnswerShares:
    """Shares of a wave for all countries of `wave_templates`, in the codes of wave 7.

    What the reference lacks of a country and question is borrowed from the country's own wave 7,
    or its continent's; options that nobody of the reference chose in the wave are left out
    of what is borrowed. A question that the wave did not ask has the share 1 of "not asked", and
    so has one that a country asked in a way of its own.
    """
    templates = wave_templates(wave)
    counts, weighted = _own(wave, [t.country for t in templates])
    borrowed = counts.sum(axis=2) == 0
    offered = _offered(counts)
    everyone, options = _normalised(counts), _normalised(weighted)
    for place, template in enumerate(templates):
        lent = np.where(offered, _lent(template), 0.0)
        gap = borrowed[place]
        everyone[place, gap] = _normalised(lent)[gap]
    without = np.isnan(options).any(axis=2)
    options[without] = _normalised(everyone[..., :OPTION_SLOTS])[without]
    _set_not_asked(everyone, borrowed, templates, wave)
    return AnswerShares(
        questions=tuple(value_questions()),
        countries=tuple(t.country for t in templates),
        everyone=everyone.astype(np.float32),
        weighted=np.nan_to_num(options, nan=1 / OPTION_SLOTS).astype(np.float32),
        groups={
            v: np.full(
                (len(templates), len(HARMONISED[v].categories), *everyone.shape[1:]),
                np.nan,
                np.float32,
            )
            for v in GROUP_VARIABLES
        },
        weight_effect=weight_effects(tuple(t.country for t in templates), wave=wave),
        borrowed=borrowed,
    )


def _own(wave: int, names: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Respondents by country, question and slot; weighted shares of options."""
    cells = ReferenceCells.read(names, wave=wave)
    return cells.counts(), cells.options("", "weighted_share")


def _offered(counts: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Slots that someone of the wave chose; all, where the reference lacks the question."""
    offered = counts.sum(axis=0) > 0
    offered[~offered[:, :OPTION_SLOTS].any(axis=1)] = True
    offered[:, OPTION_SLOTS:] = True
    return offered


def _lent(template: CountryTemplate) -> NDArray[np.float64]:
    """Wave 7's shares of a country, or the mean of its continent's countries."""
    shares = read_answer_shares()
    if template.country in shares.countries:
        return shares.everyone[shares.countries.index(template.country)].astype(np.float64)
    here = [countries()[c].continent == template.continent for c in shares.countries]
    return np.asarray(shares.everyone[here].mean(axis=0, dtype=np.float64))


def _normalised(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return counts / counts.sum(axis=-1, keepdims=True)


def _set_not_asked(
    everyone: NDArray[np.float64],
    borrowed: NDArray[np.bool_],
    templates: Sequence[CountryTemplate],
    wave: int,
) -> None:
    """Put "not asked" where the wave, or a country, did not ask; nothing is borrowed there."""
    known = set(asked(wave))
    for j, question in enumerate(value_questions()):
        for i, template in enumerate(templates):
            exception = exception_of(question, wave, template.country)
            variant = exception is not None and exception.kind == "not comparable"
            if question not in known or variant or np.isnan(everyone[i, j]).any():
                everyone[i, j] = 0.0
                everyone[i, j, _NOT_ASKED] = 1.0
                borrowed[i, j] = False
