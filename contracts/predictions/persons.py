"""Read persons: whole synthetic respondents, one answer per (person, question).

Long form: person_id, country, group, question_id, code. Wide form: person_id, country, group and a
column per question. A person belongs to one country and was told of one group; an empty code is
an answer that the person did not give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from codebook import countries, value_questions
from contracts.predictions.distributions import canonical_group
from contracts.predictions.findings import Findings, quote
from contracts.predictions.source import Chunk, Source

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Integers = npt.NDArray[np.int64]

LONG_COLUMNS = frozenset({"person_id", "country", "group", "question_id", "code"})

#: Columns of the wide form beside those of questions.
PERSON_COLUMNS = frozenset({"person_id", "country", "group"})

#: A code as files write it: 3, "3" or "3.0".
_CODE = r"^\s*[+-]?\d{1,6}(?:\.0*)?\s*$"

#: Stands for a code that is not there.
_NO_ANSWER = -(10**9)


def persons_schema() -> pa.Schema:
    """Schema of the table of persons; code and position are null where no answer was given."""
    import pyarrow as pa

    return pa.schema(
        [
            ("person", pa.int64()),
            ("person_id", pa.string()),
            ("country", pa.string()),
            ("group", pa.string()),
            ("question_id", pa.string()),
            ("code", pa.int64()),
            ("position", pa.int16()),
        ]
    )


def question_columns(columns: tuple[str, ...]) -> list[str]:
    """Columns of a wide file that are named as value questions, in lower case."""
    known = {name.lower() for name in value_questions()}
    return [name for name in columns if name in known]


def is_persons(columns: frozenset[str] | set[str]) -> bool:
    """Whether columns are those of persons, long or wide."""
    if "person_id" not in columns:
        return False
    return {"question_id", "code"} <= columns or bool(question_columns(tuple(columns)))


@dataclass
class _Codes:
    """Positions of raw codes: lookup table of shape (questions, codes)."""

    names: tuple[str, ...] = field(default_factory=lambda: tuple(value_questions()))
    lowest: int = 0
    table: npt.NDArray[np.int16] = field(init=False)

    def __post_init__(self) -> None:
        import numpy as np

        scales = [question.scale for question in value_questions().values()]
        codes = [scale.codes for scale in scales if scale is not None]
        self.lowest = min(min(row) for row in codes)
        width = max(max(row) for row in codes) - self.lowest + 1
        self.table = np.full((len(codes), width), -1, np.int16)
        for number, row in enumerate(codes):
            self.table[number, [code - self.lowest for code in row]] = range(len(row))

    def positions(self, question: Integers, code: Integers) -> npt.NDArray[np.int16]:
        """Position of each code on its question's scale; -1 where it is no option."""
        import numpy as np

        place = code - self.lowest
        inside = (place >= 0) & (place < self.table.shape[1])
        return np.where(inside, self.table[question, np.where(inside, place, 0)], -1)


@dataclass
class _Columns:
    """Columns of the rows read so far; texts are numbered in the order that they came."""

    person: list[Any] = field(default_factory=list)
    country: list[Any] = field(default_factory=list)
    group: list[Any] = field(default_factory=list)
    question: list[Any] = field(default_factory=list)
    code: list[Any] = field(default_factory=list)
    position: list[Any] = field(default_factory=list)
    row: list[Any] = field(default_factory=list)


def read_persons(source: Source, findings: Findings) -> tuple[pa.Table, int]:
    """All answers of a persons file, and how many rows it has."""
    import numpy as np

    codes = _Codes()
    parts = _Columns()
    rows = 0
    for chunk in source.chunks(findings):
        rows += len(chunk.rows)
        for texts, numbers in _long_parts(chunk, source):
            _take(texts, numbers, codes, parts, findings)
    wide = "question_id" not in source.columns
    known = PERSON_COLUMNS | set(question_columns(source.columns)) if wide else LONG_COLUMNS
    findings.tolerate("extra_columns", len([name for name in source.columns if name not in known]))
    if not parts.row:
        return persons_schema().empty_table(), rows
    joined = {
        name: np.concatenate([np.asarray(part) for part in getattr(parts, name)])
        for name in ("country", "question", "code", "position", "row")
    }
    return _table(joined, parts, codes, findings), rows


