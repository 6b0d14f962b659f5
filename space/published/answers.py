"""The published answers in the project's compact form, and the predictions made from them.

`answers.parquet` has a line per answer option: model, steering, language, country ("" where one
answer holds for all), question_id, code (raw) and hundredths (of a percent).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.atomic import write_text
from contracts.predictions.meta import PredictionsMeta

#: What an answer stands for where the prompts were in the language of each country.
OWN = "own"

STEERINGS = ("none", "persona", "few-shot")


class PublishedRow(NamedTuple):
    """One model under one condition.

    Attributes:
        row_id: id on the board.
        model: key of the model in `models.json`.
        steering: none, persona or few-shot.
        language: `en`, or `own` where each country was asked in its language.
    """

    row_id: str
    model: str
    steering: str
    language: str


def folder() -> Path:
    """Where the data lie."""
    return Path(str(resources.files("space.published")))


@cache
def facts() -> dict[str, Any]:
    """What is known of the models and of the prompts."""
    model_facts: dict[str, Any] = json.loads((folder() / "models.json").read_text(encoding="utf-8"))
    return model_facts


@cache
def published_answer_rows() -> tuple[PublishedRow, ...]:
    """All rows: each model unsteered, by persona and by few-shot, in English and in the
    countries' own languages."""
    return tuple(
        PublishedRow(f"published-{model['key']}-{steering}-{language}", model["key"], *condition)
        for model in facts()["models"]
        for steering in STEERINGS
        for language in ("en", OWN)
        for condition in [(steering, language)]
    )


def published_meta(row: PublishedRow) -> PredictionsMeta:
    """Header of a row's predictions."""
    known = facts()
    model = next(dict(one) for one in known["models"] if one["key"] == row.model)
    del model["key"]
    extra = {"form_examples": known["form_examples"], **model.pop("extra", {})}
    shown: set[str] = set()
    if row.steering == "few-shot":
        shown = {question for one in known["few_shot"].values() for question in one}
        extra["few_shot_by_country"] = known["few_shot"]
    return PredictionsMeta(
        **model,
        protocol="alignment",
        method="verbalized",
        steering=row.steering,
        language=row.language,
        wave=7,
        wording="the survey's questionnaires",
        few_shot_questions=sorted(shown, key=lambda name: int(name[1:])),
        notes=f"Answers that the authors of a study published with it, scored here. Cite: "
        f"{known['cite']}.",
        extra=extra,
    )


def published_records(row: PublishedRow) -> Iterator[dict[str, Any]]:
    """Records of a row's predictions: question, country and shares that sum to 1."""
    own = row.language == OWN
    model = next(one["model"] for one in facts()["models"] if one["key"] == row.model)
    where = (pc.field("model") == model) & (pc.field("steering") == row.steering)
    table = pq.read_table(folder() / "answers.parquet", filters=where)
    cells: dict[tuple[str, str], dict[str, int]] = {}
    for one in table.to_pylist():
        # Unsteered English answers have no country; every other English answer is steered.
        if (one["language"] != "en") == own:
            cell = cells.setdefault((one["country"], one["question_id"]), {})
            cell[str(one["code"])] = one["hundredths"]
    for (country, question), shares in cells.items():
        total = sum(shares.values())
        yield {
            "question_id": question,
            "country": country,
            "shares": {code: share / total for code, share in shares.items()},
        }


@cache
def unsteered_shares() -> dict[str, dict[str, dict[int, int]]]:
    """Unsteered English answers of all models: hundredths by row id, question and code."""
    where = (pc.field("steering") == "none") & (pc.field("language") == "en")
    columns = ["model", "question_id", "code", "hundredths"]
    table = pq.read_table(folder() / "answers.parquet", filters=where, columns=columns).to_pydict()
    ids = {one["model"]: f"published-{one['key']}-none-en" for one in facts()["models"]}
    shares_by_row: dict[str, dict[str, dict[int, int]]] = {}
    for model, question, code, hundredths in zip(*table.values(), strict=True):
        shares_by_row.setdefault(ids[model], {}).setdefault(question, {})[code] = hundredths
    return shares_by_row


def write_published_predictions(row: PublishedRow, path: Path) -> None:
    """Write a row's predictions file."""
    header = published_meta(row).model_dump(exclude_defaults=True) | {
        "schema_version": "1.0",
        "kind": "predictions",
        "trained_on_wvs": False,
        "language": row.language,
        "steering": row.steering,
    }
    lines = [header, *published_records(row)]
    write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
