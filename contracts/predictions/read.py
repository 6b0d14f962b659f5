"""Predictions: what a model (or a person, or a baseline) answered. Read whole, or refused.

`read_predictions` takes JSON lines, CSV, TSV or Parquet, tells the kind by the columns, checks the
whole file and raises every problem at once. `write_predictions` writes the same formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from contracts.digests import canonical_json, sha256_file, sha256_text
from contracts.errors import fail
from contracts.models import Notice
from contracts.predictions.findings import Findings, quote
from contracts.predictions.meta import Kind, PredictionsMeta, read_header, sidecar_path
from contracts.predictions.persons import is_persons
from contracts.predictions.source import FORMATS, Source, open_source
from contracts.predictions.write import write_predictions

if TYPE_CHECKING:
    import pyarrow as pa

    from contracts.predictions.ratings import RatingScan


__all__ = [
    "FORMATS",
    "Predictions",
    "detect_kind",
    "read_predictions",
    "sidecar_path",
    "write_predictions",
]

#: Columns by which a kind is told; the first set that is there counts.
_SIGNS: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("persons", frozenset({"person_id", "question_id", "code"})),
    ("advice", frozenset({"prompt_id", "side"})),
    ("rating", frozenset({"question_id", "participant_id", "score"})),
    ("rating", frozenset({"question_id", "sample", "score"})),
    ("distribution", frozenset({"question_id", "shares"})),
    ("distribution", frozenset({"question_id", "option", "share"})),
)


@dataclass(frozen=True)
class Predictions:
    """A predictions file that has been read and checked.

    Attributes:
        meta: its metadata, defaults filled in.
        kind: `distribution`, `rating`, `persons` or `advice`.
        name: the metadata's name, else the model's, else that of the file.
        digest: sha256 over the file's bytes and its metadata.
        rows: rows of the file, the header not counted.
        tolerated: what was mended or left out, by name, counted (docs/predictions.md).
        notices: what a reader must know, for instance that metadata took defaults.
        source: the opened file.
        cells: of a distribution file: question_id, country ("" = unsteered), group ("" =
            everyone), shares (list of float64 in the codebook's order of positions, sum 1; null
            unless the status is ok or repaired), sum_found (as a fraction; null without
            shares), status (ok | repaired | invalid | refused | missing).
        table: of an advice file: prompt_id, country, approach, language, option_order, repeat,
            side. Of a persons file: person (a number for each (country, person_id)), person_id,
            country, group, question_id, code, position (null where no answer was given).
    """

    meta: PredictionsMeta
    kind: Kind
    name: str
    digest: str
    rows: int
    tolerated: dict[str, int]
    notices: tuple[Notice, ...]
    source: Source = field(repr=False)
    cells: pa.Table | None = field(default=None, repr=False)
    table: pa.Table | None = field(default=None, repr=False)
    _scan: RatingScan | None = field(default=None, repr=False)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Ratings in batches: question_id, participant int64, sample int32, score float64.

        A null score could not be read. The file is read again at every call, in bounded memory.

        Raises:
            ContractError: these are no ratings.
        """
        if self._scan is None:
            raise fail(
                "no-ratings",
                "only rating predictions come in batches",
                where=str(self.source.path),
                found=self.kind,
                allowed="rating",
            )
        from contracts.predictions.ratings import rating_batches

        return rating_batches(self.source, self._scan)


def detect_kind(source: Source) -> Kind:
    """The kind of predictions that a file holds, told by its columns.

    Raises:
        ContractError: the columns are those of no kind.
    """
    have = set(source.columns)
    if is_persons(have):  # in the wide form, which has a column per question
        return "persons"
    for kind, signs in _SIGNS:
        if signs <= have:
            return kind
    if not have:
        raise fail("no-rows", "the file holds no record", where=str(source.path))
    raise fail(
        "unknown-kind",
        "the columns are those of no kind of predictions",
        where=str(source.path),
        found=", ".join(quote(name) for name in source.columns[:20]),
        allowed="; ".join(f"{kind}: {', '.join(sorted(signs))}" for kind, signs in _SIGNS),
    )


#: Said of a rating file whose metadata does not name its coding.
RATING_CODING_NOTICE = Notice(
    code="coding-default",
    message="the metadata does not say how ratings are coded; they are taken as WorldValuesBench "
    "codes them (Q56, Q119 and Q241-Q249 differ from the survey's raw codes)",
)


