"""Runs as a process of its own: reads an SPSS, Stata or R file and passes it on.

The parser is native code that a damaged file can make crash; here it takes nobody along. Run by
path, not imported: it needs nothing of the project.

Standard output holds one line of JSON about the file, then, once a line of JSON with the wanted
columns has come in on standard input, every block of rows: its length in 8 bytes, and an Arrow
stream. A length of zero ends it. What goes wrong is told as JSON on standard error, with exit
status 3.
"""

from __future__ import annotations

import json
import struct
import sys
from typing import Any

FAILED = 3


def main(path: str, kind: str, block_rows: int) -> int:
    """Serve one file; the exit status."""
    if kind == "r":
        return _serve_r(path, block_rows)
    import pyreadstat

    reader = {"sav": pyreadstat.read_sav, "dta": pyreadstat.read_dta}[kind]
    try:
        _serve(reader, path, block_rows)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:
        return _tell("damaged", error)
    except UnicodeDecodeError as error:
        return _tell("encoding", error)
    return 0


def _tell(problem: str, error: object) -> int:
    sys.stderr.write(json.dumps({"problem": problem, "message": str(error).strip()}))
    return FAILED


def _serve_r(path: str, block_rows: int) -> int:
    """Serve the one data frame of an .rds or .RData file, which is read whole."""
    import pyreadr

    try:
        r_objects = pyreadr.read_r(path)
    except (pyreadr.LibrdataError, pyreadr.PyreadrError, ValueError, OverflowError) as error:
        return _tell("damaged", error)
    frames = {
        name: frame for name, frame in r_objects.items() if len(getattr(frame, "columns", ()))
    }
    if len(frames) != 1:
        return _tell("frames", ", ".join(str(name) for name in frames) or "no data frame")
    (frame,) = frames.values()
    frame.columns = [str(name) for name in frame.columns]
    about = {"names": list(frame.columns), "rows": len(frame), "encoding": "utf-8", "labels": {}}
    out = sys.stdout.buffer
    out.write(json.dumps(about).encode() + b"\n")
    out.flush()
    request = sys.stdin.readline()
    wanted = json.loads(request) if request else []
    for start in range(0, len(frame) if request else 0, block_rows):
        payload = _payload(frame.iloc[start : start + block_rows], wanted)
        out.write(struct.pack("<Q", len(payload)))
        out.write(payload)
    out.write(struct.pack("<Q", 0))
    out.flush()
    return 0


def _serve(reader: Any, path: str, block_rows: int) -> None:
    out = sys.stdout.buffer
    _, meta = reader(path, metadataonly=True, user_missing=True)
    rows = int(meta.number_rows or 0)
    about = {
        "names": list(meta.column_names),
        "rows": rows,
        "encoding": str(meta.file_encoding or "unknown"),
        "labels": {
            name: [[str(code), str(label)] for code, label in labels.items()]
            for name, labels in meta.variable_value_labels.items()
        },
    }
    out.write(json.dumps(about).encode() + b"\n")
    out.flush()
    request = sys.stdin.readline()
    if not request:
        return
    wanted = json.loads(request)
    done = 0
    while not rows or done < rows:
        frame, _ = reader(
            path,
            usecols=wanted,
            user_missing=True,
            disable_datetime_conversion=True,
            row_offset=done,
            row_limit=block_rows,
        )
        if not len(frame):
            break
        done += len(frame)
        payload = _payload(frame, wanted)
        out.write(struct.pack("<Q", len(payload)))
        out.write(payload)
    out.write(struct.pack("<Q", 0))
    out.flush()


def _payload(frame: Any, wanted: list[str]) -> Any:
    import pyarrow as pa

    batch = pa.record_batch([_array(frame[name].to_numpy()) for name in wanted], names=wanted)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _array(entries: Any) -> Any:
    """Numbers as float64, NaN as null; anything else as text."""
    import pyarrow as pa

    if entries.dtype.kind in "iuf":
        return pa.array(entries.astype("float64"), from_pandas=True)
    texts = [None if e is None or e == "" or e != e else str(e) for e in entries.tolist()]
    return pa.array(texts, pa.string()).dictionary_encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
