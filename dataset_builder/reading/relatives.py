"""Which survey's file lies there, by the identity of its columns and not by how many there are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from codebook import value_questions
from contracts.errors import ContractError, fail
from dataset_builder.reading.variables import INVERTED, variable_name

#: Columns that say the country in files of wave 7 alone; no other survey names one like this.
WAVE7_COUNTRY = ("B_COUNTRY", "B_COUNTRY_ALPHA")

#: Without such a column a file must hold as many questions to be taken for one of wave 7.
MANY = 20

_NUMBERED = re.compile(r"V\d+[A-Z]?")
_SERIES = re.compile(r"[A-GX]\d{3}(_\d+[A-Z]?)?")

#: Names under which other files have the country, without dots and underscores.
_COUNTRIES = frozenset(
    {"BCOUNTRY", "BCOUNTRYALPHA", "COUNTRY", "COUNTRYCODE", "CNTRY", "ISO3", "ISO", "CTRY"}
)

_SITE = "worldvaluessurvey.org"


def upper_names(headers: Sequence[str]) -> list[str]:
    """Variables of all columns, in capitals."""
    return [variable_name(header).upper() for header in headers]


def is_wave7(names: Sequence[str]) -> bool:
    """Whether columns, in capitals, are those of wave 7 or a part of them."""
    asked = sum(name in value_questions() or bool(INVERTED.fullmatch(name)) for name in names)
    return asked >= MANY or (asked > 0 and any(name in names for name in WAVE7_COUNTRY))


def numbered(names: Sequence[str]) -> int:
    """How many columns are named V1, V2, ..."""
    return sum(bool(_NUMBERED.fullmatch(name)) for name in names)


def in_series(names: Sequence[str]) -> int:
    """How many columns are named A001, E023, ..., as questions over several waves are."""
    return sum(bool(_SERIES.fullmatch(name)) for name in names)


def refuse_relatives(headers: Sequence[str], *, where: str) -> None:
    """Refuse files of other surveys and of several surveys together, each by its name.

    Raises:
        ContractError: the file is one of them; it says which, and what to take instead.
    """
    names = upper_names(headers)
    known = set(names)
    if is_wave7(names):
        return
    if "S002EVS" in known:
        raise _relative(
            "the file is the Integrated Values Surveys, in which two surveys are joined",
            "European and World Values Survey together (S002EVS)",
            f"Take the World Values Survey's own trend file from {_SITE}, or a file of one wave.",
            names,
            where,
        )
    if {"CNTRY", "CNTRY_AN"} & known and (in_series(names) or {"STUDY", "WAVE"} <= known):
        raise _relative(
            "the file is the joint file of EVS and WVS, 2017-2022, whose questions are named as "
            "over several waves (A001, ...) and whose country is cntry",
            "respondents of two surveys",
            f"Take the file of wave 7 from {_SITE}: it holds the same respondents of the World "
            "Values Survey, and more questions.",
            names,
            where,
        )
    if {"C_ABRV", "ID_COCAS"} & known and (numbered(names) or "CNTRY" in known):
        raise _relative(
            "the file is of the European Values Study",
            "its own question numbers (v1, v2, ...)",
            f"Take the file of wave 7 from {_SITE}.",
            names,
            where,
        )


def australian_archive(names: Sequence[str], *, where: str) -> ContractError:
    """The error of a file of V names in which everyone lives in Australia and no wave is named."""
    return _relative(
        "the file looks like that of the Australian archive: everyone lives in Australia "
        "(V2 = 36), and no column V1 names the wave, so that its question numbers are its own",
        "question numbers of a national questionnaire",
        f"Take the file of wave 7 of all countries, or of Australia, from {_SITE}.",
        names,
        where,
    )


def _relative(
    what: str, evidence: str, hint: str, names: Sequence[str], where: str
) -> ContractError:
    return fail(
        "other-survey",
        what,
        where=where,
        found=f"{evidence}; {shown(names)}",
        allowed="a file of wave 5, 6 or 7 of the World Values Survey",
        hint=hint,
    )


def shown(names: Sequence[str]) -> str:
    """The first columns, for a message."""
    listed = f"{len(names)} columns: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"
    return listed[:400]


def refuse_unknown(
    names: Sequence[str],
    *,
    questions: int,
    country: bool,
    where: str,
    set_aside: Sequence[str] = (),
) -> None:
    """Refuse a file that is not of wave 7, or does not say where its people live.

    Args:
        names: variables of all columns, as they are written.
        questions: value questions among them.
        country: whether a column says the country.
        where: name of the file.
        set_aside: columns that begin like a question, but are not read.

    Raises:
        ContractError: it is such a file.
    """
    capitals = [name.upper() for name in names]
    if not is_wave7(capitals):
        raise fail(
            "not-wave-7",
            _kind(capitals),
            where=where,
            found=shown(names),
            allowed="a file with questions named Q1 to Q259 and a country (B_COUNTRY)",
            hint=f"Rename columns such as {set_aside[0]!r} to the question's name alone (Q1)."
            if set_aside
            else f"Take a wave 7 file from {_SITE}; save it with the names of variables (Q1), not "
            "with labels or names of your own. Or make a synthetic one: "
            "opinion-atlas synthesize --out survey.csv",
        )
    if not country:
        raise fail(
            "no-country",
            "the file does not say which country its people live in",
            where=where,
            found=f"{questions} questions; {shown(names)}",
            allowed="a column B_COUNTRY or B_COUNTRY_ALPHA",
            hint="If the file is of this survey, add a column B_COUNTRY with its country codes or "
            f"the names of countries{_country_like(names)}.",
        )


def _country_like(names: Sequence[str]) -> str:
    """A column that seems to say the country, as the end of a hint; empty if none does."""
    candidates = [name for name in names if re.sub(r"\W|_", "", name).upper() in _COUNTRIES]
    return f" (rename {candidates[0]}?)" if candidates else ""


def _kind(names: Sequence[str]) -> str:
    asked = [name for name in names if name in value_questions()]
    if any(name in names for name in WAVE7_COUNTRY):
        return "the file is of wave 7, but holds none of the questions Q1 to Q259"
    if {"S002VS", "S003"} <= set(names):
        return "the file is the time series (questions are named A001, E001, ...)"
    if asked:
        return (
            f"the file has questions named as in wave 7 ({', '.join(asked[:3])}), but no column "
            "B_COUNTRY, so that it may be any survey's"
        )
    if numbered(names) >= MANY or (numbered(names) and "V2" in names):
        return (
            "the questions are named V1, V2, ... as in earlier waves, but no column V1 holds the "
            "wave (5 or 6)"
        )
    if in_series(names) >= MANY or (in_series(names) and {"S002VS", "S003"} & set(names)):
        return (
            "the questions are named A001, E001, ... as in files of several waves, but the "
            "columns of wave and country (S002VS, S003) are lacking"
        )
    return "the file is none of the World Values Survey's wave 7"
