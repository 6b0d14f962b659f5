"""Steering tables and trends as Markdown and as one page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from contracts.report_tables.alignment import PreviousWave
from contracts.robustness import RobustnessStudy, SteerabilityStudy
from contracts.studies import (
    ModelsStudy,
    SensitivityStudy,
    SteeringRow,
    SteeringStudy,
    TrendChange,
    TrendQuestion,
    TrendRow,
    TrendStudy,
)
from scoring.presentation.score_texts import ETHICS, LICENCE, plain_name
from scoring.presentation.summary import country_name, number
from scoring.studies.model_tables import (
    model_tables,
    models_legend,
    sensitivity_legend,
    sensitivity_tables,
)
from scoring.studies.robustness.figure import curve_figure
from scoring.studies.robustness.persona_tables import steerability_legend, steerability_tables
from scoring.studies.robustness.tables import robustness_legend, robustness_tables
from scoring.studies.steering import ALL_COUNTRIES, ALL_MODELS, BASE
from scoring.studies.text_table import TextTable, signed

#: Every study that can be laid out.
Study: TypeAlias = (
    SteeringStudy
    | TrendStudy
    | SensitivityStudy
    | RobustnessStudy
    | SteerabilityStudy
    | ModelsStudy
)

#: Rows of a steering table by country, condition and model.
SteeringRows: TypeAlias = Mapping[tuple[str, str, str], SteeringRow]

#: Adjusted p-value below which a difference is marked.
MARKED = 0.05

_KINDS = {"every-wave": "fixed panel", "selected": "C*"}


def study_tables(study: Study) -> list[TextTable]:
    """The tables of a study."""
    return list(_FORMS[study.kind].tables(study))


def study_title(study: Study) -> str:
    """Heading of a study."""
    return f"{_FORMS[study.kind].title}: {study.release.name}, {study.mode} rules"


# Steering


def _steering(study: SteeringStudy) -> Iterator[TextTable]:
    """One table of countries for a single model, a table of models for each country else."""
    rows_by_key = {(row.country, row.condition, row.model): row for row in study.rows}
    if len(study.models) == 1:
        yield _one_model(study, rows_by_key)
        return
    models = [*study.models, ALL_MODELS]
    for country in [*study.countries, ALL_COUNTRIES]:
        rows = []
        for condition in study.conditions:
            cells = [rows_by_key.get((country, condition, model)) for model in models]
            if any(cells):
                rows.append([_condition(condition), *_steering_cells(cells, study)])
        if rows:
            note = "" if country == ALL_COUNTRIES else _questions_note(rows_by_key, country)
            yield TextTable(country_name(country), ["Condition", *models], rows, note)


def _one_model(study: SteeringStudy, rows_by_key: SteeringRows) -> TextTable:
    (model,) = study.models
    rows = []
    for country in [*study.countries, ALL_COUNTRIES]:
        cells = [rows_by_key.get((country, condition, model)) for condition in study.conditions]
        counts = {str(cell.questions) for cell in cells if cell}
        if counts:
            questions = " or ".join(sorted(counts))
            rows.append([country_name(country), *_steering_cells(cells, study), questions])
    conditions = [_condition(condition) for condition in study.conditions]
    return TextTable(
        model,
        ["Country", *conditions, "Questions"],
        rows,
        "Questions: those common to all conditions of a country.",
    )


def _steering_cells(cells: Sequence[SteeringRow | None], study: SteeringStudy) -> list[str]:
    return [_steering_cell(cell, paper=study.mode != "corrected") for cell in cells]


def _condition(name: str) -> str:
    return "none (base)" if name == BASE else name


def _steering_cell(cell: SteeringRow | None, *, paper: bool) -> str:
    """`0.853 (+0.012)`, with the paper's stars, or a mark where the adjusted test rejects."""
    if cell is None:
        return "–"
    text = number(cell.alignment, 4 if paper else 3)
    if paper:
        return text + "*" * cell.stars
    if cell.difference is None:
        return text
    mark = "†" if cell.p_holm is not None and cell.p_holm < MARKED else ""
    return f"{text} ({signed(cell.difference)}){mark}"


def _questions_note(rows_by_key: SteeringRows, country: str) -> str:
    counts = sorted({row.questions for (c, _, m), row in rows_by_key.items()
                     if c == country and m != ALL_MODELS})  # fmt: skip
    return f"{' or '.join(map(str, counts))} questions common to all conditions of a model"


# Trend


def _trend(study: TrendStudy) -> Iterator[TextTable]:
    waves = sorted({row.wave for row in study.rows})
    if waves:
        yield TextTable(
            "Alignment by wave",
            ["Report", "Countries", *(f"Wave {wave}" for wave in waves), "People a wave before"],
            list(_wave_rows(study.rows, waves)),
            "Mean over countries with its 95 % interval, sd and number of countries; null below "
            "five. Fixed panel: the countries and cells of every wave. C*: countries neither over- "
            "nor under-aligned in wave 7. People a wave before: how close they are to the last "
            "wave, and in brackets the answers' own score on the same cells.",
            left=2,
        )
        yield TextTable(
            "Nearer to the first or the last wave",
            ["Report", "Difference", "p (Holm)", "Questions", "Nearer first", "Nearer last"],
            [_change_row(row) for row in study.changes],
            "Last wave less first over the panel's questions; paired sign flips over questions.",
        )
    if study.questions:
        yield TextTable(
            "Questions",
            ["Report", "Question", "First", "Last", "Difference", "p (Holm)", "Nearer", "Number"],
            [_question_row(row) for row in study.questions],
            "Paired sign flips over the panel's countries, adjusted over a report's questions.",
            left=2,
        )
    if study.without:
        rows = [[name, why] for name, why in study.without.items()]
        yield TextTable("Without a trend", ["Report", "Why"], rows, left=2)


