"""What was asked: every question with its answer scale and its memberships."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from codebook.countries import countries
from codebook.resources import read_csv, read_toml

Level = Literal["ordinal", "nominal"]

#: Categories of wave 7, in the order of the questionnaire.
CATEGORIES: Mapping[str, str] = MappingProxyType(
    {
        "social_values": "Social values, norms, stereotypes",
        "happiness": "Happiness and wellbeing",
        "social_capital": "Social capital, trust and organisational membership",
        "economic_values": "Economic values",
        "corruption": "Perceptions of corruption",
        "migration": "Perceptions of migration",
        "security": "Perceptions of security",
        "postmaterialism": "Index of postmaterialism",
        "science_technology": "Perceptions about science and technology",
        "religious_values": "Religious values",
        "ethical_values": "Ethical values",
        "political_participation": "Political interest and political participation",
        "political_culture": "Political culture and political regimes",
        "demographics": "Demographic and socioeconomic variables",
    }
)

#: Named sets of questions that a column of `data/questions.csv` marks with 1.
MEMBERSHIPS = ("worldvaluesbench", "alignment", "common75", "judgments", "probe", "few_shot")

#: Every question set that has a name, beside `all`.
QUESTION_SETS = (*MEMBERSHIPS, "cultural-map", "batteries")

#: The questions behind the ten items of the Inglehart-Welzel map.
CULTURAL_MAP = (
    *("Q8", "Q14", "Q15", "Q17", "Q45", "Q46", "Q57"),
    *("Q154", "Q155", "Q164", "Q182", "Q184", "Q209", "Q254"),
)


@dataclass(frozen=True)
class Scale:
    """An answer scale: raw codes in the order of their positions.

    Attributes:
        scale_id: name of the scale, for instance `importance4`.
        codes: raw survey codes; the index in this tuple is the position (0..K-1).
        level: `ordinal` or `nominal`; a nominal scale has codes but no distances.
        off_scale: codes that are answers, yet have no place on the scale
            (for instance "not allowed to vote").
        volunteered: codes on the scale that interviewers noted but did not read out.
        agreement: the answers are agreement with a statement.
    """

    scale_id: str
    codes: tuple[int, ...]
    level: Level
    off_scale: tuple[int, ...] = ()
    volunteered: tuple[int, ...] = ()
    agreement: bool = False

    @property
    def size(self) -> int:
        """Number of options K."""
        return len(self.codes)

    @property
    def is_ordinal(self) -> bool:
        """Whether distances between positions mean something."""
        return self.level == "ordinal"

    @property
    def offered(self) -> tuple[int, ...]:
        """Codes that a respondent is offered: all but the volunteered ones."""
        return tuple(code for code in self.codes if code not in self.volunteered)

    @property
    def has_poles(self) -> bool:
        """Whether only the ends are named and the codes between are bare numbers."""
        return self.size >= 10

    @property
    def labelled_codes(self) -> tuple[int, ...]:
        """Codes that need a label, off-scale ones last: all, or the poles and what is aside."""
        codes = self.codes + self.off_scale
        return tuple(c for c in codes if not (self.has_poles and 1 < c < 10))

    def position(self, code: int) -> int:
        """Position (0..K-1) of a raw code.

        Raises:
            KeyError: the code is not on the scale.
        """
        try:
            return self.codes.index(code)
        except ValueError:
            raise KeyError(f"code {code} is not on scale {self.scale_id} {self.codes}") from None


@dataclass(frozen=True)
class Question:
    """One question of the survey.

    Attributes:
        question_id: wave 7 name, for instance `Q1`.
        title: short title of the variable.
        category: key of `CATEGORIES`.
        scale: answer scale; None for open lists and demographics.
        orientation: what a higher position means, in words.
        memberships: names of the question sets that hold it (see `MEMBERSHIPS`).
        reasons: why it is in or out of a set, by set name.
        worldvaluesbench_recode: raw code -> recoded code, None where it is blanked.
        consistency_topic: topic of the internal-consistency measure, else "".
        consistency_sides: sides of that topic as groups of raw codes, in order.
        missing_notes: what a missing code means here, where it is more than its kind.
        note: what one has to know about the coding or the treatment elsewhere.
    """

    question_id: str
    title: str
    category: str
    scale: Scale | None
    orientation: str = ""
    memberships: frozenset[str] = frozenset()
    reasons: Mapping[str, str] = field(default_factory=dict)
    worldvaluesbench_recode: Mapping[int, int | None] = field(default_factory=dict)
    consistency_topic: str = ""
    consistency_sides: tuple[tuple[int, ...], ...] = ()
    missing_notes: Mapping[int, str] = field(default_factory=dict)
    note: str = ""

    @property
    def is_value_question(self) -> bool:
        """Whether the question is one of Q1-Q259 with a scale."""
        return self.scale is not None and self.category != "demographics"

    def worldvaluesbench_codes(self) -> tuple[int, ...]:
        """Recoded codes in rising order, as the WorldValuesBench construction uses them."""
        if self.scale is None:
            return ()
        recoded = (self.worldvaluesbench_recode.get(c, c) for c in self.scale.codes)
        return tuple(sorted({c for c in recoded if c is not None}))


def _parse_recode(text: str) -> dict[int, int | None]:
    pairs = (item.split(">") for item in text.split())
    return {int(old): int(new) if new else None for old, new in pairs}


def _parse_sides(text: str) -> tuple[tuple[int, ...], ...]:
    def codes(part: str) -> tuple[int, ...]:
        low, _, high = part.partition("-")
        return tuple(range(int(low), int(high or low) + 1))

    return tuple(codes(part) for part in text.split("|")) if text else ()


def _parse_notes(text: str) -> dict[int, str]:
    pairs = (item.split("=", 1) for item in text.split(";") if item)
    return {int(code): note for code, note in pairs}


@cache
def scales() -> Mapping[str, Scale]:
    """All answer scales by name."""
    return MappingProxyType(
        {
            name: Scale(
                scale_id=name,
                codes=tuple(row["codes"]),
                level=row["level"],
                off_scale=tuple(row.get("off_scale", ())),
                volunteered=tuple(row.get("volunteered", ())),
                agreement=row.get("agreement", False),
            )
            for name, row in read_toml("data/scales.toml").items()
        }
    )


@cache
def questions() -> Mapping[str, Question]:
    """All questions Q1-Q290 and Q234A by id, in the order of the questionnaire."""
    questions_by_id = {}
    for row in read_csv("data/questions.csv"):
        reasons = {
            "alignment": row["alignment_exclusion"],
            "judgments": row["judgments_reason"],
        }
        questions_by_id[row["question_id"]] = Question(
            question_id=row["question_id"],
            title=row["title"],
            category=row["category"],
            scale=scales()[row["scale"]] if row["scale"] else None,
            orientation=row["orientation"],
            memberships=frozenset(name for name in MEMBERSHIPS if row[name] == "1"),
            reasons=MappingProxyType({k: v for k, v in reasons.items() if v}),
            worldvaluesbench_recode=MappingProxyType(_parse_recode(row["worldvaluesbench_recode"])),
            consistency_topic=row["consistency_topic"],
            consistency_sides=_parse_sides(row["consistency_sides"]),
            missing_notes=MappingProxyType(_parse_notes(row["missing_notes"])),
            note=row["note"],
        )
    return MappingProxyType(questions_by_id)


@cache
def value_questions() -> Mapping[str, Question]:
    """The questions Q1-Q259 (and Q234A) that have an answer scale."""
    return MappingProxyType({k: q for k, q in questions().items() if q.is_value_question})


def question_set(name: str) -> tuple[str, ...]:
    """Ids of a named set or battery, in questionnaire order; `all` is every value question.

    Raises:
        KeyError: no set has this name; the message lists those there are.
    """
    if name == "all":
        return tuple(value_questions())
    if name == "cultural-map":
        return CULTURAL_MAP
    if name == "batteries":
        from codebook.batteries import battery_questions

        return battery_questions()
    if name not in MEMBERSHIPS:
        from codebook.batteries import batteries

        if name in batteries():
            return batteries()[name].questions
        raise KeyError(
            f"no question set {name!r}; there are: all, {', '.join((*QUESTION_SETS, *batteries()))}"
        )
    return tuple(k for k, q in questions().items() if name in q.memberships)


def questions_of(names: Iterable[str]) -> tuple[str, ...]:
    """Ids of several sets, each once, in the order of the sets.

    Raises:
        KeyError: no set has such a name.
    """
    return tuple(dict.fromkeys(one for name in names for one in question_set(name)))


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


@cache
def _table() -> dict[str, Any]:
    return read_toml("data/few_shot.toml")


@cache
def steering_countries() -> Mapping[str, str]:
    """The ten countries whose people the study steers models to: language by ISO3 code."""
    rows = {key: row for key, row in _table().items() if isinstance(row, dict)}
    return MappingProxyType({country: row["language"] for country, row in rows.items()})


def few_shot_ids(country: str | None = None) -> tuple[str, ...]:
    """Ids of the five example questions for a country; the default ones without a country.

    Source: table 5 of the alignment study; a country that it does not list takes the default.

    Raises:
        KeyError: the codebook knows no such country.
    """
    if country is not None and country not in countries():
        raise KeyError(f"no country {country!r}; give an ISO 3166-1 alpha-3 code such as DEU")
    row = _table().get(country or "", {})
    return tuple(row.get("questions", _table()["default"]))
