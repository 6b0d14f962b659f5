"""Labels of codes in the project's own words: what `synthesize` writes, `build` reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from codebook import country_by_wvs_code, value_questions
from codebook.render.question import label_text
from codebook.respondents.demographics import demographics

#: Its codes begin with those of a country, as its labels do in the survey's files ("US: White").
_BY_COUNTRY = "Q290"


@cache
def own_labels(variable: str) -> Mapping[int, str]:
    """Label by valid code of a value question or demographic of wave 7; no two are the same.

    Empty for other variables. Where several codes have one text (two churches of one name), the
    code is added to it.
    """
    known = value_questions().get(variable)
    if known is not None and known.scale is not None:
        texts = {code: label_text(variable, code) for code in known.scale.labelled_codes}
    elif variable in demographics():
        texts = dict(demographics()[variable].code_texts)
    else:
        return MappingProxyType({})
    if variable == _BY_COUNTRY:
        texts = {code: f"{_letters(code // 1000)}: {text}" for code, text in texts.items()}
    times = Counter(text.casefold() for text in texts.values())
    return MappingProxyType(
        {c: f"{text} ({c})" if times[text.casefold()] > 1 else text for c, text in texts.items()}
    )


def _letters(wvs_code: int) -> str:
    country = country_by_wvs_code().get(wvs_code)
    return (country.iso2 or country.country) if country is not None else str(wvs_code)
