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

#: Tables without a row per person: all that the reference and a public release hold.
AGGREGATE_TABLES = ("questions", "countries", "distributions")
INDIVIDUAL_TABLES = ("responses", "respondents", "probe")

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

#: Fixed columns of `respondents`; raw demographics follow, one int32 column each.
RESPONDENTS = pa.schema(
    [
        ("respondent_id", pa.int32()),
        ("interview_id", pa.int64()),
        ("wave", pa.int8()),
        ("country", pa.string()),
        ("continent", pa.string()),
        ("weight", pa.float64()),
        ("split", pa.string()),
        *((name, pa.string()) for name in MAIN_DEMOGRAPHICS),
    ]
)

#: One row per (cell, code). Shares are over the valid answers of the cell; they are null where
#: nobody gave one. `se` = sqrt(p (1 - p) / n_eff) of the weighted share p, n_eff after Kish.
#: The counts of missing answers are those of the cell, repeated in each of its rows.
#: Shares and standard errors are for people to read, in single precision: whoever computes takes
#: `n` and `weight_sum`, which are exact.
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
        ("n_valid", pa.int32()),
        ("n_eff", pa.float64()),
        ("n_eff_estimated", pa.bool_()),
        ("se", pa.float32()),
        *((name, pa.int32()) for name in MISSING_COUNT_COLUMNS),
        ("flag", pa.string()),
    ]
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
        "countries": COUNTRIES,
        "probe": PROBE,
    }
)


#: Columns that a table may lack: a release can be built without demographics in `responses`.
OPTIONAL_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType({"responses": ROW_DEMOGRAPHICS})


def schema_problems(name: str, schema: pa.Schema) -> list[str]:
    """What keeps `schema` from being that of table `name`; empty if it is.

    Dictionary-encoded columns count as what they stand for.
    """
    problems = []
    for field in TABLES[name]:
        index = schema.get_field_index(field.name)
        if index < 0 and field.name in OPTIONAL_COLUMNS.get(name, ()):
            continue
        if index < 0:
            problems.append(f"column {field.name} ({field.type}) is missing")
            continue
        found = schema.field(index).type
        if pa.types.is_dictionary(found):
            found = found.value_type
        if pa.types.is_large_string(found):
            found = pa.string()
        if found != field.type:
            problems.append(f"column {field.name} is {found}, not {field.type}")
    return problems
