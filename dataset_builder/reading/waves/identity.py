"""Respondent ids that are unique over countries and waves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contracts.errors import fail

_PER_COUNTRY = 1_000_000
_PER_WAVE = 100_000


def wave_respondent_ids(
    country_code: NDArray[np.int64], wave: int, interview: NDArray[np.int64] | None
) -> tuple[NDArray[np.int32], str]:
    """Ids of the form country, wave, number: 170 6 00012, as S007 of wave 7 has them.

    The number is that of the interview (V3; S006 in the time series) in countries where it is
    unique and below 100,000, else the person's place within the country. So the same person
    bears the same id, and is in the same split, in either file.

    Args:
        country_code: the survey's code of everyone's country, shape (n,).
        wave: the wave.
        interview: number of the interview, shape (n,); None if the file has none.

    Returns:
        The ids, and where the numbers come from.

    Raises:
        ContractError: a country has 100,000 people or more.
    """
    number = np.empty(len(country_code), np.int64)
    counted = 0
    codes, place = np.unique(country_code, return_inverse=True)
    for i in range(len(codes)):
        here = np.flatnonzero(place == i)
        if here.size >= _PER_WAVE:
            raise fail(
                "too-many-people",
                f"{here.size} people of wave {wave} live in the country {codes[i]}",
                allowed=f"fewer than {_PER_WAVE}",
            )
        own = interview[here] if interview is not None else np.zeros(here.size, np.int64)
        usable = own.min() > 0 and own.max() < _PER_WAVE and np.unique(own).size == own.size
        number[here] = own if usable else np.arange(1, here.size + 1)
        counted += not usable
    origin = "country, wave and interview number"
    if counted:
        origin += f" (place in the file in {counted} of {len(codes)} countries)"
    ids = country_code * _PER_COUNTRY + wave * _PER_WAVE + number
    return ids.astype(np.int32), origin