def read_predictions(
    path: str | Path,
    *,
    meta_path: str | Path | None = None,
    bad_cells: Literal["refuse", "invalid"] = "refuse",
) -> Predictions:
    """Read and check a predictions file.

    Args:
        path: file ending in .jsonl, .csv, .tsv or .parquet.
        meta_path: its metadata; else the header record, else the sidecar `<name>.meta.json`.
        bad_cells: `refuse` the file where a distribution's options or shares are wrong, or read
            such cells as `invalid`; they are counted (`bad_cells`), and coverage falls.

    Raises:
        ContractError: the file breaks the format; holds every problem with its row.
    """
    source = open_source(path)
    meta, notices = read_header(source, meta_path=meta_path)
    kind = detect_kind(source)
    if kind == "rating" and "coding" not in meta.model_fields_set:
        # The format of rating files is WorldValuesBench's, and so is their coding.
        meta = meta.model_copy(update={"coding": "worldvaluesbench"})
        notices = [*notices, RATING_CODING_NOTICE]
    findings = Findings(str(source.path))
    cells = table = scan = None
    if kind == "distribution":
        from contracts.predictions.distributions import read_cells

        cells, rows = read_cells(source, findings, bad_cells=bad_cells)
    elif kind == "persons":
        from contracts.predictions.persons import read_persons

        table, rows = read_persons(source, findings)
    elif kind == "advice":
        from contracts.predictions.advice import read_advice

        table, rows = read_advice(source, findings)
    else:
        from contracts.predictions.ratings import scan_ratings

        scan = scan_ratings(source, findings)
        rows = scan.rows
    if rows == 0 and not findings.count:
        findings.add("no-rows", "the file holds no record")
    if rows and not findings.count and _empty(cells, table):
        _nothing_left(findings)
    findings.raise_if_any()
    fields = meta.model_dump(mode="json")
    return Predictions(
        meta=meta,
        kind=kind,
        name=meta.name or _model_name(meta.model) or source.path.stem,
        digest=sha256_text(sha256_file(source.path) + canonical_json(fields)),
        rows=rows,
        tolerated=findings.tolerated,
        notices=(*notices, *_left_out(findings)),
        source=source,
        cells=cells,
        table=table,
        _scan=scan,
    )


def _model_name(model: str) -> str:
    """The last part of a model's id; empty where it is unknown."""
    return "" if model == "unknown" else model.rstrip("/").rsplit("/", 1)[-1]


def _empty(*tables: pa.Table | None) -> bool:
    """Whether the table that was read, if any, has no row."""
    read = [table for table in tables if table is not None]
    return bool(read) and not any(table.num_rows for table in read)


def _nothing_left(findings: Findings) -> None:
    """A file of which every row was left out is refused, with the names that are unknown."""
    unknown = {
        kind.removeprefix("unknown_"): ", ".join(quote(name) for name, _ in names.most_common(5))
        for kind, names in sorted(findings.unknown.items())
    }
    findings.add(
        "nothing-known",
        "no row can be placed: countries, questions or groups are unknown",
        found="; ".join(f"{kind} {names}" for kind, names in unknown.items()),
        allowed="countries by ISO 3166-1 code or English name; questions such as Q1; groups such "
        "as sex=female",
        hint="docs/questions.md lists the questions, docs/demographics.md the groups.",
    )


#: Unknown names that a notice lists.
_NAMED = 10


def _left_out(findings: Findings) -> list[Notice]:
    """What was left out because its name is unknown, by name; and cells that were wrong."""
    notices = []
    for kind, names in sorted(findings.unknown.items()):
        listed = ", ".join(quote(name) for name, _ in names.most_common(_NAMED))
        further = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        notices.append(
            Notice(
                code=kind.replace("_", "-"),
                message=f"Answers were left out, since these {kind.removeprefix('unknown_')} are "
                f"unknown: {listed}{further}.",
                count=names.total(),
            )
        )
    return [*notices, *bad_cells_notices(findings.tolerated)]


def bad_cells_notices(tolerated: Mapping[str, int]) -> list[Notice]:
    """The notice of cells that were counted as invalid; none if there are none.

    Args:
        tolerated: what was tolerated in a file, by name, counted.
    """
    count = tolerated.get("bad_cells", 0)
    if not count:
        return []
    return [
        Notice(
            code="bad-cells",
            message="Cells whose options or shares are wrong were counted as invalid.",
            count=count,
        )
    ]
