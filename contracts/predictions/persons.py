"""Read persons: whole synthetic respondents, one answer per (person, question).

Long form: person_id, country, group, question_id, code. Wide form: person_id, country, group and a
column per question. A person belongs to one country and was told of one group; an empty code is
an answer that the person did not give.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from codebook import countries, value_questions
from codebook.countries import country_named
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

#: Next step after a code that cannot be used.
_CODE_HINT = "Leave the code empty where the person gave no answer."

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
    wide = "question_id" not in source.columns
    columns = dict.fromkeys(source.columns)  # a JSON line may hold more than the first one
    for chunk in source.chunks(findings):
        rows += len(chunk.rows)
        text = _texts(chunk)
        columns.update(dict.fromkeys(text.schema.names))
        _take(text, np.asarray(chunk.rows, np.int64), codes, parts, findings, wide=wide)
    known = PERSON_COLUMNS | set(question_columns(tuple(columns))) if wide else LONG_COLUMNS
    findings.tolerate("extra_columns", len([name for name in columns if name not in known]))
    if not sum(map(len, parts.row)):
        return persons_schema().empty_table(), rows
    joined = {
        name: np.concatenate([np.asarray(part) for part in getattr(parts, name)])
        for name in ("country", "question", "code", "position", "row")
    }
    return _table(joined, parts, codes, findings), rows


def _texts(chunk: Chunk) -> pa.RecordBatch:
    """A chunk's columns as text, empty for null or what a record lacks."""
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


@dataclass(frozen=True)
class _Described:
    """Whom the rows of a chunk are of.

    Attributes:
        person_id, group: texts, the group by its canonical name.
        country: number of the country.
        rows: numbers of the rows.
        good: rows whose country and group are known.
    """

    person_id: pa.Array
    group: pa.Array
    country: Integers
    rows: Integers
    good: npt.NDArray[np.bool_]


def _take(
    text: pa.RecordBatch,
    rows: Integers,
    codes: _Codes,
    parts: _Columns,
    findings: Findings,
    *,
    wide: bool,
) -> None:
    """Check a chunk in long or wide form, and add the answers that can be placed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def column(name: str) -> pa.Array:
        if name not in text.schema.names:
            return pa.array([""] * text.num_rows, pa.string())
        return pc.utf8_trim_whitespace(text.column(name))

    described = _describe(column("person_id"), column("country"), column("group"), rows, findings)
    if not wide:
        _take_answers(
            described, pc.utf8_upper(column("question_id")), column("code"), codes, parts, findings
        )
        return
    for name in question_columns(tuple(text.schema.names)):
        question = pa.array([name.upper()] * text.num_rows, pa.string())
        _take_answers(
            described, question, column(name), codes, parts, findings, column=name.upper()
        )


def _describe(
    person_id: pa.Array, country: pa.Array, group: pa.Array, rows: Integers, findings: Findings
) -> _Described:
    """The persons of a chunk; what names no person, country or group is noted."""
    _note_blank(person_id, rows, "person_id", "the row names no person", findings)
    _note_blank(country, rows, "country", "the row names no country", findings)
    nation, unknown = _countries(country, findings)
    canonical, odd = _groups(group, findings)
    return _Described(person_id, canonical, nation, rows, ~(unknown | odd))


def _take_answers(
    described: _Described,
    names: pa.Array,
    texts: pa.Array,
    codes: _Codes,
    parts: _Columns,
    findings: Findings,
    *,
    column: str = "code",
) -> None:
    """Check answers and keep those that can be placed; `column` is where their codes stand."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = described.rows
    question = _number(names, codes.names)
    _note_blank(names, rows, "question_id", "the row names no question", findings)
    blank = pc.equal(names, "").to_numpy(zero_copy_only=False)
    findings.leave_out_all("unknown_questions", pc.filter(names, pa.array((question < 0) & ~blank)))
    code = _code_numbers(texts, question, rows, codes, findings, column)
    keep = (question >= 0) & described.good
    position = np.full(len(rows), -1, np.int16)
    given = keep & (code != _NO_ANSWER)
    position[given] = codes.positions(question[given], code[given])
    for index in np.flatnonzero(given & (position < 0))[:10_000]:
        _no_option(codes.names[question[index]], int(code[index]), int(rows[index]), column,
                   findings)  # fmt: skip
    chosen = pa.array(keep)
    parts.person.append(pc.filter(described.person_id, chosen))
    parts.group.append(pc.filter(described.group, chosen))
    for name, column_values in (
        ("country", described.country),
        ("question", question),
        ("code", code),
        ("position", position),
        ("row", rows),
    ):
        getattr(parts, name).append(column_values[keep])


