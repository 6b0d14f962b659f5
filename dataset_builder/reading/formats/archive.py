"""A zip file that holds one survey file; nothing is ever written where the archive says."""

from __future__ import annotations

import gzip
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from contracts.errors import ContractError, fail

#: No survey file is larger than this once unpacked.
LARGEST_BYTES = 4 << 30
#: Nor does one shrink by more than this; a zip bomb does.
LARGEST_RATIO = 250
_FREE_BYTES = 16 << 20
_COPY_BYTES = 4 << 20

#: Texts that explain the survey file beside them.
_NOTES = re.compile(r"(read[ _-]?me|licen[cs]e|citation|changelog|notes?)\b.*\.txt", re.IGNORECASE)

#: What a damaged gzip file makes the library raise.
GZIP_DAMAGE = (gzip.BadGzipFile, zlib.error, EOFError)

#: What a damaged archive, or one packed in an unknown way, makes the library raise.
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


@contextmanager
def only_member(
    path: Path, suffixes: tuple[str, ...], *, name: str
) -> Iterator[tuple[zipfile.ZipFile, zipfile.ZipInfo]]:
    """The one survey file of a zip file.

    Args:
        path: the zip file.
        suffixes: endings of survey files.
        name: its name, for messages.

    Raises:
        ContractError: it is damaged or encrypted, holds none or several survey files, leads out
            of its folder, or unpacks to more than a survey file can be.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, _choose(archive, suffixes, name=name)
    except DAMAGE as error:
        raise fail(
            "damaged-file",
            f"the zip file is damaged or cut short ({error})",
            where=name,
            hint="Download the file again.",
        ) from None


def _choose(archive: zipfile.ZipFile, suffixes: tuple[str, ...], *, name: str) -> zipfile.ZipInfo:
    members = [m for m in archive.infolist() if not m.is_dir()]
    for member in members:
        if _leads_out(member.filename):
            raise fail(
                "zip-path",
                "the zip file holds a path that leads out of its folder",
                where=name,
                found=member.filename,
                hint="Do not unpack it; take the file from worldvaluessurvey.org.",
            )
    wanted = [m for m in members if _is_survey(m.filename, suffixes)]
    if len(wanted) > 1:
        wanted = [m for m in wanted if not _NOTES.match(PurePosixPath(m.filename).name)]
    if len(wanted) != 1:
        raise fail(
            "zip-content",
            f"the zip file holds {len(wanted) or 'no'} survey files",
            where=name,
            found=", ".join(m.filename for m in members[:10]) or "nothing",
            allowed=f"exactly one file ending in {', '.join(suffixes)}",
            hint="Unpack it and give the file that you want.",
        )
    _refuse_bomb(wanted[0], name=name)
    return wanted[0]


def _is_survey(filename: str, suffixes: tuple[str, ...]) -> bool:
    place = PurePosixPath(filename)
    hidden = place.name.startswith(".") or "__MACOSX" in place.parts
    return place.suffix.lower() in suffixes and not hidden


def _leads_out(filename: str) -> bool:
    place = PurePosixPath(filename.replace("\\", "/"))
    return place.is_absolute() or ".." in place.parts or filename[1:2] == ":"


def _refuse_bomb(member: zipfile.ZipInfo, *, name: str) -> None:
    if member.flag_bits & 1:
        raise fail(
            "zip-encrypted",
            "the survey file in the zip file is encrypted",
            where=name,
            found=member.filename,
            hint="Unpack it with its password and give the file itself.",
        )
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > LARGEST_BYTES or (
        member.file_size > _FREE_BYTES and ratio > LARGEST_RATIO
    ):
        raise too_large(name, f"{member.file_size:,} bytes, {ratio:.0f} times the packed size")


def too_large(name: str, observed_size: str) -> ContractError:
    """The error of an archive that unpacks to more than a survey file can be."""
    return fail(
        "zip-bomb",
        "the archive unpacks to more than a survey file can be",
        where=name,
        found=observed_size,
        allowed=f"{LARGEST_BYTES:,} bytes, {LARGEST_RATIO} times the packed size",
        hint="Unpack it by hand if you trust it, and give the file itself.",
    )


class Bounded:
    """A stream of a zip member that refuses to give more than the member declared."""

    def __init__(self, stream: BinaryIO, *, limit: int, name: str) -> None:
        self._stream = stream
        self._left = limit
        self._name = name

    def read(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            ContractError: there are more than declared, or they are damaged.
        """
        try:
            data = self._stream.read(size)
        except DAMAGE as error:
            raise fail(
                "damaged-file",
                f"the zip file is damaged or cut short ({error})",
                where=self._name,
                hint="Download the file again.",
            ) from None
        self._left -= len(data)
        if self._left < 0:
            raise too_large(self._name, "more bytes than the archive declares")
        return data


@contextmanager
def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, *, name: str) -> Iterator[Path]:
    """The member as a temporary file, for formats that need to jump about in it."""
    suffix = PurePosixPath(member.filename).suffix.lower()
    with tempfile.TemporaryDirectory(prefix="opinion-atlas-") as folder:
        target = Path(folder) / f"survey{suffix}"
        with archive.open(member) as stream, target.open("wb") as handle:
            source = Bounded(stream, limit=member.file_size, name=name)  # type: ignore[arg-type]
            while data := source.read(_COPY_BYTES):
                handle.write(data)
        yield target


def unpack_gzip(path: Path, folder: Path, filename: str) -> Path:
    """What a gzip file holds, as a file in `folder`.

    Raises:
        ContractError: it is damaged, or holds more than a survey file can be.
    """
    target = folder / filename
    limit = min(LARGEST_BYTES, max(_FREE_BYTES, LARGEST_RATIO * path.stat().st_size))
    size = 0
    try:
        with gzip.open(path) as stream, target.open("wb") as handle:
            while data := stream.read(_COPY_BYTES):
                size += len(data)
                if size > limit:
                    raise too_large(path.name, f"more than {limit:,} bytes")
                handle.write(data)
    except GZIP_DAMAGE as error:
        raise fail(
            "damaged-file",
            f"the gzip file is damaged or cut short ({error})",
            where=path.name,
            hint="Download the file again.",
        ) from None
    return target
