"""What the index keeps of a report: one row of the board, its scores and its parts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.digests import sha256_text
from contracts.predictions.meta import PredictionsMeta
from contracts.report import Interval, Report
from contracts.report_tables.curves import ThresholdCurve
from contracts.specs import kind_spec, score_spec, score_specs
from scoring.comparison.compare import cell_scores
from scoring.comparison.wordings import drafted_languages, other_version_languages
from space.board.columns import size_class

#: Thinking and effort that the user left to the model.
NO_CHOICE = "default"

#: Threshold of the curve whose share stands on the board.
THRESHOLD = 0.2

#: Kind of part that holds, by country, how well a second sample of the same people would do.
CEILING = "ceiling"

#: Stands for all countries together: in the grid of a report without single answers, and in the
#: ceiling's parts.
EVERYWHERE = ""


class ScoreRow(NamedTuple):
    """A score of a row, as the index keeps it."""

    name: str
    estimate: float | None
    low: float | None
    high: float | None
    coverage: float | None
    questions: int | None


class PartRow(NamedTuple):
    """The score of one part of a row: a country, a question, a category, a group."""

    kind: str
    name: str
    estimate: float | None
    low: float | None
    high: float | None
    coverage: float | None
    questions: int | None


@dataclass(frozen=True)
class Grid:
    """Alignment per (country, question) cell, shape (countries, questions), NaN where missing."""

    countries: tuple[str, ...]
    questions: tuple[str, ...]
    alignment: NDArray[np.float32]


def row_fields(report: Report, *, row_id: str, row_class: str, updated: float) -> dict[str, Any]:
    """The columns of the index's table `rows`, without the ranks.

    Args:
        report: the report.
        row_id: name of its file, without suffix.
        row_class: `verified`, `uploaded` or `self-reported`.
        updated: time of the file, seconds since 1970.
    """
    meta, release = report.predictions.meta, report.release
    return {
        "row_id": row_id,
        "kind": row_kind(report),
        "name": meta.name or report.predictions.name,
        "model": meta.model,
        "family": meta.family or "unknown",
        "parameters": None if meta.parameters is None else meta.parameters / 1e9,
        "size": size_class(meta.parameters),
        "open_weights": {True: "open", False: "closed", None: "unknown"}[meta.open_weights],
        "protocols": " ".join(protocols_of(report)),
        "method": meta.method,
        "steering": meta.steering,
        "language": meta.language,
        "thinking": thinking_label(meta),
        "variant": variant_label(meta),
        "wave": str(report.settings.wave),
        "class": row_class,
        "question_set": report.settings.questions,
        "mode": report.settings.mode,
        "wording": wording_label(meta),
        "release": f"{release.name} {release.version}",
        "release_digest": release.digest,
        "synthetic": int(release.synthetic),
        "scorer_version": report.scorer_version,
        "trained_on_wvs": "yes" if meta.trained_on_wvs else "no",
        "warning_count": sum(notice.count for notice in report.warnings),
        "coverage": asked_coverage(report),
        "expected": report.coverage.expected,
        "scored": report.coverage.scored,
        "link": meta.link,
        "updated": updated,
        "comparison": comparison_key(report, row_class=row_class),
        "answers": answers_digest(report),
    }


def asked_coverage(report: Report) -> float | None:
    """Scored cells as a share of those that were asked, in [0, 1]; None without any.

    A country or question without a single answer that was neither unreadable nor a refusal was
    not asked: a study of ten countries is not a partial study of all. Cells that an asked country
    lacks on an asked question count as asked.
    """
    coverage = report.coverage
    if not coverage.expected:
        return coverage.share
    if not report.countries:
        return coverage.share
    unasked = sum(1 for one in report.questions if not one.coverage)
    within = 0.0
    for one in report.countries:
        if one.questions and one.coverage:
            within += max(one.questions / one.coverage - unasked, one.questions)
    asked = max(within, coverage.scored + coverage.invalid + coverage.refused)
    if not asked:
        return coverage.share
    return min(max(coverage.scored / asked, coverage.share or 0.0), 1.0)


def answers_digest(report: Report) -> str:
    """Digest of the scores of all cells in canonical order, which equal answers share.

    It does not depend on names, on the order of lines or on how a file was written; scores are
    rounded to six digits. "" for reports without scores by cell, and for baselines.
    """
    grid = grid_of(report)
    if grid is None or row_kind(report) != "model":
        return ""
    rows = sorted(range(len(grid.countries)), key=grid.countries.__getitem__)
    columns = sorted(range(len(grid.questions)), key=grid.questions.__getitem__)
    scores = grid.alignment[np.ix_(rows, columns)].astype(np.float64)
    known = np.isfinite(scores)
    digits = np.where(known, np.rint(scores * 1e6), np.iinfo(np.int32).min).astype("<i4")
    row_known: list[bool] = np.any(known, axis=1).tolist()
    column_known: list[bool] = np.any(known, axis=0).tolist()
    names = [
        *(grid.countries[at] for at, there in zip(rows, row_known, strict=True) if there),
        "",
        *(grid.questions[at] for at, there in zip(columns, column_known, strict=True) if there),
    ]
    cells = digits[np.ix_(row_known, column_known)].tobytes()
    return hashlib.sha256("\n".join(names).encode() + b"\0" + cells).hexdigest()[:32]


def row_kind(report: Report) -> str:
    """`model`, `baseline`, or `ceiling` for the agreement of people with themselves."""
    meta = report.predictions.meta
    if not meta.baseline:
        return "model"
    text = f"{meta.name} {meta.model} {report.predictions.name}".lower()
    return "ceiling" if "ceiling" in text else "baseline"


def thinking_label(meta: PredictionsMeta) -> str:
    """Whether the model was told to think, and how much; what is none of the known values counts
    as left to the model."""
    stated_thinking, effort = meta.decoding.get("thinking"), meta.decoding.get("reasoning_effort")
    thinking_mode = stated_thinking if stated_thinking in ("on", "off") else NO_CHOICE
    if isinstance(effort, str) and re.fullmatch(r"[a-z]{1,12}", effort):
        return f"{thinking_mode}, effort {effort}"
    return str(thinking_mode)


def variant_label(meta: PredictionsMeta) -> str:
    """Form of the prompts: "" for the usual one, `other` for what is no name of a form."""
    variant = str(meta.extra.get("variant") or "default")
    if variant == "default":
        return ""
    return variant if re.fullmatch(r"[a-z0-9=+-]{1,60}", variant) else "other"


def wording_label(meta: PredictionsMeta) -> str:
    """Name of the wording that was asked, that it is machine-drafted, and that it is the project's
    own in another version than the present one, where they apply."""
    if other_version_languages(meta):
        return f"{meta.wording}, machine-drafted wording of another version"
    return f"{meta.wording}, machine-drafted wording" if drafted_languages(meta) else meta.wording


def protocols_of(report: Report) -> list[str]:
    """The protocols that apply; that of the predictions' kind where the report lists none."""
    applied = [result.protocol for result in report.protocols if result.applies]
    return list(applied) or [kind_spec(report.predictions.kind).protocol]


