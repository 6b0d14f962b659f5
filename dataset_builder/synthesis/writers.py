"""Write a synthetic file in the formats that the survey ships."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from codebook import MISSING_CODES, MissingKind, questions
from codebook.respondents.demographics import demographics
from dataset_builder.reading.own_labels import own_labels
from dataset_builder.synthesis.columns import VERSION_TEXT, CountryFrame
from dataset_builder.synthesis.template import columns

if TYPE_CHECKING:
    import pyarrow as pa

Writer = Callable[[Path, Iterable[CountryFrame]], None]

#: Label of each missing code.
MISSING_LABELS = {
    int(kind): kind.name.replace("_", " ").capitalize().replace("Dont", "Don't")
    for kind in MissingKind
}


def write_csv(path: Path, frames: Iterable[CountryFrame]) -> None:
    """Comma-separated, codes as numbers, blanks empty, UTF-8, as the pooled file ships."""
    import pyarrow.csv as pa_csv

    options = pa_csv.WriteOptions(quoting_style="none", quoting_header="none")
    with (
        path.open("wb") as handle,
        pa_csv.CSVWriter(handle, _schema(), write_options=options) as out,
    ):
        for frame in frames:
            out.write_table(_table(frame))


def write_sav(path: Path, frames: Iterable[CountryFrame]) -> None:
    """SPSS with variable labels, value labels and the codes -5 to -1 declared user-missing."""
    import pyarrow as pa
    import pyreadstat

    numbers = [column.name for column in columns() if column.kind != "text"]
    pyreadstat.write_sav(
        pa.concat_tables([_table(frame) for frame in frames]).to_pandas(),
        str(path),
        file_label=VERSION_TEXT,
        column_labels=_variable_labels(),
        variable_value_labels={n: labels for n in numbers if (labels := _value_labels(n))},
        missing_ranges={
            name: [{"lo": min(MISSING_CODES), "hi": max(MISSING_CODES)}]
            for name in numbers
            if name in questions()
        },
        row_compress=True,
    )


def _schema() -> pa.Schema:
    import pyarrow as pa

    kinds = {"text": pa.string(), "whole": pa.int64()}
    return pa.schema([(c.name, kinds.get(c.kind, pa.float64())) for c in columns()])


def _table(frame: CountryFrame) -> pa.Table:
    """A country's columns; "" and NaN become null, which is written as blank."""
    import pyarrow as pa

    schema = _schema()
    arrays = []
    for field in schema:
        entries = frame[field.name]
        if entries.dtype == object:
            arrays.append(pa.array([text or None for text in entries.tolist()], field.type))
        else:
            arrays.append(pa.array(entries, field.type, from_pandas=True))
    return pa.Table.from_arrays(arrays, schema=schema)


def _variable_labels() -> dict[str, str]:
    titles = {name: question.title for name, question in questions().items()}
    return titles | {name: known.title for name, known in demographics().items()}


def _value_labels(name: str) -> dict[Any, str]:
    """Labels of a variable's codes in the project's own words, and of the missing codes."""
    labels: dict[Any, str] = dict(own_labels(name))
    return labels | MISSING_LABELS if labels else {}


#: Writer by ending of the file's name.
WRITERS: Mapping[str, Writer] = MappingProxyType({".csv": write_csv, ".sav": write_sav})
