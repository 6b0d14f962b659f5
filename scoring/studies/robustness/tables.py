"""The study of robustness as tables of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.predictions.form import FACTORS
from contracts.robustness import Effect, RobustnessStudy
from scoring.presentation.summary import number, p_value, percent
from scoring.studies.text_table import TextTable, signed

#: Biases in the order of the table, with their titles.
BIASES = {
    "first_less_last": "First less last place",
    "first_position": "First place",
    "last_position": "Last place",
    "first_label": "First label (1 or A)",
    "scale_direction": "High numbers",
    "acquiescence": "Agreement less people's",
}


def robustness_tables(study: Mapping[str, Any]) -> Iterator[TextTable]:
    """Every table of the study."""
    parsed_study = RobustnessStudy.model_validate(study)
    yield _models(parsed_study)
    yield _curve(parsed_study)
    if parsed_study.pairs:
        yield _pairs(parsed_study)
    yield from _variance(parsed_study)
    if parsed_study.effects:
        yield _effects(parsed_study)
    yield _biases(parsed_study)
    if parsed_study.retests:
        yield _retests(parsed_study)
    yield _refusals(parsed_study)
    if parsed_study.recall:
        yield _recall(parsed_study)


def _models(study: RobustnessStudy) -> TextTable:
    rows = [
        [
            one.model,
            number(one.mean),
            f"{number(one.lowest)} to {number(one.highest)}",
            number(one.sd),
            _rank(one.best_rank)
            if one.best_rank == one.worst_rank
            else f"{_rank(one.best_rank)} to {_rank(one.worst_rank)}",
            f"{one.same_rank} of {one.forms}",
        ]
        for one in study.robustness
    ]
    columns = ["Model", "Mean over forms", "Lowest to highest", "sd", "Ranks", "Most frequent rank"]
    note = f"Alignment on the {study.common_cells:,} cells that every model answered in every form."
    return TextTable("Scores over forms", columns, rows, note)


def _curve(study: RobustnessStudy) -> TextTable:
    rows = [
        [row.form, *(f"{number(row.scores[m])} ({_rank(row.ranks[m])})" for m in study.models)]
        for row in study.curve
    ]
    note = "Score and, in brackets, rank under each form; the form with the highest mean first."
    return TextTable("Specification curve", ["Form", *study.models], rows, note)


def _rank(rank: float | None) -> str:
    return "–" if rank is None else f"{rank:g}"


def _pairs(study: RobustnessStudy) -> TextTable:
    rows = [
        [
            f"{one.first} before {one.second}",
            f"{one.same_order} of {one.forms}",
            signed(one.difference),
            f"{signed(one.lowest)} to {signed(one.highest)}",
            str(one.clear),
            str(one.clear_opposite),
        ]
        for one in study.pairs
    ]
    columns = ["Order of the means", "Same order in", "Mean difference", "Lowest to highest"]
    columns += ["Clear", "Clear the other way"]
    note = "Clear: forms with a paired t-test over questions below 0.05."
    return TextTable("Pairs of models", columns, rows, note)


def _variance(study: RobustnessStudy) -> Iterator[TextTable]:
    titles = {"means": "Variance of mean scores", "cells": "Variance of cells"}
    for one in study.decompositions:
        rows = [
            [share.source, percent(share.share), f"{share.sum_of_squares:.4g}"]
            for share in one.shares
        ]
        note = (
            f"{one.method[0].upper()}{one.method[1:]}. Grid: {one.models} models, {one.forms} "
            f"forms, {one.countries} countries, {one.questions} questions."
        )
        yield TextTable(titles[one.of], ["Source", "Share", "Sum of squares"], rows, note)


def _effects(study: RobustnessStudy) -> TextTable:
    rows = [
        [
            FACTORS.get(one.factor, one.factor),
            f"{one.level or 'usual'} against {one.reference or 'usual'}",
            effect_text(one.effect),
            p_value(one.effect.p_value),
        ]
        for one in study.effects
    ]
    note = "Change of the mean score, other factors as they are; intervals over questions."
    return TextTable("Factors", ["Factor", "Level", "Change", "p"], rows, note, left=2)


def effect_text(effect: Effect) -> str:
    """`+0.031 [+0.012, +0.050]`; why there is none, or what it is confounded with."""
    if effect.estimate is None:
        return f"– ({effect.reason})" if effect.reason else "–"
    text = signed(effect.estimate)
    if effect.low is not None:
        text += f" [{signed(effect.low)}, {signed(effect.high)}]"
    return f"{text} ({effect.reason})" if effect.reason else text


def _biases(study: RobustnessStudy) -> TextTable:
    """Biases that some model has an estimate of; of the others, why there is none."""
    there = [n for n in BIASES if any(getattr(b, n).estimate is not None for b in study.biases)]
    rows = [
        [one.model, *(effect_text(getattr(one, name)) for name in there)] for one in study.biases
    ]
    note = (
        "Change of an answer's share by its place or label, within the same cell; lean of the mean "
        "answer towards high numbers, on [0, 1]; share of agreement with statements less people's, "
        "which holds real differences of opinion too. 95 % intervals over questions."
    )
    for name in BIASES:
        if name not in there:
            reasons = dict.fromkeys(getattr(one, name).reason for one in study.biases)
            note += f" {BIASES[name]}: {'; '.join(reasons)}."
    return TextTable("Response biases", ["Model", *(BIASES[n] for n in there)], rows, note)


def _retests(study: RobustnessStudy) -> TextTable:
    rows = [
        [
            one.model,
            one.form,
            str(one.repeats),
            number(one.icc_answers),
            number(one.icc_scores),
            number(one.total_variation),
            f"{one.cells:,}",
        ]
        for one in study.retests
    ]
    columns = ["Model", "Form", "Repeats", "ICC of answers", "ICC of scores", "Total variation"]
    note = "ICC(A,1): absolute agreement of single runs over cells (McGraw & Wong, 1996)."
    return TextTable("Test-retest agreement", [*columns, "Cells"], rows, note, left=2)


def _refusals(study: RobustnessStudy) -> TextTable:
    rows = [
        [
            row.model,
            row.form,
            f"{row.asked:,}",
            *map(percent, (row.answered, row.refused, row.invalid, row.missing)),
        ]
        for row in study.refusals
    ]
    columns = ["Model", "Form", "Asked", "Answered", "Refused", "Unreadable", "Missing"]
    note = "Of the cells asked: a question, as a country or for everyone."
    return TextTable("Answers and refusals by form", columns, rows, note, left=2)


def _recall(study: RobustnessStudy) -> TextTable:
    first = study.recall[0]
    rows = [
        [
            one.model,
            number(one.later_score),
            number(one.earlier_score),
            effect_text(one.difference),
            p_value(one.difference.p_value),
            signed(one.uniform),
            f"{one.countries} countries, {one.difference.questions} questions",
        ]
        for one in study.recall
    ]
    columns = ["Model", f"Wave {first.wave}", f"Wave {first.earlier}", "Difference", "p"]
    columns += ["Of uniform answers", "Common cells"]
    note = (
        "Alignment with the answers of both waves, on questions that asked the same. A difference "
        "beyond that of uniform answers is what recall of the later wave would look like; it may "
        "also be that the model follows how people changed."
    )
    return TextTable("Recall of a wave", columns, rows, note)


def robustness_legend(study: Mapping[str, Any]) -> list[str]:
    """What a reader must know before the tables."""
    factors = ", ".join(FACTORS[name].lower() for name in study["factors"]) or "nothing"
    return [
        f"Forms differ in: {factors}. A ranking that changes with the form of the prompt is no "
        "finding about models."
    ]
