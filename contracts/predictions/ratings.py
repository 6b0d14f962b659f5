"""Read ratings: one whole number per (question, person) or (question, sample), in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from codebook import value_questions
from contracts.predictions.findings import Findings, quote
from contracts.predictions.source import Chunk, Source

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


COLUMNS = frozenset({"question_id", "participant_id", "sample", "score", "status"})

_WHOLE = r"^\s*[+-]?\d{1,18}(?:\.0*)?\s*$"
_NUMBER = r"^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*$"


def ratings_schema() -> pa.Schema:
    """Schema of the batches of ratings; a null score could not be read."""
    import pyarrow as pa

    return pa.schema(
        [
            ("question_id", pa.string()),
            ("participant", pa.int64()),
            ("sample", pa.int32()),
            ("score", pa.float64()),
        ]
    )


@dataclass
class RatingScan:
    """What a first pass over a rating file found.

    Attributes:
        rows: number of rows.
        drop: ordinals (0-based, over the kept rows) of identical duplicates, rising.
    """

    rows: int = 0
    drop: npt.NDArray[np.int64] | None = None
    _keys: dict[str, list[Any]] = field(default_factory=dict)


def scan_ratings(source: Source, findings: Findings) -> RatingScan:
    """Check a whole rating file; memory is about 30 bytes a row, for finding duplicates."""
    import numpy as np

    scan = RatingScan()
    numbers = {name: index for index, name in enumerate(value_questions())}
    for chunk in source.chunks(findings):
        scan.rows += len(chunk.rows)
        batch, rows = _parse(chunk, findings)
        if batch.num_rows:
            for name, part in _packed(batch, rows, numbers).items():
                scan._keys.setdefault(name, []).append(part)
    extra = len([name for name in source.columns if name not in COLUMNS])
    findings.tolerate("extra_columns", extra)
    if scan._keys:
        # One column at a time, so that its parts are gone before the next is joined.
        columns = {name: np.concatenate(scan._keys.pop(name)) for name in list(scan._keys)}
        scan.drop = _duplicates(**columns, findings=findings)
    return scan


def rating_batches(source: Source, scan: RatingScan) -> Iterator[pa.RecordBatch]:
    """The ratings in batches; the file is read again, without its identical duplicates."""
    import numpy as np
    import pyarrow as pa

    silent = Findings(str(source.path))
    first = 0
    for chunk in source.chunks(silent):
        batch, _ = _parse(chunk, silent)
        if scan.drop is not None and len(scan.drop):
            retained_rows = np.ones(batch.num_rows, bool)
            inside = (scan.drop >= first) & (scan.drop < first + batch.num_rows)
            retained_rows[scan.drop[inside] - first] = False
            first += batch.num_rows
            batch = batch.filter(pa.array(retained_rows))
        if batch.num_rows:
            yield batch


def _text_batch(chunk: Chunk) -> pa.RecordBatch:
    """The chunk's columns as text, empty for null."""
    import pyarrow as pa

    if chunk.batch is not None:
        return chunk.batch
    records = chunk.records or []
    names = [n for n in ("question_id", "participant_id", "sample", "score") if _has(records, n)]
    columns = [pa.array([_text(record.get(name)) for record in records]) for name in names]
    return pa.RecordBatch.from_arrays([c.cast(pa.string()) for c in columns], names=names)


def _has(records: list[dict[str, Any]], name: str) -> bool:
    return any(name in record for record in records)


def _text(entry: Any) -> str:
    return "" if entry is None else str(entry)


