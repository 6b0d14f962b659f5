"""Languages of the questionnaires and of the Hofstede countries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from codebook.resources import read_csv

Direction = Literal["ltr", "rtl"]


@dataclass(frozen=True)
class Language:
    """A language.

    Attributes:
        language: ISO 639-1 code, or ISO 639-2/3 where there is none of two letters.
        name: English name.
        endonym: its name in itself.
        script: ISO 15924 code of the script that it is written in here.
        direction: `ltr` or `rtl`.
        wvs_code: code of wave 7's lists of languages (S_INTLANGUAGE, Q272), None where none.
        note: what one has to know about it.
    """

    language: str
    name: str
    endonym: str
    script: str
    direction: Direction
    wvs_code: int | None
    note: str = ""


@cache
def languages() -> Mapping[str, Language]:
    """All languages that the project knows, by code."""
    return MappingProxyType(
        {
            row["language"]: Language(
                language=row["language"],
                name=row["name"],
                endonym=row["endonym"],
                script=row["script"],
                direction="rtl" if row["direction"] == "rtl" else "ltr",
                wvs_code=int(row["wvs_code"]) if row["wvs_code"] else None,
                note=row["note"],
            )
            for row in read_csv("data/languages.csv")
        }
    )
