"""SPSS, Stata and R files, read in blocks of rows with all kinds of missing kept."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from contracts.digests import sha256_file
from contracts.errors import ContractError, fail
from dataset_builder.reading.blocks import Block, Wanted
from dataset_builder.reading.coding import STATA_MISSING
from dataset_builder.reading.labels import code_of_label
from dataset_builder.reading.variables import variable_name

BLOCK_ROWS = 8_192

_CHILD = Path(__file__).with_name("readstat_child.py")

_NAMES = {"sav": "SPSS (.sav)", "dta": "Stata (.dta)", "r": "R (.rds, .RData)"}


class ReadstatFile:
    """An SPSS, Stata or R file; see `TabularFile`. Close it after use.

    R's files need the package pyreadr, which the extra `r` brings.

    Args:
        path: the file.
        kind: `sav`, `dta` or `r`.
        name: its name, for messages.

    Raises:
        ContractError: the file is damaged, or R's files cannot be read here.
    """

    def __init__(self, path: Path, kind: str, *, name: str) -> None:
        if kind == "r" and find_spec("pyreadr") is None:
            raise _no_reader(name)
        self._path = path
        self._kind = kind
        self._name = name
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115
        self._child = subprocess.Popen(
            [sys.executable, "-P", str(_CHILD), str(path), kind, str(BLOCK_ROWS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
        )
        try:
            about = self._about()
        except ContractError:
            self.close()
            raise
        self.headers: list[str] = about["names"]
        self.total = int(about["rows"])
        self.detected = {"format": _NAMES[kind], "encoding": about["encoding"]}
        labels: dict[str, list[tuple[str, str]]] = about["labels"]
        self._letters = {h: _letters(h, dict(labels.get(h, []))) for h in self.headers}
        self.value_labels = {
            i: {int(float(c)): t for c, t in labels[h] if _is_code(c)}
            for i, h in enumerate(self.headers)
            if h in labels
        }

    def close(self) -> None:
        """End the process that reads the file."""
        self._child.kill()
        for stream in (self._child.stdin, self._child.stdout, self._messages):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        self._child.wait()

    def sha256(self) -> str:
        """Digest of the file."""
        return sha256_file(self._path)

    def blocks(self, wanted: Wanted) -> Iterator[Block]:
        """Read the wanted columns in blocks of rows.

        Raises:
            ContractError: the file is damaged or cut short.
        """
        names = {i: self.headers[i] for i in wanted.all()}
        request = self._pipe(self._child.stdin)
        with suppress(BrokenPipeError):
            request.write(json.dumps(list(names.values())).encode() + b"\n")
            request.flush()
        done = 0
        while batch := self._next_batch():
            columns = {i: self._array(name, batch.column(name)) for i, name in names.items()}
            done += batch.num_rows
            yield Block(rows=batch.num_rows, columns=columns, done=done)
        if self.total and done < self.total:
            raise self._damaged(f"{done} rows of {self.total}")

    def _about(self) -> dict[str, Any]:
        line = self._pipe(self._child.stdout).readline()
        if not line.endswith(b"\n"):
            raise self._failed()
        about: dict[str, Any] = json.loads(line)
        return about

    def _next_batch(self) -> pa.RecordBatch | None:
        source = self._pipe(self._child.stdout)
        head = source.read(8)
        size = struct.unpack("<Q", head)[0] if len(head) == 8 else -1
        if size == 0:
            return None
        payload = source.read(size) if size > 0 else b""
        if size < 0 or len(payload) < size:
            raise self._failed()
        return next(iter(pa.ipc.open_stream(pa.BufferReader(payload))))

    def _pipe(self, pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe

    def _failed(self) -> ContractError:
        """Why the child ended: it said so, or it crashed."""
        self._child.wait()
        self._messages.seek(0)
        report_text = self._messages.read().decode("utf-8", errors="replace")
        try:
            report = json.loads(report_text)
        except ValueError:
            return self._damaged("bytes that make the parser crash")
        if report["problem"] == "encoding":
            return fail(
                "mixed-encoding",
                f"a text in the file is not in the encoding it names ({report['message']})",
                where=self._name,
                hint="Open it in SPSS or Stata and save it again in Unicode.",
            )
        if report["problem"] == "frames":
            return fail(
                "several-frames",
                "the R file does not hold exactly one data frame",
                where=self._name,
                found=report["message"],
                allowed="one data frame",
                hint='In R: saveRDS(data, "survey.rds").',
            )
        return self._damaged(report["message"])

    def _damaged(self, evidence: str) -> ContractError:
        return fail(
            "damaged-file",
            f"the {_NAMES[self._kind]} file is damaged or cut short",
            where=self._name,
            found=evidence,
            hint="Download the file again.",
        )

    def _array(self, name: str, column: pa.Array) -> pa.Array:
        """The column, with Stata's letters as codes."""
        if not pa.types.is_dictionary(column.type):
            return column
        letters = self._letters[name]
        texts = [letters.get(text, text) for text in column.dictionary.to_pylist()]
        return pa.DictionaryArray.from_arrays(column.indices, pa.array(texts, pa.string()))


def _no_reader(name: str) -> ContractError:
    return fail(
        "missing-package",
        "files of R are read with the package pyreadr, which is not installed",
        where=name,
        hint="pip install 'opinion-atlas[r]', or save the data in R as text: "
        'write.csv(data, "survey.csv", row.names = FALSE).',
    )


def _is_code(code: str) -> bool:
    try:
        return float(code).is_integer()
    except ValueError:
        return False


def _letters(header: str, labels: Mapping[str, str]) -> dict[str, str]:
    """Code, as text, of Stata's extended missing values: by label, else by order."""
    variable = variable_name(header)
    codes_by_letter: dict[str, str] = {}
    for letter, code in ((name[1:], code) for name, code in STATA_MISSING.items()):
        label = labels.get(letter)
        known = code_of_label(variable, label) if label else None
        codes_by_letter[letter] = str(known if known is not None and known < 0 else code)
    return codes_by_letter
