"""Education of waves 5 and 6 and of the time series: types of school, and the levels nearest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from dataset_builder.reading.labels import label_key

#: ISCED level that stands for a type of school: V238 of wave 5, V248 of wave 6.
_SCHOOL = MappingProxyType({1: 0, 2: 0, 3: 1, 4: 2, 5: 3, 6: 2, 7: 3, 8: 3, 9: 6})

#: The same for X025 of the time series, which does not list "no schooling" apart.
_SCHOOL_TIMESERIES = MappingProxyType({1: 0, 2: 1, 3: 2, 4: 3, 5: 2, 6: 3, 7: 3, 8: 6})

#: Label by the code of waves 5 and 6.
SCHOOL_TYPES: Mapping[int, str] = MappingProxyType(
    {
        1: "No formal education",
        2: "Incomplete primary school",
        3: "Complete primary school",
        4: "Incomplete secondary school: technical/vocational type",
        5: "Complete secondary school: technical/vocational type",
        6: "Incomplete secondary school: university-preparatory type",
        7: "Complete secondary school: university-preparatory type",
        8: "Some university-level education, without degree",
        9: "University-level education, with degree",
    }
)

#: How labels of the survey's files begin or what they hold, most special first, and the level.
_WORDINGS = (
    (r"no formal|no schooling", 0),
    (r"inadequately completed|incomplete (primary|elementary)", 0),
    (r"completed? (\(compulsory\) )?(primary|elementary)", 1),
    (r"incomplete secondary", 2),
    (r"completed? secondary", 3),
    (r"some university", 3),
    (r"university.*with degree", 6),
)


def school_levels(*, timeseries: bool) -> Mapping[int, int]:
    """ISCED level (Q275) by the code of the type of school, an approximation."""
    return _SCHOOL_TIMESERIES if timeseries else _SCHOOL


def level_of_label(label: str) -> int | None:
    """ISCED level of the label of a type of school, None where it is none."""
    key = label_key(label)
    return next((level for words, level in _WORDINGS if re.match(words, key)), None)
