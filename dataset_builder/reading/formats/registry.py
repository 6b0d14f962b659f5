"""Which format a file has, by its first bytes and its name."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from contracts.digests import sha256_file
from contracts.errors import fail
from dataset_builder.reading.blocks import TabularFile
from dataset_builder.reading.formats.archive import (
    DAMAGE,
    GZIP_DAMAGE,
    Bounded,
    only_member,
    unpack_gzip,
    unpacked,
)
from dataset_builder.reading.formats.arrow_file import STREAM_START, ArrowFile
from dataset_builder.reading.formats.csv_file import CsvFile
from dataset_builder.reading.formats.readstat_file import ReadstatFile
from dataset_builder.reading.formats.xlsx_file import XlsxFile
from dataset_builder.reading.lookalikes import lookalike

#: Format by ending of the name.
SUFFIXES = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".sav": "sav",
    ".zsav": "sav",
    ".dta": "dta",
    ".xlsx": "xlsx",
    ".rds": "r",
    ".rdata": "r",
    ".rda": "r",
    ".parquet": "parquet",
    ".feather": "feather",
    ".arrow": "feather",
    ".gz": "gz",
    ".zip": "zip",
}
_SURVEY_SUFFIXES = tuple(suffix for suffix in SUFFIXES if suffix not in (".zip", ".gz"))

_NAMES = {
    "csv": "delimited text",
    "sav": "SPSS",
    "dta": "Stata",
    "xlsx": "Excel",
    "zip": "a zip archive",
    "gz": "a file packed with gzip",
    "r": "a file of R",
    "parquet": "Parquet",
    "feather": "Feather",
    "other": "none that is read",
}
_OLD_STATA = range(105, 116)
_FOREIGN = (b"$FL",)
#: Files of R begin so, packed or not.
_R = (b"RDX2", b"RDX3", b"RDA2", b"RDA3", b"X\n\0\0", b"A\n2\n", b"A\n3\n")


@contextmanager
def open_tabular(path: Path) -> Iterator[TabularFile]:
    """Open a survey file of any format that is read.

    Raises:
        ContractError: the file is empty, of another format, or its name says another format
            than its bytes.
    """
    kind = _format_of(path, path.name)
    if kind == "zip":
        with _open_archive(path) as file:
            yield file
    elif kind == "gz":
        with opened_gzip(path) as file:
            yield file
    elif kind == "csv":
        with path.open("rb") as stream:
            yield CsvFile(stream, name=path.name, total=path.stat().st_size)
    else:
        with _open_whole(path, kind, name=path.name) as file:
            yield file


@contextmanager
def _open_whole(path: Path, kind: str, *, name: str) -> Iterator[TabularFile]:
    if kind == "xlsx":
        yield XlsxFile(path, name=name)
        return
    if kind in ("parquet", "feather"):
        yield ArrowFile(path, kind, name=name)
        return
    with closing(ReadstatFile(path, kind, name=name)) as file:
        yield file


def _format_of(path: Path, name: str) -> str:
    """Format by the first bytes; the name must not say another."""
    size = path.stat().st_size
    if not size:
        raise fail("empty-file", "the file is empty", where=name, hint="Download the file again.")
    with path.open("rb") as handle:
        start = handle.read(4096)
    if (error := lookalike(start, name=name)) is not None:
        raise error
    detected_format = _format_of_bytes(start, path)
    suffix = PurePosixPath(name).suffix.lower()
    named = SUFFIXES.get(suffix)
    if detected_format == "other" or (named is not None and named != detected_format):
        raise fail(
            "wrong-format",
            f"the file is named {suffix or '(no ending)'}, "
            f"but its content is {_NAMES[detected_format]}"
            if named is not None
            else "the format of the file is not known",
            where=name,
            allowed=", ".join(SUFFIXES),
            hint="Give it the ending of its true format, or download it again."
            if detected_format != "other"
            else "Export it as CSV, SPSS or Stata, or download it again.",
        )
    return detected_format


def _format_of_bytes(start: bytes, path: Path) -> str:
    if start.startswith((b"$FL2", b"$FL3")):
        return "sav"
    if start.startswith(b"PK"):
        return _zip_or_excel(path)
    if start.startswith(b"<stata_dta>"):
        return "dta"
    if len(start) > 4 and start[0] in _OLD_STATA and start[1] in (1, 2) and start[2] == 1:
        return "dta"
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "csv"
    if start.startswith(b"\x1f\x8b"):
        return "r" if _unpacked_start(path).startswith(_R) else "gz"
    known = {
        "r": _R,
        "parquet": (b"PAR1",),
        "feather": (b"ARROW1", b"FEA1", STREAM_START),
        "other": _FOREIGN,
    }
    kinds = [kind for kind, starts in known.items() if start.startswith(starts)]
    return kinds[0] if kinds else ("other" if b"\0" in start else "csv")


def _unpacked_start(path: Path) -> bytes:
    """The first bytes of what a gzip file holds; none where it is damaged."""
    try:
        with gzip.open(path) as stream:
            return stream.read(16)
    except GZIP_DAMAGE:
        return b""


def _zip_or_excel(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            return "xlsx" if "xl/workbook.xml" in archive.namelist() else "zip"
    except DAMAGE:
        return "xlsx" if path.suffix.lower() == ".xlsx" else "zip"


@contextmanager
def _open_archive(path: Path) -> Iterator[TabularFile]:
    with only_member(path, _SURVEY_SUFFIXES, name=path.name) as (archive, member):
        inner = PurePosixPath(member.filename)
        name = f"{path.name}/{inner.name}"
        if SUFFIXES[inner.suffix.lower()] == "csv":
            with archive.open(member) as stream:
                bounded = Bounded(stream, limit=member.file_size, name=path.name)  # type: ignore[arg-type]
                text = CsvFile(bounded, name=name, total=member.file_size)
                yield _Packed(text, path)
        else:
            with (
                unpacked(archive, member, name=path.name) as place,
                _open_whole(place, _format_of(place, name), name=name) as file,
            ):
                yield _Packed(file, path)


@contextmanager
def opened_gzip(path: Path) -> Iterator[TabularFile]:
    """Open the survey file that a gzip file holds."""
    name = path.name
    inner = PurePosixPath(name).stem
    with TemporaryDirectory(prefix="opinion-atlas-") as folder:
        place = unpack_gzip(path, Path(folder), inner)
        kind = _format_of(place, inner)
        if kind in ("zip", "gz"):
            raise fail(
                "wrong-format",
                "an archive is packed once more",
                where=name,
                hint="Unpack it and give the survey file itself.",
            )
        if kind == "csv":
            with place.open("rb") as stream:
                yield _Packed(
                    CsvFile(stream, name=name, total=place.stat().st_size), path, archive="gzip"
                )
        else:
            with _open_whole(place, kind, name=name) as file:
                yield _Packed(file, path, archive="gzip")


class _Packed:
    """A survey file within an archive: its digest is that of the archive."""

    def __init__(self, file: TabularFile, path: Path, *, archive: str = "zip") -> None:
        self.headers = file.headers
        self.total = file.total
        self.value_labels = file.value_labels
        self.detected = file.detected
        self.detected["archive"] = archive
        self.blocks = file.blocks
        self._path = path

    def sha256(self) -> str:
        """Digest of the archive."""
        return sha256_file(self._path)
