"""What the tools answer: every field described, for agents see the schema and nothing else."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Interval(BaseModel):
    """A score with its 95 % interval."""

    estimate: float | None = Field(description="null where it cannot be computed")
    low: float | None = None
    high: float | None = None


class BoardRow(BaseModel):
    """One row of the board."""

    row: str = Field(description="id of the row, which model and compare take")
    name: str
    kind: str = Field(description="model, baseline (a reference point) or ceiling (people)")
    method: str
    steering: str
    language: str
    rank: int | None = Field(description="within its comparison group; null if not ranked")
    ranked: int | None = Field(description="rows of the comparison group")
    scores: dict[str, Interval]
    coverage: float | None = Field(description="share of the items that were answered")
    release: str
    scorer_version: str


class BoardAnswer(BaseModel):
    """A page of the board."""

    total: int
    page: int
    pages: int
    rows: list[BoardRow]
    filters: dict[str, list[str]] = Field(description="values that each filter takes")


class CountryScore(BaseModel):
    """A model's alignment with the people of a country."""

    country: str
    alignment: Interval
    questions: int


class ModelAnswer(BaseModel):
    """What is known of a row."""

    row: str
    name: str
    model: str
    revision: str
    method: str
    steering: str
    language: str
    prompt_version: str
    wording: str
    trained_on_survey: bool
    release: str
    coverage: float | None
    scores: dict[str, Interval]
    countries: list[CountryScore] = Field(description="nearest people first")
    warnings: list[str]


class ClosestRow(BaseModel):
    """A model and how near it comes."""

    row: str
    name: str
    method: str
    steering: str
    language: str
    alignment: Interval


class CountryAnswer(BaseModel):
    """A country of the release, and the models that come nearest to its people."""

    country: str
    name: str
    wave: int
    waves: list[int] = Field(description="waves with answers of this country")
    questions: int = Field(description="questions answered in this wave")
    closest: list[ClosestRow]


class PeopleAnswer(BaseModel):
    """What the people of a country answered."""

    shares: dict[str, float] = Field(description="weighted share by code of the answer")
    respondents: int = Field(description="valid answers, rounded")
    effective_sample_size: float | None
    flag: str = Field(description="doubts about these figures, else empty")


class QuestionAnswer(BaseModel):
    """A question, what people answered, and the models that come nearest."""

    question: str
    text: str
    options: dict[str, str] = Field(description="text of each answer by its code")
    wave: int
    people: dict[str, PeopleAnswer] = Field(description="by country")
    closest: list[ClosestRow]


class PairAnswer(BaseModel):
    """Two rows over the cells that both answered."""

    first: str
    second: str
    questions: int
    countries: int
    first_mean: float
    second_mean: float
    difference: Interval = Field(description="first less second")
    p_value: float | None = Field(
        description="paired permutation test over questions, adjusted (Holm) for all pairs"
    )


class QuestionSpread(BaseModel):
    """A question on which the rows differ."""

    question: str
    means: dict[str, float] = Field(description="mean alignment by row")


class CompareAnswer(BaseModel):
    """Rows compared."""

    pairs: list[PairAnswer]
    questions: list[QuestionSpread] = Field(description="those that differ most first")


class GivenAnswer(BaseModel):
    """Shares of the answers to one question, to be scored."""

    question: str = Field(description="id of the question, such as Q46")
    country: str = Field(
        default="",
        description="ISO 3166-1 alpha-3 code of the people meant; empty for nobody's in "
        "particular, which is compared with every country",
    )
    shares: dict[str, float] = Field(
        description="share by code of the answer; the codes are those of the tool `question`; "
        "fractions or percentages"
    )


class ScoreAnswer(BaseModel):
    """How near given answers come to people's."""

    release: str
    cells: int = Field(description="question and country pairs that were scored")
    scores: dict[str, Interval] = Field(
        description="alignment: 1 - W1 / (K - 1), 0 to 1; uniform_skill: 0 for equal shares of all "
        "answers, 1 for people's own, negative if worse; worth_people: how many randomly drawn "
        "residents come as close"
    )
    countries: list[CountryScore]
    warnings: list[str]
