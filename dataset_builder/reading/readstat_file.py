"""SPSS and Stata files, read in blocks of rows with all kinds of missing kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.digests import sha256_file
from contracts.errors import ContractError, fail
from dataset_builder.reading.blocks import Block, Wanted, text_array
from dataset_builder.reading.labels import code_of_label
from dataset_builder.reading.variables import variable_name

BLOCK_ROWS = 8_192

#: Stata's extended missing values, in the order in which the survey's files use them.
_STATA_LETTERS = {"a": -1, "b": -2, "c": -3, "d": -4, "e": -5}

_NAMES = {"sav": "SPSS (.sav)", "dta": "Stata (.dta)"}


def _readers() -> Mapping[str, Callable[..., tuple[Any, Any]]]:
    import pyreadstat

    return MappingProxyType({"sav": pyreadstat.read_sav, "dta": pyreadstat.read_dta})


class ReadstatFile:
    """An SPSS or Stata file; see `TabularFile`.

    Args:
        path: the file.
        kind: `sav` or `dta`.
        name: its name, for messages.
    """

    def __init__(self, path: Path, kind: str, *, name: str) -> None:
        self._path = path
        self._kind = kind
        self._name = name
        _, meta = self._read(metadataonly=True)
        self.headers: list[str] = list(meta.column_names)
        self.total = int(meta.number_rows or 0)
        self.detected = {"format": _NAMES[kind], "encoding": str(meta.file_encoding or "unknown")}
        labels = meta.variable_value_labels
        self._letters = {h: _letters(h, labels.get(h, {})) for h in self.headers}
        self.value_labels = {
            i: {int(c): str(t) for c, t in labels[h].items() if _is_code(c)}
            for i, h in enumerate(self.headers)
            if h in labels
        }

    def sha256(self) -> str:
        """Digest of the file."""
        return sha256_file(self._path)

    def blocks(self, wanted: Wanted) -> Iterator[Block]:
        """Read the wanted columns in blocks of rows.

        Raises:
            ContractError: the file is damaged or cut short.
        """
        names = {i: self.headers[i] for i in wanted.all()}
        done = 0
        while not self.total or done < self.total:
            table, _ = self._read(
                usecols=list(names.values()),
                row_offset=done,
                row_limit=BLOCK_ROWS,
                disable_datetime_conversion=True,
            )
            columns = {i: self._array(name, table[name].to_numpy()) for i, name in names.items()}
            rows = len(table)
            if not rows:
                break
            done += rows
            yield Block(rows=rows, columns=columns, done=done)
        if self.total and done < self.total:
            raise self._cut_short(f"{done} rows of {self.total}")

    def _read(self, **options: Any) -> tuple[Any, Any]:
        import pyreadstat

        try:
            return _readers()[self._kind](str(self._path), user_missing=True, **options)
        except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:
            raise self._cut_short(str(error).strip()) from None
        except UnicodeDecodeError as error:
            raise fail(
                "mixed-encoding",
                f"a text in the file is not in the encoding that the file names ({error})",
                where=self._name,
                hint="Open it in SPSS or Stata and save it anew in Unicode.",
            ) from None

    def _cut_short(self, found: str) -> ContractError:
        return fail(
            "damaged-file",
            f"the {_NAMES[self._kind]} file is damaged or cut short",
            where=self._name,
            found=found,
            hint="Download the file again.",
        )

    def _array(self, name: str, array: NDArray[Any]) -> pa.Array:
        if array.dtype.kind in "iuf":
            return pa.array(array.astype(np.float64), from_pandas=True)
        letters = self._letters[name]
        texts = []
        for entry in array.tolist():
            blank = entry is None or entry == "" or entry != entry
            texts.append(None if blank else letters.get(entry, str(entry)))
        return text_array(texts)


def _is_code(code: object) -> bool:
    return isinstance(code, (int, float)) and float(code).is_integer()


def _letters(header: str, labels: Mapping[object, str]) -> dict[object, str]:
    """Code, as text, of Stata's extended missing values: by label, else by order."""
    variable = variable_name(header)
    found: dict[object, str] = {}
    for letter, code in _STATA_LETTERS.items():
        label = labels.get(letter)
        known = code_of_label(variable, label) if label else None
        found[letter] = str(known if known is not None and known < 0 else code)
    return found