def _wave_rows(rows: Sequence[TrendRow], waves: Sequence[int]) -> Iterator[list[str]]:
    """A line for each report and set of countries."""
    grouped: dict[tuple[str, str], dict[int, TrendRow]] = {}
    for row in rows:
        grouped.setdefault((row.report, row.countries_kind), {})[row.wave] = row
    for (report, kind), by_wave in grouped.items():
        cells = [_wave_cell(by_wave.get(wave)) for wave in waves]
        last = by_wave.get(waves[-1])
        yield [report, _KINDS[kind], *cells, _people_before(last.previous_wave if last else None)]


def _people_before(before: PreviousWave | None) -> str:
    return f"{number(before.people)} ({number(before.model)})" if before else "–"


def _wave_cell(row: TrendRow | None) -> str:
    if row is None:
        return "–"
    if row.reason:
        return f"– ({len(row.countries)})"
    cell = row.alignment
    return (
        f"{number(cell.estimate)} [{number(cell.low)}, {number(cell.high)}], "
        f"sd {number(row.sd_over_countries)}, {len(row.countries)}"
    )


def _change_row(row: TrendChange) -> list[str]:
    return [
        row.report,
        row.reason or signed(row.difference),
        number(row.p_holm),
        str(row.questions),
        str(row.nearer_first),
        str(row.nearer_last),
    ]


def _question_row(row: TrendQuestion) -> list[str]:
    return [
        row.report,
        row.question_id,
        number(row.first),
        number(row.last),
        signed(row.difference),
        number(row.p_holm),
        row.nearer or "–",
        str(row.countries),
    ]


# Markdown


def study_legend(study: Study) -> list[str]:
    """What the marks of a study mean, and what a reader must know."""
    lines = [notice.message for notice in study.notices]
    return [*_FORMS[study.kind].legend(study), *lines]


def _steering_legend(study: SteeringStudy) -> list[str]:
    if study.mode != "corrected":
        marks = "Stars: two-sided independent t-test against no steering, as in the alignment "
        marks += "paper: * p < 0.05, ** p < 0.01, *** p < 0.001; not adjusted."
    else:
        marks = "In brackets: difference from no steering. †: paired sign-flip test, p < 0.05 "
        marks += "after Holm's adjustment over the whole table."
    shown = ", ".join(study.shown_questions) or "none"
    return [marks, f"Questions that prompts showed with answers: {shown}."]


def _no_legend(study: TrendStudy) -> list[str]:  # noqa: ARG001
    return []


def study_markdown(study: Study) -> str:
    """A study as Markdown."""
    parts = [f"# {study_title(study)}", *study_legend(study)]
    for table in study_tables(study):
        parts += [f"## {table.title}", *([table.note] if table.note else []), markdown(table)]
    return "\n\n".join(parts) + "\n"


def markdown(table: TextTable) -> str:
    """A table as Markdown, bars within cells escaped."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rule = ["---"] * table.left + ["---:"] * (len(table.columns) - table.left)
    return "\n".join([line(table.columns), line(rule), *map(line, table.rows)])


def study_context(study: Study) -> dict[str, Any]:
    """What the page of a study shows."""
    return {
        "title": study_title(study),
        "kind": plain_name(study.kind),
        "legend": study_legend(study),
        "curve": curve_figure(study.model_dump(mode="json")),
        "tables": study_tables(study),
        "ethics": ETHICS,
        "licence": LICENCE,
    }


class _Form(NamedTuple):
    """How a kind of study is shown."""

    title: str
    # Each takes the study of its own kind alone.
    tables: Callable[[Any], Iterable[TextTable]]
    legend: Callable[[Any], list[str]]


def _from_json(laid_out: Callable[[Mapping[str, Any]], Any]) -> Callable[[Any], Any]:
    """A function of a study's JSON as one of the study."""
    return lambda study: laid_out(study.model_dump(mode="json"))


_FORMS: Mapping[str, _Form] = MappingProxyType(
    {
        "steering": _Form("Steering", _steering, _steering_legend),
        "trend": _Form("Trend over waves", _trend, _no_legend),
        "sensitivity": _Form("Prompt sensitivity", sensitivity_tables, sensitivity_legend),
        "robustness": _Form(
            "Robustness", _from_json(robustness_tables), _from_json(robustness_legend)
        ),
        "steerability": _Form(
            "Steerability", _from_json(steerability_tables), _from_json(steerability_legend)
        ),
        "models": _Form("Models side by side", model_tables, models_legend),
    }
)
