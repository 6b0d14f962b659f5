"""The report: what was scored, how, every score with its interval, and what cannot be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from contracts.atomic import write_text
from contracts.digests import pretty_json, sha256_text
from contracts.errors import ContractError, fail
from contracts.models import (
    JsonFields,
    Notice,
    Sparse,
    Strict,
    parse_fields,
    parse_model,
    read_model,
    validation_problems,
)
from contracts.predictions.meta import PredictionsMeta
from contracts.specs import ProtocolName
from contracts.specs.model import Kind
from contracts.versions import SCHEMA_VERSION


class Interval(Strict):
    """A score with its 95 % interval; all three null where it cannot be computed.

    `low` and `high` contain `estimate`; they are null where no interval exists (one question).
    """

    estimate: float | None
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _contains(self) -> Interval:
        if self.estimate is not None:
            # Floats are rounded when written: nine digits may move an end past the estimate.
            slack = 1e-8 * max(1.0, abs(self.estimate))
            if self.low is not None and self.low > self.estimate + slack:
                raise ValueError(f"low {self.low} is above estimate {self.estimate}")
            if self.high is not None and self.high < self.estimate - slack:
                raise ValueError(f"high {self.high} is below estimate {self.estimate}")
        return self


class Coverage(Strict):
    """How much of what was to be answered was answered in a usable way.

    `share` = scored / expected, in [0, 1]; the counts are (question, country) cells for
    distributions, (question, person) pairs for ratings, prompts for advice.
    """

    expected: int = Field(ge=0)
    scored: int = Field(ge=0)
    missing: int = Field(default=0, ge=0)
    invalid: int = Field(default=0, ge=0)
    refused: int = Field(default=0, ge=0)
    share: float | None = None


class ReleaseRef(Strict):
    """The release that a report was scored on."""

    name: str
    version: str
    digest: str
    waves: list[int]
    synthetic: bool
    public: bool = False
    individuals: bool = False
    tables: Literal["exact", "protected"] = Field(
        default="exact",
        description="whether the figures scored on are under the present disclosure rule",
    )


class PredictionsRef(Strict):
    """The predictions that a report scores."""

    name: str
    digest: str
    kind: Kind
    rows: int = Field(ge=0)
    meta: PredictionsMeta
    tolerated: dict[str, int] = Field(
        default_factory=dict, description="what the reader mended or left out, counted"
    )


#: What a country's human ceiling rests on.
CeilingKind = Literal["effective sample sizes", "halves of clusters", "halves of respondents"]


class Settings(Strict):
    """How the scores were computed."""

    mode: Literal["corrected", "paper", "paper-listed"] = "corrected"
    weights: Literal["design", "none"] = "design"
    design: Literal["design", "kish"] = Field(
        default="kish",
        description="what effective sample sizes count in: clusters, strata and weights, or "
        "unequal weights alone (all reports before 1.3)",
    )
    ceiling: Literal["aggregates", "halves"] = Field(
        default="aggregates",
        description="whether human ceilings follow from effective sample sizes, or from halves of "
        "the release's respondents that keep clusters whole",
    )
    split: Literal["all", "train", "test"] = "all"
    wave: int = 7
    questions: str = Field(default="alignment", description="name of the question set, or 'file'")
    questions_digest: str = ""
    seed: int = 0
    replicates: int = 1000
    level: float = 0.95


class Score(Strict):
    """A named score over the whole report."""

    name: str
    value: Interval
    fixed_questions: Interval | None = Field(
        default=None, description="the same with the questions taken as fixed"
    )
    higher_is_better: bool = True
    questions: int | None = None
    countries: int | None = None
    coverage: float | None = None
    penalised: float | None = Field(
        default=None, description="with what is not covered counted as a uniform answer"
    )


class CountryEntry(Strict):
    """One country's scores; `alignment` is null-valued where nothing was scored."""

    country: str
    alignment: Interval
    questions: int = Field(ge=0)
    coverage: float | None = None
    sd: float | None = Field(default=None, description="sd of the question scores, ddof=1")
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    average_human: float | None = None
    difference: Interval | None = None
    verdict: Literal["over", "under", "within"] | None = None
    centred: Interval | None = None
    ceiling: float | None = None
    ceiling_kind: CeilingKind | None = Field(
        default=None, description="what the ceiling rests on (not stated before 1.5)"
    )
    floor: float | None = None
    worth_people: Interval | None = Field(
        default=None,
        description="how many randomly drawn residents would be expected to come as close",
    )
    uniform_skill: Interval | None = None
    ceiling_skill: Interval | None = None
    judgments: Interval | None = None
    extra: dict[str, float | None] = Field(default_factory=dict)


class QuestionEntry(Strict):
    """One question's score over the countries (or people) that answered it."""

    question_id: str
    wave: int = 7
    category: str
    level: Literal["ordinal", "nominal"]
    alignment: Interval
    countries: int = 0
    coverage: float | None = None
    floor: float | None = None
    extra: dict[str, float | None] = Field(default_factory=dict)