def comparison_key(report: Report, *, row_class: str) -> str:
    """Rows are ranked only among those with the same key; "" for rows that are never ranked."""
    if row_kind(report) != "model":
        return ""
    meta, settings = report.predictions.meta, report.settings
    same = (
        report.release.digest,
        report.scorer_version.split(".")[0],
        settings.questions,
        settings.questions_digest,
        settings.mode,
        settings.weights,
        settings.split,
        str(settings.wave),
        report.predictions.kind,
        meta.method,
        meta.steering,
        meta.language,
        meta.wording,
        meta.wording_digest,
        str(meta.trained_on_wvs),
        str(meta.extra.get("variant", "default")),
        row_class,
        *((thinking_label(meta),) if thinking_label(meta) != NO_CHOICE else ()),
    )
    return sha256_text("\0".join(same))[:16]


def score_rows(report: Report) -> list[ScoreRow]:
    """All scores of a report, those of its protocols too; the first of a name counts."""
    every = [*report.scores, *(s for result in report.protocols for s in result.scores)]
    rows_by_name: dict[str, ScoreRow] = {}
    for score in every:
        spec = score_spec(score.name)
        if spec and not spec.about_model:
            continue  # it makes a row of its own
        column = spec.column if spec else None
        cell = score.value
        row = ScoreRow(
            column.key if column and not column.beside else score.name,
            cell.estimate,
            cell.low,
            cell.high,
            score.coverage,
            score.questions,
        )
        rows_by_name.setdefault(row.name, row)
    return [*_beside(rows_by_name), *_further(report, rows_by_name)]