def _long_parts(chunk: Chunk, source: Source) -> Iterator[tuple[dict[str, pa.Array], Integers]]:
    """A chunk in long form: the columns person_id, country, group, question_id, code as text."""
    import numpy as np
    import pyarrow as pa

    text = _texts(chunk)
    numbers = np.asarray(chunk.rows, np.int64)
    empty = pa.array([""] * text.num_rows, pa.string())

    def column(name: str) -> pa.Array:
        return text.column(name) if name in text.schema.names else empty

    base = {name: column(name) for name in ("person_id", "country", "group")}
    if "question_id" in source.columns:
        yield {**base, "question_id": column("question_id"), "code": column("code")}, numbers
        return
    for name in question_columns(source.columns):
        question = pa.array([name.upper()] * text.num_rows, pa.string())
        yield {**base, "question_id": question, "code": column(name)}, numbers


def _texts(chunk: Chunk) -> pa.RecordBatch:
    import pyarrow as pa

    if chunk.batch is not None:
        return chunk.batch
    records = chunk.records or []
    names = sorted({name for record in records for name in record})
    columns = [
        pa.array(
            ["" if record.get(name) is None else str(record[name]) for record in records],
            pa.string(),
        )
        for name in names
    ]
    return pa.RecordBatch.from_arrays(columns, names=names)


def _take(
    texts: dict[str, pa.Array], rows: Integers, codes: _Codes, parts: _Columns, findings: Findings
) -> None:
    """Check some rows and keep those that can be used."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = {name: pc.utf8_trim_whitespace(column) for name, column in texts.items()}
    names = pc.utf8_upper(trimmed["question_id"])
    question = _number(names, codes.names)
    _note_blank(trimmed["person_id"], rows, "person_id", "the row names no person", findings)
    _note_blank(names, rows, "question_id", "the row names no question", findings)
    stranger = (question < 0) & (pc.not_equal(names, "").to_numpy(zero_copy_only=False))
    findings.tolerate("unknown_questions", int(stranger.sum()))
    nation, unknown = _countries(pc.utf8_upper(trimmed["country"]))
    _note_blank(trimmed["country"], rows, "country", "the row names no country", findings)
    findings.tolerate("unknown_countries", int(unknown.sum()))
    group, odd = _groups(trimmed["group"])
    findings.tolerate("unknown_groups", int(odd.sum()))
    code = _code_numbers(trimmed["code"], rows, findings)
    keep = (question >= 0) & ~unknown & ~odd
    position = np.full(len(rows), -1, np.int16)
    given = keep & (code != _NO_ANSWER)
    position[given] = codes.positions(question[given], code[given])
    for index in np.flatnonzero(given & (position < 0))[:10_000]:
        name = codes.names[question[index]]
        scale = value_questions()[name].scale
        assert scale is not None
        findings.add(
            "unknown-option",
            f"{name} has no such option",
            row=int(rows[index]),
            column="code",
            found=str(code[index]),
            allowed=", ".join(str(option) for option in scale.codes),
            hint="Leave the code empty where the person gave no answer.",
        )
    chosen = pa.array(keep)
    parts.person.append(pc.filter(trimmed["person_id"], chosen))
    parts.group.append(pc.filter(group, chosen))
    for name, column in (
        ("country", nation),
        ("question", question),
        ("code", code),
        ("position", position),
        ("row", rows),
    ):
        getattr(parts, name).append(column[keep])


def _number(texts: pa.Array, names: tuple[str, ...]) -> Integers:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(texts, value_set=pa.array(names, pa.string()))
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _countries(texts: pa.Array) -> tuple[Integers, npt.NDArray[np.bool_]]:
    number = _number(texts, tuple(countries()))
    return number, number < 0


def _groups(texts: pa.Array) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """Canonical names of groups, and which are no groups; there are few different ones."""
    import numpy as np
    import pyarrow as pa

    encoded = texts.dictionary_encode()
    canonical = [canonical_group(name) for name in encoded.dictionary.to_pylist()]
    indices = encoded.indices.to_numpy(zero_copy_only=False)
    odd = np.array([name is None for name in canonical], bool)[indices]
    return pa.array([name or "" for name in canonical], pa.string()).take(encoded.indices), odd


def _code_numbers(texts: pa.Array, rows: Integers, findings: Findings) -> Integers:
    """Codes as numbers, `_NO_ANSWER` where empty; what is no whole number is a problem."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pc.match_substring_regex(texts, _CODE)
    digits = pc.replace_substring_regex(texts, r"\.0*$|^\+", "")
    numbers = pc.if_else(whole, digits, None).cast(pa.int64())
    bad = pc.and_(pc.invert(whole), pc.not_equal(texts, ""))
    for index in pc.indices_nonzero(bad).to_pylist():
        findings.add(
            "not-a-code",
            "the code is no whole number",
            row=int(rows[index]),
            column="code",
            found=quote(texts[index].as_py()),
            allowed="the raw code of an option, or nothing",
        )
    return pc.fill_null(numbers, _NO_ANSWER).to_numpy(zero_copy_only=False).astype(np.int64)


