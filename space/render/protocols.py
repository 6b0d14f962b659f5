"""What the protocols found beyond the common tables, as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contracts.errors import ContractError
from contracts.report import ProtocolResult, Report
from contracts.report_tables.alignment import AlignmentTables, ConsistencyRow, WaveTable
from contracts.report_tables.check import typed_tables
from contracts.report_tables.curves import ThresholdCurve
from contracts.report_tables.judgments import JudgmentsTables
from contracts.specs import load, protocol_spec
from space.board.labels import category_name
from space.board.rows import THRESHOLD
from space.render.table import plain_table
from space.render.text import DASH, esc, notice, number, score


def protocols_html(report: Report) -> str:
    """All protocols that apply, and why the others do not."""
    parts = [_detail(one) for one in _applied(report)]
    silent = "".join(
        f"<li>{esc(one.protocol)}: {esc(one.reason)}</li>"
        for one in report.protocols
        if not one.applies
    )
    rest = f"<h2>Protocols that do not apply</h2><ul>{silent}</ul>" if silent else ""
    return "".join(parts) + rest


def _applied(report: Report) -> Iterable[ProtocolResult]:
    return (one for one in report.protocols if one.applies)


def _detail(result: ProtocolResult) -> str:
    """A protocol's own section: its function gets the model of its tables, if it declares one."""
    detail = protocol_spec(result.protocol).detail
    if not detail:
        return ""
    try:
        tables = typed_tables(result)
    except ContractError as error:
        return notice(esc(error))
    return str(load(detail)(result.tables if tables is None else tables))


def alignment_detail_html(tables: AlignmentTables) -> str:
    """The alignment protocol's waves, internal consistency and curve of distances."""
    return (
        _waves(tables.waves) + _consistency(tables.consistency) + curve_html(tables.threshold_curve)
    )


#: Which countries a row of the table of waves holds.
_COUNTRIES_KINDS = {
    "selected": "countries that it neither over- nor under-aligns",
    "every-wave": "countries in every wave",
}


def _waves(waves_table: WaveTable | None) -> str:
    if waves_table is None or not waves_table.rows:
        return ""
    table = plain_table(
        ("Wave", "Countries", "Alignment", "Number", "Questions"),
        [
            (
                str(row.wave),
                esc(_COUNTRIES_KINDS.get(row.countries_kind, row.countries_kind)),
                score(row.alignment.model_dump()),
                str(len(row.countries)),
                _count(row.questions),
            )
            for row in waves_table.rows
        ],
        label="By wave",
        numeric=(2, 3, 4),
    )
    return f"<h2>By wave</h2><p>Over the questions that all waves share.</p>{table}"


def _consistency(rows: Sequence[ConsistencyRow] | None) -> str:
    if not rows:
        return ""
    table = plain_table(
        ("Topic", "Questions", "Consistency", "Mass on the majority side", "Answers"),
        [
            (
                esc(row.topic),
                esc(", ".join(row.questions)),
                _share(row.rate),
                _share(row.mass),
                _count(row.answers),
            )
            for row in rows
        ],
        label="Internal consistency",
        numeric=(2, 3, 4),
        tips={
            2: "Share of the topic's answers that stand on its majority side, one answer (the "
            "mode) per question.",
            3: "Share of the answers' mass on that side.",
        },
    )
    return f"<h2>Internal consistency</h2>{table}"


def _count(count: int | None) -> str:
    return DASH if count is None else str(count)


def _share(share: float | None) -> str:
    return DASH if share is None else f"{share:.1%}"


def curve_html(curve: ThresholdCurve | None) -> str:
    """Share of questions within a distance, as a small step curve."""
    if curve is None or None in curve.share:
        return ""
    pairs = [(t, s) for t, s in zip(curve.threshold, curve.share, strict=True) if s is not None]
    points = " ".join(f"{40 + 340 * t:.1f},{170 - 150 * s:.1f}" for t, s in pairs)
    at = next((s for t, s in pairs if t == THRESHOLD), None)
    ticks = "".join(
        f'<text x="{40 + 340 * t:.0f}" y="188" text-anchor="middle">{t:.1f}</text>'
        for t in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    ) + "".join(
        f'<text x="34" y="{174 - 150 * s:.0f}" text-anchor="end">{s:.0%}</text>'
        for s in (0.0, 0.5, 1.0)
    )
    curve_caption = f"{_share(at)} of {curve.questions} questions lie within {THRESHOLD}."
    return (
        "<h2>Share of questions within a distance</h2>"
        f'<svg class="oa-curve" viewBox="0 0 400 195" role="img" aria-label="{esc(curve_caption)}">'
        f'<path d="M40,20V170H380" fill="none"></path><polyline points="{points}"></polyline>'
        f"{ticks}</svg><p>{esc(curve_caption)}</p>"
    )


def judgments_detail_html(tables: JudgmentsTables) -> str:
    """The judgments protocol's correlations by part, and under random codings."""
    rows = [
        ("Region", esc(row.continent), score(row.pearson.model_dump()))
        for row in tables.continents or ()
    ] + [
        ("Category", esc(category_name(row.category)), score({"estimate": row.pearson}))
        for row in tables.categories or ()
    ]
    flips = tables.random_flips
    note = ""
    if flips is not None and flips.mean is not None:
        note = (
            "<p>With the orientation of random questions turned round on both sides: "
            f"{number(flips.mean)} ({number(flips.low)} to {number(flips.high)}).</p>"
        )
    if not rows:
        return note
    table = plain_table(("Part", "Name", "Pearson r"), rows, label="Judgments", numeric=(2,))
    return f"<h2>Judgments: correlation of mean scores</h2>{table}{note}"
