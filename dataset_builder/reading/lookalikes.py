"""What lies where a survey file should: pointers, web pages, and files of other programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from contracts.errors import ContractError, fail


class Lookalike(NamedTuple):
    """A kind of file that is no survey file, or none that is read.

    Attributes:
        start: how its bytes begin.
        what: what it is, in words.
        hint: what to do.
    """

    start: re.Pattern[bytes]
    what: str
    hint: str


_EXPORT = "Open it in the program that wrote it and save it as CSV (UTF-8) or .xlsx."
_SURVEY = "Take the data file (SPSS, Stata or CSV) from worldvaluessurvey.org."

_KINDS: Sequence[Lookalike] = (
    Lookalike(
        re.compile(rb"version https://git-lfs"),
        "a Git LFS pointer: it names the file, but does not hold it",
        "Fetch the file itself: git lfs pull",
    ),
    Lookalike(
        re.compile(
            rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*"
            rb"<(?:!doctype html|html|head|body|table|div|script|meta|title|p|br|b|h\d)\b",
            re.IGNORECASE | re.DOTALL,
        ),
        "a web page, perhaps the login page of the site it was downloaded from",
        "Log in (worldvaluessurvey.org asks for a form), download it again and look at its size.",
    ),
    Lookalike(re.compile(rb"\s*<\?xml"), "an XML file", _SURVEY),
    Lookalike(re.compile(rb"%PDF"), "a PDF document, such as a codebook or questionnaire", _SURVEY),
    Lookalike(
        re.compile(rb"\xd0\xcf\x11\xe0"),
        "an old Excel workbook (.xls), or an .xlsx that is locked with a password",
        "Open it in Excel and save it as .xlsx without a password, or as CSV UTF-8.",
    ),
    Lookalike(
        re.compile(rb"(?:ASCII SPSS PORT FILE|.{0,500}SPSSPORT)", re.DOTALL),
        "an SPSS portable file (.por)",
        "Open it in SPSS or PSPP and save it as .sav.",
    ),
    Lookalike(
        re.compile(rb"\0{12}\xc2\xea\x81\x60"),
        "a SAS data set (.sas7bdat)",
        "Export it as CSV, or take the SPSS file from worldvaluessurvey.org.",
    ),
    Lookalike(re.compile(rb"BZh|\xfd7zXZ|\(\xb5/\xfd"), "a compressed file", "Unpack it first."),
    Lookalike(re.compile(rb".{257}ustar", re.DOTALL), "a tar archive", "Unpack it first."),
    Lookalike(
        re.compile(rb"\S*/annex/objects/"),
        "a git-annex pointer: it names the file, but does not hold it",
        "Fetch the file itself: git annex get",
    ),
    Lookalike(re.compile(rb"7z\xbc\xaf|Rar!"), "a 7z or RAR archive", "Unpack it first."),
    Lookalike(re.compile(rb"SQLite format 3"), "an SQLite database", _EXPORT),
    Lookalike(re.compile(rb"\s*[\[{]\s*[\[{\"]"), "a JSON file", _EXPORT),
)


def lookalike(start: bytes, *, name: str) -> ContractError | None:
    """The error that names what a file is, by its first bytes; None for all that may be data."""
    start = start.removeprefix(b"\xef\xbb\xbf")
    for kind in _KINDS:
        if kind.start.match(start):
            return fail(
                "not-a-survey-file",
                f"the file is {kind.what}",
                where=name,
                found=repr(start[:40]),
                hint=kind.hint,
            )
    return None