def _parse(chunk: Chunk, findings: Findings) -> tuple[pa.RecordBatch, npt.NDArray[np.int64]]:
    """A chunk as a batch of `ratings_schema`, and the row number of each kept row."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _text_batch(chunk)
    rows = np.asarray(chunk.rows, np.int64)
    empty = pa.array([""] * text.num_rows, pa.string())

    def column(name: str) -> Any:
        return text.column(name) if name in text.schema.names else empty

    question = pc.utf8_upper(pc.utf8_trim_whitespace(column("question_id")))
    participant = _whole(column("participant_id"), "participant_id", rows, findings)
    sample = _whole(column("sample"), "sample", rows, findings, limit=2**31 - 1)
    score = _scores(column("score"), findings)
    nobody = pc.and_(_blank(column("participant_id")), _blank(column("sample")))
    _check_fields(question, nobody, rows, findings)
    known = pc.is_in(question, value_set=pa.array(list(value_questions()), pa.string()))
    unknown = pc.and_(pc.invert(known), pc.not_equal(question, ""))
    findings.leave_out_all("unknown_questions", pc.filter(question, unknown))
    batch = pa.RecordBatch.from_arrays(
        [question, participant, sample.cast(pa.int32()), score], schema=ratings_schema()
    )
    return batch.filter(known), rows[known.to_numpy(zero_copy_only=False)]


def _whole(
    texts: pa.Array,
    name: str,
    rows: npt.NDArray[np.int64],
    findings: Findings,
    *,
    limit: int = 2**63 - 1,
) -> pa.Array:
    """Texts as int64, null where empty; what is no whole number is a problem."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pc.match_substring_regex(texts, _WHOLE)
    digits = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), r"\.0*$|^\+", "")
    numbers = pc.if_else(whole, digits, None).cast(pa.int64())
    large = pc.fill_null(pc.greater(pc.abs(numbers), limit), False)
    bad = pc.or_(large, pc.and_(pc.invert(whole), pc.not_equal(pc.utf8_trim_whitespace(texts), "")))
    for index in pc.indices_nonzero(bad).to_pylist():
        findings.add(
            "not-a-whole-number",
            f"{name} is no whole number",
            row=int(rows[index]),
            column=name,
            found=quote(texts[index].as_py()),
        )
    return pc.if_else(large, None, numbers)


def _scores(texts: pa.Array, findings: Findings) -> pa.Array:
    """Texts as float64; null where no finite number stands."""
    import pyarrow as pa
    import pyarrow.compute as pc

    number = pc.match_substring_regex(texts, _NUMBER)
    trimmed = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), r"^\+", "")
    scores = pc.if_else(number, trimmed, None).cast(pa.float64())
    scores = pc.if_else(pc.is_finite(scores), scores, None)
    findings.tolerate("unreadable_scores", scores.null_count)
    return scores


def _blank(texts: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.equal(pc.utf8_trim_whitespace(texts), "")


def _check_fields(
    question: pa.Array, nobody: pa.Array, rows: npt.NDArray[np.int64], findings: Findings
) -> None:
    import pyarrow.compute as pc

    for index in pc.indices_nonzero(pc.equal(question, "")).to_pylist():
        findings.add(
            "missing-field",
            "the row names no question",
            row=int(rows[index]),
            column="question_id",
        )
    for index in pc.indices_nonzero(nobody).to_pylist():
        findings.add(
            "missing-field",
            "the row names neither a participant nor a sample",
            row=int(rows[index]),
            column="participant_id",
        )


def _packed(
    batch: pa.RecordBatch, rows: npt.NDArray[np.int64], numbers: dict[str, int]
) -> dict[str, npt.NDArray[Any]]:
    """Participant, (question, sample) in one integer, score, and row number, as numpy arrays."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    names = pa.array(list(numbers), pa.string())
    question = pc.index_in(batch.column("question_id"), value_set=names).to_numpy()
    low = np.iinfo(np.int64).min
    participant = pc.fill_null(batch.column("participant"), low).to_numpy()
    sample = pc.fill_null(batch.column("sample"), -(2**31)).to_numpy().astype(np.int64)
    score = pc.fill_null(batch.column("score"), np.nan).to_numpy(zero_copy_only=False)
    packed = question.astype(np.int64) * 2**33 + (sample + 2**31)
    return {
        "participant": participant,
        "packed": packed,
        "score": score.astype(np.float64),
        "rows": rows.astype(np.int32),
    }


def _duplicates(
    participant: npt.NDArray[np.int64],
    packed: npt.NDArray[np.int64],
    score: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int32],
    *,
    findings: Findings,
) -> npt.NDArray[np.int64]:
    """Ordinals of identical duplicates; contradicting ones are problems."""
    import numpy as np

    order = np.lexsort((packed, participant))
    same = np.ones(max(len(order) - 1, 0), bool)
    for key in (participant, packed):
        ordered = key[order]
        same &= ordered[1:] == ordered[:-1]
    del ordered
    later, drop = np.flatnonzero(same) + 1, []
    names = list(value_questions())
    for place in later.tolist():
        first, second = order[place - 1], order[place]
        equal = score[first] == score[second] or (
            np.isnan(score[first]) and np.isnan(score[second])
        )
        if equal:
            drop.append(second)
            continue
        findings.add(
            "contradicting-duplicate",
            f"{names[packed[second] // 2**33]} is rated twice, differently, for one person",
            row=int(rows[second]),
            column="score",
            found=f"{score[first]:g} (row {rows[first]}) and {score[second]:g}",
            allowed="one score per question and participant (or sample)",
        )
    findings.tolerate("identical_duplicates", len(drop))
    return np.sort(np.asarray(drop, np.int64))