class GroupEntry(Strict):
    """A named part of the whole: a category, a continent, a demographic group."""

    kind: Literal["category", "continent", "group", "cell"]
    name: str
    alignment: Interval
    questions: int = 0
    countries: int = 0
    coverage: float | None = None
    extra: dict[str, float | None] = Field(default_factory=dict)


class CellEntry(Strict):
    """One (country, question) cell: what people said, what the model said, how far apart."""

    country: str
    question_id: str
    group: str = ""
    alignment: float | None
    people: list[float | None]
    model: list[float | None]
    n: int = 0
    n_eff: float | None = None
    floor: float | None = None


class ProtocolTables(Sparse):
    """Base of the tables of one protocol; a table that a report does not have is None.

    Attributes:
        PROTOCOL: name of the protocol that the tables belong to.
    """

    PROTOCOL: ClassVar[str]


Tables = TypeVar("Tables", bound=ProtocolTables)
Table = TypeVar("Table", bound=Sparse)


class ProtocolResult(Strict):
    """Whether a protocol applied, and what it found beyond the common tables."""

    protocol: ProtocolName
    applies: bool
    reason: str = ""
    scores: list[Score] = Field(default_factory=list)
    # The JSON form of the protocol's tables, whatever the version; `read_tables` gives the model.
    tables: JsonFields = Field(default_factory=dict)

    def read_tables(self, model: type[Tables]) -> Tables:
        """The tables as a protocol's model.

        Raises:
            ContractError: a table does not have the fields of the model.
        """
        return read_model(model, self.tables, where=f"tables of {self.protocol}")


class Report(Strict):
    """One JSON file: what was scored, and everything that can be said of it."""

    schema_version: str = SCHEMA_VERSION
    kind: Literal["report"] = "report"
    scorer_version: str
    release: ReleaseRef
    predictions: PredictionsRef
    settings: Settings
    coverage: Coverage
    scores: list[Score]
    countries: list[CountryEntry] = Field(default_factory=list)
    questions: list[QuestionEntry] = Field(default_factory=list)
    groups: list[GroupEntry] = Field(default_factory=list)
    cells: list[CellEntry] = Field(default_factory=list)
    protocols: list[ProtocolResult] = Field(default_factory=list)
    tests: list[JsonFields] = Field(default_factory=list)
    warnings: list[Notice] = Field(default_factory=list)

    @property
    def digest(self) -> str:
        """sha256 of the report as written."""
        return sha256_text(report_text(self))

    def score(self, name: str) -> Score | None:
        """The score of that name, if the report has it."""
        return next((score for score in self.scores if score.name == name), None)

    def tables_of(self, model: type[Tables]) -> Tables:
        """Tables of the model's protocol; without any where it does not apply.

        Raises:
            ContractError: a table does not have the fields of the model.
        """
        applicable_tables = (
            one.read_tables(model)
            for one in self.protocols
            if one.protocol == model.PROTOCOL and one.applies
        )
        return next(applicable_tables, model())

    def table(self, name: str, model: type[Table]) -> Table | None:
        """The table of a name, of the first protocol that applies and has it; None without one.

        Raises:
            ContractError: the table does not have the fields of the model.
        """
        for one in self.protocols:
            table = one.tables.get(name)
            if one.applies and isinstance(table, dict) and table:
                return read_model(model, table, where=f"{one.protocol}, table {name}")
        return None


def report_text(report: Report) -> str:
    """The report as written to a file."""
    return pretty_json(report.model_dump(mode="json"))


def write_report(report: Report, path: str | Path) -> None:
    """Write a report in one step."""
    write_text(path, report_text(report))


def read_report(path: str | Path) -> Report:
    """Read a report.

    Raises:
        ContractError: it cannot be read, is of another schema version, or has wrong fields.
    """
    return parse_model(Report, _text_of(path), where=str(path))


def read_report_apart(path: str | Path) -> tuple[Report, list[dict[str, Any]]]:
    """Read a report without its cells, and these as they stand in the file, unchecked.

    Checking thousands of cells takes most of the time that reading a report takes; who needs few
    of their fields looks at them itself.

    Raises:
        ContractError: it cannot be read, is of another schema version, or has wrong fields
            other than those of its cells.
    """
    where = str(path)
    fields = parse_fields(_text_of(path), where=where)
    cells = fields.pop("cells", [])
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise fail("field-list-type", "cells are no list of objects", where=where, column="cells")
    try:
        return Report.model_validate(fields), cells
    except ValidationError as error:
        raise ContractError(validation_problems(error, where=where)) from None


def _text_of(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise fail(
            "no-report",
            f"the report cannot be read ({reason})",
            where=str(path),
            hint="Make one with: opinion-atlas score PREDICTIONS --release RELEASE --out FILE",
        ) from None
