"""Bytes of a text file as lines that end in a line feed, whatever program wrote them."""

from __future__ import annotations

import codecs
import hashlib
from typing import Protocol

from contracts.errors import fail

CHUNK_BYTES = 8 << 20


class ByteStream(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` further bytes; none at the end."""
        ...


class TextStream:
    """Reads a text file in chunks.

    UTF-16 ("Unicode text" of Excel) becomes UTF-8, and carriage returns alone (Excel for Mac)
    become line feeds. Other encodings pass as they are.

    Attributes:
        done: bytes of the file read so far.
        ended: whether its end was met.
        utf16: whether it is in UTF-16.
        old_mac: whether its lines end in carriage returns alone.
    """

    def __init__(self, stream: ByteStream, *, name: str) -> None:
        self.done = 0
        self.ended = False
        self.utf16 = False
        self.old_mac = False
        self._stream = stream
        self._name = name
        self._digest = hashlib.sha256()
        self._decoder: codecs.IncrementalDecoder | None = None

    def sha256(self) -> str:
        """Digest of the bytes read, as they stand in the file."""
        return self._digest.hexdigest()

    def first(self) -> bytes:
        """The first chunk, by which encoding and line ends are told."""
        data = self._raw()
        if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            self.utf16 = True
            self._decoder = codecs.getincrementaldecoder("utf-16")()
        data = self._decoded(data)
        self.old_mac = b"\r" in data and b"\n" not in data
        return self._checked(data)

    def read(self) -> bytes:
        """The next chunk; empty at the end."""
        return self._checked(self._decoded(self._raw()))

    def _raw(self) -> bytes:
        data = self._stream.read(CHUNK_BYTES)
        self._digest.update(data)
        self.done += len(data)
        self.ended = not data
        return data

    def _decoded(self, data: bytes) -> bytes:
        if self._decoder is None:
            return data
        try:
            return self._decoder.decode(data, final=self.ended).encode("utf-8")
        except UnicodeError as error:
            raise fail(
                "damaged-file",
                f"the file begins in UTF-16, but is damaged or cut short ({error})",
                where=self._name,
                hint="Save it again as CSV UTF-8, or download it again.",
            ) from None

    def _checked(self, data: bytes) -> bytes:
        if b"\0" in data:
            raise fail(
                "not-text",
                "the file holds zero bytes, so it is damaged or no text file",
                where=self._name,
                allowed="delimited text in UTF-8",
                hint="Save it again as CSV (UTF-8), or download it again.",
            )
        return data.replace(b"\r", b"\n") if self.old_mac else data
