"""Which columns of a file hold what of one wave, and how their codes turn into wave 7's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from codebook import value_questions
from codebook.crosswalk import crosswalk, wave_variable
from codebook.questions import MissingKind
from codebook.respondents.harmonised import HARMONISED, harmonised
from contracts.errors import ContractError, Problem, fail
from dataset_builder.reading.coding import UNKNOWN, Coder, demographic_coder, question_coder
from dataset_builder.reading.direction import renumbered
from dataset_builder.reading.layout import Layout
from dataset_builder.reading.relatives import upper_names
from dataset_builder.reading.waves.schools import level_of_label, school_levels
from dataset_builder.reading.waves.sources import Source

#: Demographics that waves 5 and 6 and the time series have, by what is made of them.
_SHARED = ("sex", "age", "education", "income_third", "marital_status", "employment")

#: A question that one country asked in a way of its own: V4_CO.
VARIANT = re.compile(r"V\d+[A-Z]?_[A-Z]{2}")


def question_recode(question_id: str, wave: int, *, timeseries: bool) -> dict[int, int]:
    """Code of wave 7 by code of the source, where they differ; -5 where wave 7 has no such answer.

    The same as `codebook.crosswalk.recode_to_wave7`, as a table.
    """
    entry = crosswalk().get(question_id)
    recode = entry.recodes.get("timeseries" if timeseries else wave, {}) if entry else {}  # type: ignore[call-overload]
    missing = int(MissingKind.MISSING)
    return {old: missing if new is None else new for old, new in recode.items()}


def wave_layout(headers: Sequence[str], wave: int, source: Source, *, where: str) -> Layout:
    """Find the columns of one wave.

    Args:
        headers: headers of all columns, as in the file.
        wave: the wave.
        source: what the file is.
        where: name of the file, for messages.

    Raises:
        ContractError: a column that is read occurs twice, or there is no country.
    """
    names = upper_names(headers)
    index = {name: place for place, name in reversed(list(enumerate(names)))}
    questions = {}
    for question in value_questions():
        variable = wave_variable(question, wave, timeseries=source.timeseries)
        if variable is not None and variable.upper() in index:
            questions[question] = index[variable.upper()]
    demographics = {}
    for name, known in harmonised(wave, timeseries=source.timeseries).items():
        if name in _SHARED:
            present_names = [n for n in (known.variable, *known.other_names) if n.upper() in index]
            if present_names:
                demographics[HARMONISED[name].variable] = index[present_names[0].upper()]
    roles = {
        role: next(index[name] for name in group if name in index)
        for role, group in source.roles.items()
        if role != "wave" and any(name in index for name in group)
    }
    layout = Layout(questions, frozenset(), demographics, roles, "NAME")
    _refuse_duplicates(names, layout, where=where)
    if "country" not in roles:
        raise fail(
            "no-country",
            "the file does not say which country its people live in",
            where=where,
            allowed=f"a column {source.roles['country'][0]} with the survey's country code",
        )
    return layout


def _refuse_duplicates(names: Sequence[str], layout: Layout, *, where: str) -> None:
    counts = Counter(names)
    twice = sorted({names[place] for place in layout.columns() if counts[names[place]] > 1})
    if twice:
        raise ContractError(
            [
                Problem(
                    "duplicate-column",
                    f"{counts[name]} columns hold the variable {name}",
                    where=where,
                    column=name,
                    allowed="one column for each variable",
                    hint="Use the file as the survey ships it.",
                )
                for name in twice
            ],
            subject=where,
        )


def wave_coders(
    layout: Layout,
    wave: int,
    source: Source,
    value_labels: Mapping[int, Mapping[int, str]] = MappingProxyType({}),
) -> dict[str, Coder]:
    """The coder of every variable of a wave, named as in wave 7.

    Where a program renumbered the answers, the file's own labels decide (`renumbered`).
    """
    coders = {
        question: question_coder(
            question,
            mirror=renumbered(question, value_labels.get(place, {}))
            or question_recode(question, wave, timeseries=source.timeseries),
        )
        for question, place in layout.questions.items()
    }
    coders |= {
        variable: demographic_coder(
            variable, mirror=renumbered(variable, value_labels.get(place, {}))
        )
        for variable, place in layout.demographics.items()
    }
    if "Q275" in coders:
        levels = school_levels(timeseries=source.timeseries)
        # 0 is no type of school, yet an ISCED level.
        mirror = {0: int(UNKNOWN), **levels}
        coders["Q275"] = Coder(
            "Q275", frozenset(levels.values()), strict=True, mirror=mirror, label=level_of_label
        )
    homes = renumbered("B_COUNTRY", value_labels.get(layout.roles["country"], {}))
    coders["B_COUNTRY"] = demographic_coder("B_COUNTRY", mirror=homes)
    coders |= {
        role: Coder(role, frozenset(), strict=False, numbers=True)
        for role in ("person", "interview")
    }
    return coders
