"""Columns and facets of the board: names, titles, explanations, where the cells come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from contracts.specs import score_spec, score_specs

Kind = Literal["rank", "name", "text", "number", "score", "part"]

#: A response holds at most this many columns and rows.
MAX_COLUMNS = 12
PAGE_ROWS = 100

#: Below this coverage a score is marked as partial, and the row is not ranked.
FULL_COVERAGE = 0.95


@dataclass(frozen=True)
class Column:
    """One column of the board.

    Attributes:
        key: stable name; a score column's key is the name of the score in reports.
        title: heading.
        tip: what it says, shown on pointing at the heading.
        kind: how its cells are made and shown.
        decimals: digits after the point.
        higher_is_better: which way a first click on the heading sorts.
    """

    key: str
    title: str
    tip: str
    kind: Kind
    decimals: int = 3
    higher_is_better: bool = True


def _score_columns() -> Iterator[Column]:
    """The columns that declared scores have always, each once."""
    seen: set[str] = set()
    for spec in score_specs().values():
        column = spec.column
        if column and column.title and column.key not in seen:
            seen.add(column.key)
            yield Column(column.key, column.title, column.tip, "score", spec.decimals)


_FIXED = (
    Column(
        "rank",
        "Rank",
        "Rank within a comparison group: same answered cells, release, scorer version, method, "
        "condition, wording and class. The interval is where the rank falls in 95 % of "
        "resamples of the questions; rows that share a tie letter cannot be told apart.",
        "rank",
        higher_is_better=False,
    ),
    Column(
        "name",
        "Model",
        "Name of the predictions; follow it for everything known about them.",
        "name",
        higher_is_better=False,
    ),
    *_score_columns(),
    Column(
        "coverage",
        "Coverage",
        "Share of what was to be answered that was answered in a usable "
        "way. A score with low coverage speaks for that part only.",
        "number",
        2,
    ),
    Column("method", "Method", "How the answers were elicited.", "text"),
    Column("steering", "Steering", "What the model was told about whom to answer for.", "text"),
    Column("language", "Language", "Language of the prompts.", "text"),
    Column(
        "thinking",
        "Thinking",
        "Whether a reasoning model was told to think before it answered, and its effort; default "
        "leaves both to the model.",
        "text",
    ),
    Column("wave", "Wave", "Wave of the survey.", "text"),
    Column("family", "Family", "Model family, as its metadata says.", "text"),
    Column("parameters", "Size (B)", "Parameters in thousand millions.", "number", 1),
    Column("open_weights", "Weights", "Whether the weights can be downloaded.", "text"),
    Column(
        "class",
        "Class",
        "verified: run and scored by this board; published: answers that the authors of a study "
        "published, scored here; uploaded: predictions uploaded, "
        "scored here; self-reported: a report without its predictions.",
        "text",
    ),
    Column("protocols", "Protocols", "Which protocols the predictions serve.", "text"),
    Column("question_set", "Questions", "The set of questions that was scored.", "text"),
    Column(
        "mode",
        "Scoring",
        "corrected, or paper (paper-listed): the rules of the original study.",
        "text",
    ),
    Column(
        "wording",
        "Wording",
        "Which wording of the questions was used. The project's own is machine-drafted, and "
        "reviewed by a second pass; it is not that of the survey's questionnaire. Another version "
        "of it was asked before or after a rewording.",
        "text",
    ),
    Column("release", "Release", "Name and version of the survey release.", "text"),
    Column("scorer_version", "Scorer", "Version of the scorer.", "text"),
    Column(
        "trained_on_wvs", "Trained on WVS", "Whether the model was trained on the survey.", "text"
    ),
    Column("warning_count", "Warnings", "Notices in the report.", "number", 0, False),
)

#: The columns that the board has always, by key.
COLUMNS: Mapping[str, Column] = MappingProxyType({column.key: column for column in _FIXED})

DEFAULT_COLUMNS = (
    "rank",
    "name",
    "alignment",
    "worth_people",
    "country_specific",
    "share_w1_below_0.2",
    "judgments_r",
    "advice_r",
    "coverage",
    "method",
    "steering",
    "language",
)

DEFAULT_SORT = "-alignment"

#: Facets by key: title and explanation. Each is a column of the index's table `rows`.
FACETS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "protocol": ("Protocol", "rows that serve it"),
        "method": ("Method", "how answers were elicited"),
        "steering": ("Steering", "condition of the prompts"),
        "language": ("Language", "of the prompts"),
        "thinking": ("Thinking", "on, off, or left to the model"),
        "wave": ("Wave", "of the survey"),
        "family": ("Family", "of models"),
        "size": ("Size", "by number of parameters"),
        "open_weights": ("Weights", "open or closed"),
        "class": ("Class", "who ran and who scored it"),
        "kind": ("Kind", "models, baselines, human ceiling"),
        "release": ("Release", "of the survey"),
        "question_set": ("Questions", "that were scored"),
    }
)

#: Facets that add a score column of one part of the whole.
PARTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "country": ("Country", "adds the score for it"),
        "continent": ("Region", "adds the score for it"),
        "category": ("Category", "adds the score for its questions"),
        "group": ("Group", "adds the score for these people"),
    }
)


def part_column(key: str, title: str) -> Column:
    """The column of one part, for instance `country:DEU`."""
    kind, _, _ = key.partition(":")
    where = PARTS[kind][0].lower()
    return Column(key, title, f"Alignment with the {where} {title} alone.", "part")


def score_column(name: str) -> Column:
    """The column of a score that reports hold beyond the fixed ones."""
    spec = score_spec(name)
    if spec is None:
        return Column(name, name.replace("_", " "), f"Score `{name}` of the report.", "score")
    return Column(name, spec.title, spec.reading, "score", higher_is_better=spec.higher_is_better)


def all_columns(score_names: Iterable[str]) -> dict[str, Column]:
    """The fixed columns and one for every further score, by key."""
    columns_by_key = dict(COLUMNS)
    for name in score_names:
        columns_by_key.setdefault(name, score_column(name))
    return columns_by_key


def size_class(parameters: float | None) -> str:
    """Size class of a number of parameters."""
    if parameters is None:
        return "unknown"
    for limit, name in ((3e9, "under 3B"), (1e10, "3-10B"), (4e10, "10-40B")):
        if parameters < limit:
            return name
    return "40B and more"
