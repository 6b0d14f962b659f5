"""Good uploads of every kind and format, and random changes to them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from contracts.predictions.source import FORMATS
from space.intake.templates import KINDS, write_template

#: Put in place of numbers, names and JSON leaves.
NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, 2**64, -(2**70), 10**300, 1e308, -1e308, 5e-324,
    float("nan"), float("inf"), "", " ", "NaN", "1e999", "-0", "0x10", "1_000", "50%", "\u0661",
    "=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(\"http://x\")", "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))", "../../etc/passwd", "\u202e\u2066x", "\x00", "\x1b[31m", "\ud800",
    "Q1", "Q999999", "DEU", "ZZZ", "sex=female", "age=;;=", "a" * 9_999, "a" * 20_000, "\ufeff",
    [], {}, [[]], {"a": {"a": {}}}, [1, "a", None], {"1": 1}, {"": ""},
)  # fmt: skip

TOKENS = tuple(item if isinstance(item, str) else json.dumps(item) for item in NASTY)


class Case(NamedTuple):
    """An upload: what it is, its name, its bytes, and those of its sidecar."""

    what: str
    name: str
    content: bytes
    sidecar: bytes | None = None


class Mutator:
    """Makes cases from good files.

    Args:
        folder: for the templates.
        report: text of a good report.
        rng: source of randomness.
    """

    def __init__(self, folder: Path, report: str, rng: np.random.Generator) -> None:
        self.rng = rng
        self.report = json.loads(report)
        self.files = [
            write_template(folder, kind=kind, suffix=suffix) for kind in KINDS for suffix in FORMATS
        ]
        self.contents = [path.read_bytes() for path in self.files]
        header = json.loads(self.contents[0].split(b"\n")[0])
        self.meta = header
        self.table = b"question_id,country,option,share\nQ1,DEU,1,0.5\nQ1,DEU,2,0.5\n"

    def case(self) -> Case:
        """The next case."""
        pick = self.rng.random()
        if pick < 0.15:
            return Case("report", "report.json", self._json(self.report))
        if pick < 0.25:
            return Case("sidecar", "table.csv", self.table, self._json(self.meta))
        at = int(self.rng.integers(len(self.files)))
        path, content = self.files[at], self.contents[at]
        if path.suffix == ".jsonl" and self.rng.random() < 0.6:
            return Case(f"{path.name} by record", path.name, self._lines(content))
        if path.suffix in (".csv", ".tsv") and self.rng.random() < 0.6:
            return Case(f"{path.name} by cell", path.name, self._cells(content, path.suffix))
        return Case(f"{path.name} by byte", path.name, self._bytes(content))

    def _times(self) -> range:
        return range(int(self.rng.integers(1, 5)))

    def _pick(self, items: Any) -> Any:
        return items[int(self.rng.integers(len(items)))]

    # Bytes

    def _bytes(self, content: bytes) -> bytes:
        buffer = bytearray(content)
        for _ in self._times():
            self._pick((self._flip, self._cut, self._double, self._insert, self._splice))(buffer)
        return bytes(buffer)

    def _span(self, buffer: bytearray) -> slice:
        start = int(self.rng.integers(len(buffer) + 1))
        return slice(start, start + int(self.rng.integers(1, 200)))

    def _flip(self, buffer: bytearray) -> None:
        for _ in range(int(self.rng.integers(1, 8))):
            if buffer:
                buffer[int(self.rng.integers(len(buffer)))] ^= 1 << int(self.rng.integers(8))

    def _cut(self, buffer: bytearray) -> None:
        if self.rng.random() < 0.3:
            del buffer[int(self.rng.integers(len(buffer) + 1)) :]
        else:
            del buffer[self._span(buffer)]

    def _double(self, buffer: bytearray) -> None:
        span = self._span(buffer)
        buffer[span.start : span.start] = buffer[span] * int(self.rng.integers(1, 50))

    def _insert(self, buffer: bytearray) -> None:
        at = int(self.rng.integers(len(buffer) + 1))
        extra = (
            self.rng.bytes(int(self.rng.integers(1, 40)))
            if self.rng.random() < 0.5
            else self._pick(TOKENS).encode("utf-8", "surrogatepass")
        )
        buffer[at:at] = extra

    def _splice(self, buffer: bytearray) -> None:
        other = self._pick(self.contents)
        at = int(self.rng.integers(len(buffer) + 1))
        buffer[at:] = other[int(self.rng.integers(len(other))) :]

    # Records and cells

    def _json(self, item: Any) -> bytes:
        mutated = copy.deepcopy(item)
        for _ in self._times():
            self._change(mutated)
        return json.dumps(mutated).encode()

    def _change(self, item: Any) -> None:
        """Change a leaf, a key or a branch somewhere in nested JSON."""
        here = item
        while True:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not keys:
                return
            key = self._pick(keys)
            inner = here[key]
            if isinstance(inner, (dict, list)) and inner and self.rng.random() < 0.85:
                here = inner
                continue
            break
        way = self.rng.random()
        if way < 0.6:
            here[key] = copy.deepcopy(self._pick(NASTY))
        elif way < 0.8:
            del here[key]
        elif isinstance(here, dict):
            here[str(self._pick(TOKENS))] = copy.deepcopy(inner)
        else:
            here.extend([copy.deepcopy(inner)] * int(self.rng.integers(1, 100)))

    def _lines(self, content: bytes) -> bytes:
        lines = [json.loads(line) for line in content.splitlines()]
        for _ in self._times():
            self._change(lines[int(self.rng.integers(len(lines)))])
        if self.rng.random() < 0.3:
            lines += lines[1:] * int(self.rng.integers(1, 20))
        return "\n".join(map(json.dumps, lines)).encode()

    def _cells(self, content: bytes, suffix: str) -> bytes:
        mark = "\t" if suffix == ".tsv" else ","
        header, *lines = content.decode().splitlines()
        rows = [line.split(mark) for line in lines]
        for _ in self._times():
            row = self._pick(rows)
            row[int(self.rng.integers(len(row)))] = self._pick(TOKENS)
        if self.rng.random() < 0.3:
            self._pick(rows).append(self._pick(TOKENS))
        text = "\n".join([header, *(mark.join(row) for row in rows)])
        return text.encode("utf-8", "surrogatepass")
