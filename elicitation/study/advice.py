"""What a study of advice asks: countries, languages, sets of dilemmas."""

from __future__ import annotations

from collections.abc import Mapping

from codebook import countries
from codebook.dilemmas.dilemma import DilemmaError
from codebook.dilemmas.sets import DilemmaSet, load_sets
from contracts.errors import ContractError, Problem, fail

#: Approaches in which the persona is told, and in which the country's language is spoken.
WITH_PERSONA = frozenset({"persona", "both"})
SPOKEN = frozenset({"language", "both"})


def advice_countries() -> tuple[str, ...]:
    """The countries of the study: those with Hofstede scores."""
    return tuple(key for key, country in countries().items() if country.hofstede is not None)


def advice_language(country: str) -> str:
    """Language of a country in the study.

    Raises:
        ContractError: the country is none of the study.
    """
    scores = countries()[country].hofstede
    if scores is None:
        raise fail(
            "no-hofstede",
            f"{country} has no Hofstede scores",
            column="--countries",
            allowed=", ".join(advice_countries()),
        )
    return scores.language


def advice_sets(folders: tuple[str, ...] = ()) -> Mapping[str, DilemmaSet]:
    """Sets of dilemmas by language: the project's, and those of folders in their place.

    Raises:
        ContractError: a folder is faulty.
    """
    try:
        return load_sets(folders)
    except DilemmaError as error:
        raise ContractError(
            [
                Problem("bad-dilemmas", line, column="--dilemmas")
                for line in str(error).splitlines()
            ],
            subject="dilemmas",
        ) from None
