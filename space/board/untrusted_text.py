"""Texts from strangers: what is never shown is taken out, what may not stand is named."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from contracts.errors import Problem

#: Controls, formats (direction marks, zero-width), private use, surrogates, separators of lines.
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})

#: What a name may not hold: HTML, markdown links and code, templates, paths.
_MARKUP = re.compile(r"[<>`\\|{}\[\]*#~^\"]|\.\.|javascript:|data:", re.IGNORECASE)

#: A name that begins with one of these would run as a formula in a spreadsheet.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

MAX_NAME = 80
MAX_LINK = 300
MAX_FILE_NAME = 100


def is_seen(text: str) -> bool:
    """Whether every character of `text` shows; line breaks and tabs count as shown."""
    if text.isascii() and text.isprintable():
        return True
    return all(letter in "\n\t" or unicodedata.category(letter) not in _UNSEEN for letter in text)


def seen(text: str, *, longest: int = 10_000) -> str:
    """The text without characters that do not show, runs of blanks as one, cut to `longest`."""
    shown = "".join(
        " " if letter.isspace() else letter
        for letter in text[: longest * 4]
        if letter.isspace() or unicodedata.category(letter) not in _UNSEEN
    )
    return re.sub(" +", " ", shown).strip()[:longest]


def length_problems(column: str, text: str, *, longest: int) -> list[Problem]:
    """A problem for a text that is too long, else none."""
    if len(text) <= longest:
        return []
    return [
        Problem(
            "too-long",
            f"the {column} is too long",
            column=column,
            found=f"{len(text)} characters",
            allowed=f"at most {longest}",
        )
    ]


def name_problems(column: str, text: str, *, longest: int = MAX_NAME) -> list[Problem]:
    """What keeps a name (of a row, a model, a method) off a public page."""
    problems = length_problems(column, text, longest=longest)
    unsafe_marks = {match.group() for match in _MARKUP.finditer(text[:1000])}
    unsafe_marks |= {letter for letter in text[:1000] if letter in "\n\t" or not is_seen(letter)}
    if text.startswith(FORMULA_STARTS):
        unsafe_marks.add(text[0])
    if unsafe_marks:
        problems.append(
            Problem(
                "unsafe-text",
                f"the {column} has characters that may not stand there",
                column=column,
                found=", ".join(sorted(ascii(one) for one in unsafe_marks)),
                allowed="letters, digits, blanks and . _ - / : ( ) + , @ & ' inside",
            )
        )
    return problems


def link_problems(column: str, link: str) -> list[Problem]:
    """What keeps a link off a public page: only plain https addresses may stand there."""
    if not link:
        return []
    try:
        parts = urlsplit(link)
        plain = parts.scheme == "https" and "." in (parts.hostname or "")
        named = parts.username is not None or parts.password is not None
    except ValueError:
        plain, named = False, False
    if plain and not named and len(link) <= MAX_LINK and re.fullmatch(r"[!#-;=?-\[\]_a-z~]+", link):
        return []
    return [
        Problem(
            "unsafe-link",
            "the link is no plain web address",
            column=column,
            found=ascii(link[:60]),
            allowed=f"https:// and a host, without a login, at most {MAX_LINK} characters",
        )
    ]


def safe_file_name(name: str) -> str:
    """A file name of letters, digits, dot, dash and underscore, without folders.

    The ending is kept, for the format is told by it.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    stem, dot, suffix = last.rpartition(".")
    if not dot:
        stem, suffix = suffix, ""
    stem, suffix = _ascii(stem)[: MAX_FILE_NAME - 10], _ascii(suffix)[:9]
    return f"{stem or 'upload'}{'.' if suffix else ''}{suffix}"


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip(".-_")
