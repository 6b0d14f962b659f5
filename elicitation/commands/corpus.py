"""What `opinion-atlas read` does with a file of replies from elsewhere."""

from __future__ import annotations

import json as json_format
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from codebook import value_questions
from codebook.countries import country_named
from contracts.errors import ContractError, Problem, fail
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.source import format_of
from contracts.predictions.write import write_predictions
from elicitation.commands.terminal import counted, say
from elicitation.reading.corpus import read_lines
from elicitation.run.gather import cell_order
from elicitation.study.methods import Reader

BadCells = Literal["refuse", "invalid"]

#: Readers whose answers are distributions.
_DISTRIBUTIONS = ("shares", "choice", "sequence")
#: Metadata that the file itself decides.
_OWN_FIELDS = frozenset({"schema_version", "kind", "language", "extra", "decoding"})


def read_corpus(
    path: Path,
    *,
    reader: Reader,
    json: bool,
    out: Path | None = None,
    meta: Sequence[str] = (),
    bad_cells: BadCells = "refuse",
) -> None:
    """Read a file of replies; print a status and shares for each, and write predictions.

    Args:
        path: JSON lines, see `elicitation.reading.corpus.read_lines`.
        reader: how to read lines that do not say.
        json: print one object a line.
        out: predictions file; every line must name its question then.
        meta: metadata of the predictions, as KEY=VALUE.
        bad_cells: what becomes of an answer whose options are not those of its question.

    Raises:
        ContractError: the file, the metadata, or (with `out`) a question or country is wrong.
    """
    stated = _stated(meta)
    if out is not None:
        format_of(out)
    rows = list(read_lines(path, reader=reader))
    files = _predictions(rows, path, out, stated, bad_cells) if out is not None else []
    for row in rows:
        _say_row(row, json=json)
    if json:
        return
    say(counted(Counter(str(row["status"]) for row in rows)))
    for file, number in files:
        say(f"{file}: {number} records. Score it: opinion-atlas score {file}")


def _say_row(row: Mapping[str, Any], *, json: bool) -> None:
    if json:
        say(json_format.dumps(row, ensure_ascii=False))
        return
    shares = row["shares"] or {}
    shown = ", ".join(f"{label} {share:.1%}" for label, share in shares.items())
    notes = f" ({', '.join(row['notes'])})" if row["notes"] else ""
    place = " ".join(row[name] for name in ("question", "country", "language") if row.get(name))
    say(f"{row['line']}: {f'{place}: ' if place else ''}{row['status']}{notes} {shown}".rstrip())


def _stated(meta: Sequence[str]) -> dict[str, Any]:
    """Metadata written as KEY=VALUE."""
    allowed = [name for name in PredictionsMeta.model_fields if name not in _OWN_FIELDS]
    metadata: dict[str, Any] = {}
    problems = []
    for entry in meta:
        key, sign, written = entry.partition("=")
        if not sign or key not in allowed:
            problems.append(
                Problem(
                    "bad-fact",
                    "metadata are written KEY=VALUE",
                    column="--meta",
                    found=repr(entry),
                    allowed=", ".join(allowed),
                )
            )
        metadata[key] = written.split("+") if key == "few_shot_questions" else written
    if problems:
        raise ContractError(problems, subject="--meta")
    try:
        PredictionsMeta.model_validate(metadata)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise fail("bad-fact", f"metadata have the wrong form: {wrong}", column="--meta") from None
    return metadata


def _predictions(
    rows: Sequence[Mapping[str, Any]],
    path: Path,
    out: Path,
    stated: Mapping[str, Any],
    bad_cells: BadCells,
) -> list[tuple[Path, int]]:
    """Write the predictions: one file, or one for each language where there are several."""
    problems = [problem for row in rows for problem in _problems(row, path, bad_cells)]
    if problems:
        raise ContractError(problems, subject=str(path))
    languages = sorted({row.get("language") or "en" for row in rows})
    written = []
    for language in languages:
        own = [row for row in rows if (row.get("language") or "en") == language]
        target = out if len(languages) == 1 else out.with_stem(f"{out.stem}-{language}")
        records = _records(own)
        statuses = dict(sorted(Counter(str(row["status"]) for row in own).items()))
        answers = {"expected": len(own), "statuses": statuses}
        metadata = PredictionsMeta.model_validate(
            {**stated, "language": language, "extra": {"answers": answers}}
        )
        write_predictions(target, cell_order(records), meta=metadata, kind="distribution")
        written.append((target, len(records)))
    return written


def _problems(row: Mapping[str, Any], path: Path, bad_cells: BadCells) -> Iterable[Problem]:
    """What keeps a line from being an answer to a question of the survey."""
    place: dict[str, Any] = {"where": str(path), "row": row["line"]}
    if row["reader"] not in _DISTRIBUTIONS:
        yield Problem(
            "not-a-distribution",
            "only answers of which shares are read become a predictions file here",
            found=row["reader"],
            allowed=", ".join(_DISTRIBUTIONS),
            hint="Ratings are a table of their own: QUESTION_ID, PARTICIPANT_ID, SCORE.",
            **place,
        )
    question = str(row.get("question") or "").upper()
    if question not in value_questions():
        yield Problem(
            "unknown-question",
            "a line of predictions names a question of the survey",
            column="question",
            found=repr(row.get("question")),
            allowed="question_id (or question), for instance Q1",
            **place,
        )
        return
    country = row.get("country") or ""
    if country and country_named(str(country)) is None:
        yield Problem(
            "unknown-country", "there is no such country", column="country",
            found=repr(country), allowed="an ISO code, the survey's number, or an English name",
            **place,
        )  # fmt: skip
    if bad_cells == "refuse" and _foreign(row):
        scale = value_questions()[question].scale
        yield Problem(
            "unknown-option",
            f"{question} has no such option",
            column="options",
            found=", ".join(_foreign(row)),
            allowed=", ".join(map(str, scale.codes)) if scale else "",
            hint="Labels are the survey's raw codes, or the line has `codes` (label: code); "
            "--bad-cells invalid counts such answers as invalid.",
            **place,
        )


def _foreign(row: Mapping[str, Any]) -> list[str]:
    """Labels that stand for no option of the line's question."""
    scale = value_questions()[str(row["question"]).upper()].scale
    known = {str(code) for code in (*scale.codes, *scale.off_scale)} if scale else set()
    return [label for label in row["labels"] if str(row["codes"].get(label, label)) not in known]


def _records(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Records of cells; several replies to one are averaged over those that can be read."""
    cells: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        country = country_named(str(row.get("country") or "")) or ""
        key = (str(row["question"]).upper(), country, str(row.get("group") or ""))
        cells.setdefault(key, []).append(row)
    return [_record(key, replies) for key, replies in cells.items()]


def _record(key: tuple[str, str, str], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    record: dict[str, Any] = dict(zip(("question_id", "country", "group"), key, strict=True))
    usable = [row for row in rows if row["shares"] is not None and not _foreign(row)]
    if not usable:
        status = {"refused": "refused", "error": "missing"}.get(str(rows[0]["status"]), "invalid")
        return {**record, "shares": {}, "status": status}
    totals: dict[str, float] = {}
    for row in usable:
        for label, share in row["shares"].items():
            code = str(row["codes"].get(label, label))
            totals[code] = totals.get(code, 0.0) + share / len(usable)
    repaired = any(row["status"] == "repaired" for row in usable)
    return {**record, "shares": totals, "status": "repaired" if repaired else "ok"}