def _no_option(name: str, code: int, row: int, column: str, findings: Findings) -> None:
    findings.add(
        "unknown-option",
        f"{name} has no such option",
        row=row,
        column=column,
        found=str(code),
        allowed=_options(name),
        hint=_CODE_HINT,
    )


def _options(name: str) -> str:
    """The raw codes of a question's options."""
    scale = value_questions()[name].scale
    assert scale is not None
    return ", ".join(str(option) for option in scale.codes)


def _number(texts: pa.Array, names: tuple[str, ...]) -> Integers:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    indices = pc.index_in(texts, value_set=pa.array(names, pa.string()))
    return pc.fill_null(indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _countries(texts: pa.Array, findings: Findings) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Numbers of countries, by any of their names, and which rows name none that is known."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    order = {name: number for number, name in enumerate(countries())}
    encoded = texts.dictionary_encode()
    written = encoded.dictionary.to_pylist()
    named = [country_named(name) if name else None for name in written]
    indices = encoded.indices.to_numpy(zero_copy_only=False)
    number = np.array([order.get(name or "", -1) for name in named], np.int64)[indices]
    mended = np.array(
        [name is not None and name != text.upper()
         for name, text in zip(named, written, strict=True)], bool
    )[indices]  # fmt: skip
    findings.tolerate("country_names", int(mended.sum()))
    blank = np.array([not name for name in written], bool)[indices]
    findings.leave_out_all("unknown_countries", pc.filter(texts, pa.array((number < 0) & ~blank)))
    return number, number < 0


def _groups(texts: pa.Array, findings: Findings) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """Canonical names of groups, and which are no groups; there are few different ones."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = texts.dictionary_encode()
    canonical = [canonical_group(name) for name in encoded.dictionary.to_pylist()]
    indices = encoded.indices.to_numpy(zero_copy_only=False)
    odd = np.array([name is None for name in canonical], bool)[indices]
    findings.leave_out_all("unknown_groups", pc.filter(texts, pa.array(odd)))
    return pa.array([name or "" for name in canonical], pa.string()).take(encoded.indices), odd


#: What tables write where there is nothing; a code that is one of these is no answer.
_NOTHING = ("nan", "null", "none")


def _code_numbers(
    texts: pa.Array,
    question: Integers,
    rows: Integers,
    codes: _Codes,
    findings: Findings,
    column: str,
) -> Integers:
    """Codes as numbers, `_NO_ANSWER` where empty; what is no whole number is a problem."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pc.match_substring_regex(texts, _CODE)
    digits = pc.replace_substring_regex(texts, r"\.0*$|^\+", "")
    numbers = pc.if_else(whole, digits, None).cast(pa.int64())
    bad = pc.and_(pc.invert(whole), pc.not_equal(texts, ""))
    for index in pc.indices_nonzero(bad).to_pylist():
        text = texts[index].as_py()
        if text.lower() in _NOTHING:
            continue
        findings.add(
            "not-a-code",
            "the code is no whole number",
            row=int(rows[index]),
            column=column,
            found=quote(text),
            allowed=_options(codes.names[question[index]]) if question[index] >= 0 else "",
            hint=_CODE_HINT,
        )
    return pc.fill_null(numbers, _NO_ANSWER).to_numpy(zero_copy_only=False).astype(np.int64)


#: What stands in the fields that no row may lack.
_FIELDS = {
    "person_id": "any name that is the same in all rows of a person",
    "country": "an ISO 3166-1 code such as DEU, or an English name",
    "question_id": "a question of the codebook, such as Q1",
}


def _note_blank(
    texts: pa.Array, rows: Integers, column: str, message: str, findings: Findings
) -> None:
    import pyarrow.compute as pc

    for index in pc.indices_nonzero(pc.equal(texts, "")).to_pylist():
        findings.add(
            "missing-field",
            message,
            row=int(rows[index]),
            column=column,
            found="nothing",
            allowed=_FIELDS[column],
            hint="Fill the field in, or leave the row out.",
        )


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
    reported_persons: set[int] = set()
    for index in np.flatnonzero(first[person] != group):
        number = int(person[index])
        if number in reported_persons:
            continue
        reported_persons.add(number)
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
