"""Ways in which a file comes to harm: cut off, overwritten, in one piece or page by page."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

from contracts.errors import ContractError

_PAGE = 4096


def _pages(content: bytes) -> bytes:
    """Every third page but the first is noise."""
    noise, damaged = random.Random(0), bytearray(content)
    for start in range(_PAGE, len(content), 3 * _PAGE):
        end = min(start + _PAGE, len(content))
        damaged[start:end] = noise.randbytes(end - start)
    return bytes(damaged)


def _bits(content: bytes) -> bytes:
    """One bit in every thousand bytes is another."""
    noise, damaged = random.Random(0), bytearray(content)
    for start in range(0, len(content), 1000):
        damaged[start + noise.randrange(min(1000, len(content) - start))] ^= 1 << noise.randrange(8)
    return bytes(damaged)


def _zero_tail(content: bytes) -> bytes:
    kept = len(content) * 3 // 4
    return content[:kept] + bytes(len(content) - kept)


#: Name of a damage -> the content that is left.
DAMAGES: Mapping[str, Callable[[bytes], bytes]] = {
    "cut in half": lambda content: content[: len(content) // 2],
    "cut in the first page": lambda content: content[:100],
    "zeros": lambda content: bytes(len(content)),
    "zeros at the end": _zero_tail,
    "noise": lambda content: random.Random(0).randbytes(len(content)),
    "pages of noise": _pages,
    "flipped bits": _bits,
    "another file": lambda _: b"hello, this is no such file\n" * 300,
}


def refusal_of(work: Callable[[], object]) -> ContractError | None:
    """The error that `work` raises, if it breaks a contract; whatever else it raises is a fault."""
    try:
        work()
    except ContractError as error:
        return error
    return None


def damage(path: Path, how: str) -> None:
    """Damage a file in place."""
    path.write_bytes(DAMAGES[how](path.read_bytes()))
