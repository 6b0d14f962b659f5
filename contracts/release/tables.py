"""Schemas of the tables of a release; everything that writes or checks one takes them from here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

from codebook import MissingKind
from codebook.countries import HOFSTEDE_DIMENSIONS

#: Harmonised demographics of each person, in `respondents`.
MAIN_DEMOGRAPHICS = (
    "sex",
    "age",
    "education",
    "settlement",
    "income_third",
    "marital_status",
    "employment",
)

#: Those of them that stand in every row of `responses` too, by default. Employment does not: as
#: text it would take an eighth of the Arrow cache, which is to stay under 2.5 GB.
ROW_DEMOGRAPHICS = tuple(name for name in MAIN_DEMOGRAPHICS if name != "employment")

#: Variables by which `distributions` is split into groups.
GROUP_VARIABLES = ("sex", "age", "education", "settlement")

SPLITS = ("train", "validation", "test")

#: Tables without a row per person: all that the reference and a public release may hold.
AGGREGATE_TABLES = ("questions", "countries", "distributions", "correlations", "soft", "tasks")

#: Those of them that every release has.
REQUIRED_TABLES = ("questions", "countries", "distributions")

#: Tables with rows of single respondents, training texts included: never public.
INDIVIDUAL_TABLES = ("responses", "respondents", "probe", "sft", "preference", "grpo")

MISSING_COUNT_COLUMNS = (*(kind.column for kind in MissingKind), "off_scale_count")

RESPONSES = pa.schema(
    [
        ("respondent_id", pa.int32()),
        ("wave", pa.int8()),
        ("country", pa.string()),
        ("question_id", pa.string()),
        ("answer_code", pa.int16()),
        ("answer_position", pa.int8()),
        ("weight", pa.float32()),
        *((name, pa.string()) for name in ROW_DEMOGRAPHICS),
    ]
)

#: Columns of the `lean` config, a view of the files of `responses`.
LEAN_COLUMNS = ("respondent_id", "question_id", "answer_code")

#: Fixed columns of `respondents`; raw demographics follow, one int32 column each. `cluster` and
#: `stratum` number the primary sampling units and strata of a country, in an order drawn for the
#: release; null where the file names none.
RESPONDENTS = pa.schema(
    [
        ("respondent_id", pa.int32()),
        ("interview_id", pa.int64()),
        ("wave", pa.int8()),
        ("country", pa.string()),
        ("continent", pa.string()),
        ("weight", pa.float64()),
        ("cluster", pa.int32()),
        ("stratum", pa.int32()),
        ("split", pa.string()),
        *((name, pa.string()) for name in MAIN_DEMOGRAPHICS),
    ]
)

#: How `n_eff` was found: from the design (clusters, strata, weights), from unequal weights alone
#: (Kish), or from the design effect of other cells.
N_EFF_KINDS = ("design", "kish", "assumed")

#: One row per (cell, code); shares are over the valid answers of the cell. A cell without a valid
#: answer has one row without a code, whose counts and `flag` say why. Columns of a cell (from
#: `n_valid` on) are repeated in each of its rows. Null in a public release: `weight_sum` and each
#: kind of missing; `missing_total` stands for everyone there. Shares and standard errors
#: are in single precision; exact figures follow from `n` and `weight_sum`, which only a private
#: release holds. Rows are sorted by split, group, wave, country, question and position.
DISTRIBUTIONS = pa.schema(
    [
        ("split", pa.string()),
        ("wave", pa.int8()),
        ("country", pa.string()),
        ("group", pa.string()),
        ("question_id", pa.string()),
        ("code", pa.int16()),
        ("position", pa.int8()),
        ("n", pa.int32()),
        ("weight_sum", pa.float64()),
        ("weighted_share", pa.float32()),
        ("unweighted_share", pa.float32()),
        ("se", pa.float32()),
        ("n_valid", pa.int32()),
        ("n_eff", pa.float64()),
        ("n_eff_kind", pa.string()),
        *((name, pa.int32()) for name in MISSING_COUNT_COLUMNS),
        ("missing_total", pa.int32()),
        ("flag", pa.string()),
    ]
)

#: Text columns of `distributions`: few values in many rows.
DISTRIBUTION_TEXTS = ("split", "country", "group", "question_id", "n_eff_kind", "flag")

#: Correlations of scale positions of two ordinal questions, weighted, over the respondents who
#: answered both; `question_a` comes before `question_b` in the questionnaire. `n` is null in a
#: public release.
CORRELATIONS = pa.schema(
    [
        ("wave", pa.int8()),
        ("country", pa.string()),
        ("question_a", pa.string()),
        ("question_b", pa.string()),
        ("n", pa.int32()),
        ("r", pa.float32()),
    ]
)

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

#: What training texts and tasks name themselves by.
_ABOUT_TEXT = (
    ("question_id", pa.string()),
    ("wave", pa.int8()),
    ("country", pa.string()),
    ("group", pa.string()),
    ("language", pa.string()),
)
_OPTIONS = pa.list_(
    pa.struct([("label", pa.string()), ("text", pa.string()), ("code", pa.int16())])
)

#: Prompts with the population's shares as target; the shares come from public figures.
SOFT = pa.schema(
    [
        *_ABOUT_TEXT,
        ("prompt", pa.string()),
        ("options", _OPTIONS),
        ("shares", pa.list_(pa.float32())),
        ("n_eff", pa.float64()),
    ]
)

#: Multiple-choice tasks whose target is the modal answer.
TASKS = pa.schema(
    [
        *_ABOUT_TEXT,
        ("input", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("target", pa.string()),
        ("shares", pa.list_(pa.float32())),
    ]
)

#: Supervised fine-tuning: a prompt and one respondent's answer as chat messages.
SFT = pa.schema([*_ABOUT_TEXT, ("prompt", _MESSAGES), ("completion", _MESSAGES)])

#: Preference pairs: an answer of a respondent and one that was not given.
PREFERENCE = pa.schema(
    [*_ABOUT_TEXT, ("prompt", _MESSAGES), ("chosen", _MESSAGES), ("rejected", _MESSAGES)]
)

#: Prompts with target shares for reinforcement learning.
GRPO = pa.schema(
    [*_ABOUT_TEXT, ("prompt", _MESSAGES), ("options", _OPTIONS), ("shares", pa.list_(pa.float32()))]
)

QUESTIONS = pa.schema(
    [
        ("question_id", pa.string()),
        ("wave", pa.int8()),
        ("variable", pa.string()),
        ("title", pa.string()),
        ("category", pa.string()),
        ("scale_id", pa.string()),
        ("level", pa.string()),
        ("codes", pa.list_(pa.int16())),
        ("labels", pa.list_(pa.string())),
        ("off_scale_codes", pa.list_(pa.int16())),
        ("missing_codes", pa.list_(pa.int16())),
        ("orientation", pa.string()),
        ("memberships", pa.list_(pa.string())),
        ("comparability", pa.string()),
        ("comparability_reason", pa.string()),
        ("wording_en", pa.string()),
    ]
)

COUNTRIES = pa.schema(
    [
        ("country", pa.string()),
        ("iso2", pa.string()),
        ("iso_numeric", pa.int16()),
        ("wvs_code", pa.int16()),
        ("name", pa.string()),
        ("continent", pa.string()),
        ("languages", pa.list_(pa.string())),
        ("waves", pa.list_(pa.int8())),
        ("respondents", pa.list_(pa.int32())),
        ("resource_level", pa.string()),
        *((f"hofstede_{name}", pa.int16()) for name in HOFSTEDE_DIMENSIONS),
    ]
)

PROBE = pa.schema(
    [
        ("respondent_id", pa.int32()),
        ("interview_id", pa.int64()),
        ("wave", pa.int8()),
        ("country", pa.string()),
        ("continent", pa.string()),
        ("settlement", pa.string()),
        ("education", pa.string()),
        ("question_id", pa.string()),
        ("answer_code", pa.int16()),
        ("answer_position", pa.int8()),
        ("worldvaluesbench_code", pa.int16()),
    ]
)

#: Schemas by table. `respondents` may hold further int32 columns (raw demographics), `responses`
#: and `respondents` further text columns asked for by name, `questions` `wording_<language>`.
TABLES: Mapping[str, pa.Schema] = MappingProxyType(
    {
        "responses": RESPONSES,
        "respondents": RESPONDENTS,
        "questions": QUESTIONS,
        "distributions": DISTRIBUTIONS,
        "correlations": CORRELATIONS,
        "countries": COUNTRIES,
        "probe": PROBE,
        "soft": SOFT,
        "tasks": TASKS,
        "sft": SFT,
        "preference": PREFERENCE,
        "grpo": GRPO,
    }
)


#: `distributions` of schema 1.x, which is read as the present one.
DISTRIBUTIONS_1 = pa.schema(
    [
        *(DISTRIBUTIONS.field(name) for name in DISTRIBUTIONS.names[:11]),
        ("n_valid", pa.int32()),
        ("n_eff", pa.float64()),
        ("n_eff_estimated", pa.bool_()),
        ("se", pa.float32()),
        *((name, pa.int32()) for name in MISSING_COUNT_COLUMNS),
        ("flag", pa.string()),
    ]
)

#: Schemas that differ in schema 1.x.
TABLES_1: Mapping[str, pa.Schema] = MappingProxyType(
    {
        "distributions": DISTRIBUTIONS_1,
        "respondents": pa.schema(
            [field for field in RESPONDENTS if field.name not in ("cluster", "stratum")]
        ),
    }
)

#: Columns that a table may lack: a release can be built without demographics in `responses`.
OPTIONAL_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType({"responses": ROW_DEMOGRAPHICS})


def table_schema(name: str, *, major: int = 2) -> pa.Schema:
    """Fixed columns of a table in the files of a major version of the release schema."""
    return TABLES_1.get(name, TABLES[name]) if major == 1 else TABLES[name]


def schema_problems(name: str, schema: pa.Schema, *, major: int = 2) -> list[str]:
    """What keeps `schema` from being that of table `name`; empty if it is.

    Dictionary-encoded columns count as what they stand for.
    """
    problems = []
    for field in table_schema(name, major=major):
        index = schema.get_field_index(field.name)
        if index < 0 and field.name in OPTIONAL_COLUMNS.get(name, ()):
            continue
        if index < 0:
            problems.append(f"column {field.name} ({field.type}) is missing")
            continue
        column_type = schema.field(index).type
        if pa.types.is_dictionary(column_type):
            column_type = column_type.value_type
        if pa.types.is_large_string(column_type):
            column_type = pa.string()
        if column_type != field.type:
            problems.append(f"column {field.name} is {column_type}, not {field.type}")
    return problems