def _beside(rows_by_name: dict[str, ScoreRow]) -> list[ScoreRow]:
    """The rows, and those of columns that several scores share: the first with an estimate."""
    rows = dict(rows_by_name)
    for key, spec in score_specs().items():
        column = spec.column
        if (
            column
            and column.beside
            and key in rows_by_name
            and rows_by_name[key].estimate is not None
        ):
            rows.setdefault(column.key, rows_by_name[key]._replace(name=column.key))
    return list(rows.values())


def _further(report: Report, rows_by_name: dict[str, ScoreRow]) -> list[ScoreRow]:
    share = share_below(report)
    return [share] if share is not None and share.name not in rows_by_name else []


def share_below(report: Report) -> ScoreRow | None:
    """Share of questions whose distance is at most `THRESHOLD`, from the report's curve.

    The interval is Wilson's for a share of questions: they are what is sampled.
    """
    curve = report.table("threshold_curve", ThresholdCurve)
    if curve is None or THRESHOLD not in curve.threshold or curve.questions == 0:
        return None
    share = curve.share[curve.threshold.index(THRESHOLD)]
    if share is None:
        return None
    low, high = wilson(share, curve.questions)
    return ScoreRow("share_w1_below_0.2", share, low, high, None, curve.questions)


def wilson(share: float, n: int, *, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's 95 % interval of a share among n.

    Formula: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n).
    Source: Wilson (1927), J. Am. Stat. Assoc. 22, 209-212.
    """
    centre = share + z * z / (2 * n)
    half = z * ((share * (1 - share) + z * z / (4 * n)) / n) ** 0.5
    scale = 1 + z * z / n
    return max((centre - half) / scale, 0.0), min((centre + half) / scale, 1.0)


def part_rows(report: Report) -> Iterator[PartRow]:
    """Scores by country, question, category, continent and group."""
    for country in report.countries:
        yield _part(
            "country", country.country, country.alignment, country.coverage, country.questions
        )
        if country.ceiling is not None:
            bounds = (country.extra.get("ceiling_low"), country.extra.get("ceiling_high"))
            yield PartRow(CEILING, country.country, country.ceiling, *bounds, None, None)
    for score in report.scores:
        spec = score_spec(score.name)
        if spec and not spec.about_model:
            yield _part(CEILING, EVERYWHERE, score.value, 1.0, score.questions)
    for question in report.questions:
        yield _part("question", question.question_id, question.alignment, question.coverage, 1)
    for group in report.groups:
        kind = "group" if group.kind == "cell" else group.kind
        yield _part(kind, group.name, group.alignment, group.coverage, group.questions)


def _part(
    kind: str, name: str, cell: Interval, coverage: float | None, questions: int | None
) -> PartRow:
    return PartRow(kind, name, cell.estimate, cell.low, cell.high, coverage, questions)


def grid_of(report: Report) -> Grid | None:
    """Alignment per cell of everyone in a country.

    A report with scores per question only has one row, `EVERYWHERE`; None where it has none.
    """
    cells = cell_scores(report)
    if not cells.questions:
        return None
    return Grid(cells.countries, cells.questions, cells.scores.astype(np.float32))
