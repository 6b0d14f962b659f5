"""The specification curve as a figure: forms by score, a line for each model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scoring.presentation.html.axes import Axis, make_axis
from scoring.presentation.html.charts import line_path
from scoring.presentation.summary import number

#: Lines that have a colour of their own; further models share the last one.
COLOURS = 8

#: Width of the figure, of the names of forms, and height of a row, in pixels.
_WIDTH, _NAMES, _ROW = 900, 330, 24


@dataclass(frozen=True)
class ModelLine:
    """A model's marks, one for each form from the top, and the line through them."""

    model: str
    colour: int
    path: str
    marks: list[dict[str, Any]]


@dataclass(frozen=True)
class CurveFigure:
    """Forms from the top by falling mean score, scores to the right."""

    width: int
    height: int
    x: Axis
    forms: list[dict[str, Any]]
    lines: list[ModelLine]


def curve_figure(study: Mapping[str, Any]) -> CurveFigure | None:
    """The figure of a study of robustness; None of another study."""
    if study["kind"] != "robustness":
        return None
    rows = study["curve"]
    scores = [score for row in rows for score in row["scores"].values()]
    x = make_axis(scores, start=_NAMES + 10, end=_WIDTH - 20, limits=(0, 1))
    places = [_ROW * at + 34 for at in range(len(rows))]
    forms = [{"name": row["form"], "y": y} for row, y in zip(rows, places, strict=True)]
    lines = [
        _line(model, min(at, COLOURS - 1), rows, places, x)
        for at, model in enumerate(study["models"])
    ]
    return CurveFigure(_WIDTH, places[-1] + 30, x, forms, lines)


def _line(
    model: str, colour: int, rows: list[Mapping[str, Any]], places: list[int], x: Axis
) -> ModelLine:
    marks = [
        {
            "x": x.place(row["scores"][model]),
            "y": y,
            "label": f"{model}, {row['form']}: {number(row['scores'][model])}, rank "
            f"{row['ranks'][model]:g}",
        }
        for row, y in zip(rows, places, strict=True)
    ]
    return ModelLine(model, colour, line_path(marks), marks)