def _note_blank(
    texts: pa.Array, rows: Integers, column: str, message: str, findings: Findings
) -> None:
    import pyarrow.compute as pc

    for index in pc.indices_nonzero(pc.equal(texts, "")).to_pylist():
        findings.add("missing-field", message, row=int(rows[index]), column=column)


def _table(joined: dict[str, Any], parts: _Columns, codes: _Codes, findings: Findings) -> pa.Table:
    """The table of `persons_schema`, without identical duplicates."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = pa.chunked_array(parts.person).combine_chunks()
    groups = pa.chunked_array(parts.group).combine_chunks().dictionary_encode()
    nation_names = pa.array(list(countries()), pa.string())
    nations = nation_names.take(pa.array(joined["country"]))
    keys = pc.binary_join_element_wise(nations, ids, "\x1f").dictionary_encode()
    person = keys.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    group = groups.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    _check_groups(person, group, keys.dictionary, groups.dictionary, joined["row"], findings)
    keep = _without_duplicates(person, joined, keys.dictionary, codes, findings)
    given = joined["code"] != _NO_ANSWER
    table = pa.table(
        [
            pa.array(person),
            ids,
            nations,
            groups.dictionary.take(groups.indices),
            pa.array(codes.names, pa.string()).take(pa.array(joined["question"])),
            pa.array(joined["code"], mask=~given),
            pa.array(joined["position"], mask=~given),
        ],
        schema=persons_schema(),
    )
    return table if keep is None else table.filter(pa.array(keep))


def _check_groups(
    person: Integers,
    group: Integers,
    keys: pa.Array,
    names: pa.Array,
    rows: Integers,
    findings: Findings,
) -> None:
    """A person who was told of two groups is two persons, or a mistake."""
    import numpy as np

    first = np.full(person.max() + 1, -1, np.int64)
    # Written backwards, so that the first row of each person stays.
    first[person[::-1]] = group[::-1]
    told: set[int] = set()
    for index in np.flatnonzero(first[person] != group):
        number = int(person[index])
        if number in told:
            continue
        told.add(number)
        findings.add(
            "two-groups",
            f"person {_person_name(keys, number)} was told of two groups",
            row=int(rows[index]),
            column="group",
            found=f"{names[int(first[number])].as_py()!r} and {names[int(group[index])].as_py()!r}",
            allowed="one group per person",
        )


def _without_duplicates(
    person: Integers, joined: dict[str, Any], keys: pa.Array, codes: _Codes, findings: Findings
) -> npt.NDArray[np.bool_] | None:
    """Which rows stay; an answer that occurs again unchanged goes, two different ones are wrong."""
    import numpy as np

    key = person * len(codes.names) + joined["question"]
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order][1:] == key[order][:-1]) + 1
    if len(same) == 0:
        return None
    keep = np.ones(len(key), bool)
    for place in same:
        before, index = int(order[place - 1]), int(order[place])
        keep[index] = False
        if joined["code"][before] == joined["code"][index]:
            findings.tolerate("identical_duplicates")
            continue
        name = codes.names[joined["question"][index]]
        findings.add(
            "contradicting-duplicate",
            f"person {_person_name(keys, int(person[index]))} answers {name} twice",
            row=int(joined["row"][index]),
            column="code",
            found=f"{joined['code'][before]} (row {joined['row'][before]}) and "
            f"{joined['code'][index]}",
            allowed="one answer per person and question",
        )
    return keep


def _person_name(keys: pa.Array, number: int) -> str:
    country, _, name = keys[number].as_py().partition("\x1f")
    return f"{quote(name)} of {country}"
