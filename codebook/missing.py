"""Kinds of item non-response, kept apart everywhere: missing is not zero."""

from __future__ import annotations

from enum import IntEnum


class MissingKind(IntEnum):
    """Why a respondent has no substantive answer; the value is the survey's raw code.

    Source: World Values Survey, wave 7, codebook of version 5.0.
    """

    DONT_KNOW = -1
    NO_ANSWER = -2
    NOT_APPLICABLE = -3
    NOT_ASKED = -4
    MISSING = -5

    @property
    def column(self) -> str:
        """Name of the count column of this kind in the table `distributions`."""
        return f"{self.name.lower()}_count"


MISSING_CODES: tuple[int, ...] = tuple(kind.value for kind in MissingKind)
