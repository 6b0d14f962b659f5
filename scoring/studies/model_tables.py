"""Prompt sensitivity and models side by side as tables of text."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.specs import score_title
from contracts.studies import ChatPair, ModelRow, ModelsStudy, SensitivityRow, SensitivityStudy
from scoring.presentation.summary import country_name, number, p_value
from scoring.studies.text_table import TextTable, signed

_QUANTITIES = {"parameters": "number of parameters", "training_tokens": "training tokens"}


def sensitivity_tables(study: SensitivityStudy) -> Iterator[TextTable]:
    """A table for each way of asking each model."""
    columns = ["Prompt", "Alignment", "Less default", "r over countries", "r over questions"]
    columns += ["Mean change of a cell", "Countries", "Questions"]
    for group in study.groups:
        base = ["default", number(group.score), *["–"] * (len(columns) - 2)]
        title = f"{group.model}, {group.method}, steering {group.steering}, {group.language}"
        yield TextTable(title, columns, [base, *map(_sensitivity_row, group.rows)])


def _sensitivity_row(row: SensitivityRow) -> list[str]:
    return [
        row.variant,
        number(row.score),
        signed(row.difference),
        number(row.countries_pearson),
        number(row.questions_pearson),
        number(row.mean_absolute_change),
        str(row.countries),
        str(row.questions),
    ]


def sensitivity_legend(study: SensitivityStudy) -> list[str]:
    """What the columns mean."""
    del study
    return [
        "Correlations and changes are over the cells that both prompts answered. Correlations over "
        "countries are high for any prompt: countries differ more than prompts do."
    ]


def model_tables(study: ModelsStudy) -> Iterator[TextTable]:
    """Scores, trends, pairs of base and chat, countries by models."""
    title = score_title(study.score)
    columns = ["Model", title, "95 % interval", "Parameters", "Training tokens", "Tuning"]
    yield TextTable("Scores", columns, [_model_row(row) for row in study.rows])
    columns = ["Over", "Spearman", "p", "Models"]
    rows = [
        [_QUANTITIES[t.quantity], number(t.spearman), p_value(t.p_value), str(t.models)]
        for t in study.trends
    ]
    yield TextTable(f"Trends of: {title}", columns, rows)
    if study.pairs:
        columns = ["Chat model", "Base model", "Chat", "Base", "Difference"]
        yield TextTable("Chat beside base", columns, [_pair(one) for one in study.pairs], left=2)
    if study.matrix is not None:
        rows = [
            [country_name(country), *map(number, values)]
            for country, values in zip(study.matrix.countries, study.matrix.alignment, strict=True)
        ]
        yield TextTable("Alignment by country", ["Country", *study.matrix.models], rows)


def _model_row(row: ModelRow) -> list[str]:
    ends = "–" if row.low is None else f"{number(row.low)} to {number(row.high)}"
    tuning = {True: "chat", False: "base", None: "–"}[row.chat]
    return [row.model, number(row.score), ends, _billions(row.parameters),
            _billions(row.training_tokens), tuning]  # fmt: skip


def _billions(quantity: float | None) -> str:
    return "–" if quantity is None else f"{quantity / 1e9:,.4g} B"


def _pair(pair: ChatPair) -> list[str]:
    scores = (number(pair.chat_score), number(pair.base_score))
    return [pair.chat, pair.base, *scores, signed(pair.difference)]


def models_legend(study: ModelsStudy) -> list[str]:
    """How trends are computed."""
    del study
    return [
        "Trends: Spearman's correlation over the models whose metadata state the quantity, with a "
        "two-sided permutation p-value, not adjusted; three models or more. A trend over few "
        "models of different families is no effect of size."
    ]
