"""What the protocols found beyond the common tables, as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.report import ProtocolResult, Report
from contracts.specs import load, protocol_spec
from space.board.labels import category_name
from space.board.rows import THRESHOLD
from space.render.table import plain_table
from space.render.text import DASH, esc, number, score


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
    detail = protocol_spec(result.protocol).detail
    return str(load(detail)(result.tables)) if detail else ""


def alignment_detail_html(tables: Mapping[str, Any]) -> str:
    """The alignment protocol's waves, internal consistency and curve of distances."""
    return (
        _waves(tables.get("waves"))
        + _consistency(tables.get("consistency"))
        + curve_html(tables.get("threshold_curve"))
    )


#: Which countries a row of the table of waves holds.
_COUNTRIES_KINDS = {
    "selected": "countries that it neither over- nor under-aligns",
    "every-wave": "countries in every wave",
}


def _waves(found: Mapping[str, Any] | None) -> str:
    rows = (found or {}).get("rows") or ()
    if not rows:
        return ""
    table = plain_table(
        ("Wave", "Countries", "Alignment", "Number", "Questions"),
        [
            (
                str(row["wave"]),
                esc(_COUNTRIES_KINDS.get(row["countries_kind"], row["countries_kind"])),
                score(_cell(row.get("alignment"))),
                str(len(row.get("countries") or ())),
                str(row.get("questions", DASH)),
            )
            for row in rows
        ],
        label="By wave",
        numeric=(2, 3, 4),
    )
    return f"<h2>By wave</h2><p>Over the questions that all waves share.</p>{table}"


def _consistency(rows: Sequence[Mapping[str, Any]] | None) -> str:
    if not rows:
        return ""
    table = plain_table(
        ("Topic", "Questions", "Consistency", "Mass on the majority side", "Answers"),
        [
            (
                esc(row["topic"]),
                esc(", ".join(row["questions"])),
                _share(row.get("rate")),
                _share(row.get("mass")),
                str(row.get("answers", DASH)),
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


def _share(share: float | None) -> str:
    return DASH if share is None else f"{share:.1%}"


def curve_html(curve: Mapping[str, Any] | None) -> str:
    """Share of questions within a distance, as a small step curve."""
    if not curve:
        return ""
    pairs = list(zip(curve["threshold"], curve["share"], strict=True))
    points = " ".join(f"{40 + 340 * t:.1f},{170 - 150 * s:.1f}" for t, s in pairs)
    at = next((s for t, s in pairs if t == THRESHOLD), None)
    ticks = "".join(
        f'<text x="{40 + 340 * t:.0f}" y="188" text-anchor="middle">{t:.1f}</text>'
        for t in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    ) + "".join(
        f'<text x="34" y="{174 - 150 * s:.0f}" text-anchor="end">{s:.0%}</text>'
        for s in (0.0, 0.5, 1.0)
    )
    said = f"{_share(at)} of {curve['questions']} questions lie within {THRESHOLD}."
    return (
        "<h2>Share of questions within a distance</h2>"
        f'<svg class="oa-curve" viewBox="0 0 400 195" role="img" aria-label="{esc(said)}">'
        f'<path d="M40,20V170H380" fill="none"></path><polyline points="{points}"></polyline>'
        f"{ticks}</svg><p>{esc(said)}</p>"
    )


def judgments_detail_html(tables: Mapping[str, Any]) -> str:
    """The judgments protocol's correlations by part, and under random codings."""
    rows = [
        ("Region", esc(row["continent"]), score(_cell(row.get("pearson"))))
        for row in tables.get("continents") or ()
    ] + [
        ("Category", esc(category_name(row["category"])), score(_cell(row.get("pearson"))))
        for row in tables.get("categories") or ()
    ]
    flips = tables.get("random_flips") or {}
    note = ""
    if flips.get("mean") is not None:
        note = (
            "<p>With the orientation of random questions turned round on both sides: "
            f"{number(flips['mean'])} ({number(flips.get('low'))} to "
            f"{number(flips.get('high'))}).</p>"
        )
    if not rows:
        return note
    table = plain_table(("Part", "Name", "Pearson r"), rows, label="Judgments", numeric=(2,))
    return f"<h2>Judgments: correlation of mean scores</h2>{table}{note}"


def _cell(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {"estimate": found}
