"""What a predictions file says about itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from contracts.errors import ContractError, Problem, fail
from contracts.models import Notice, Strict, validation_problems
from contracts.predictions.source import Source
from contracts.specs import ProtocolOrNone
from contracts.specs.model import Kind as Kind
from contracts.versions import SCHEMA_VERSION, check_schema_version


class PredictionsMeta(Strict):
    """Header record of a predictions file, or its sidecar `<name>.meta.json`.

    Fields left out take these defaults, with a warning; a submission to a board needs those
    of `REQUIRED_FOR_BOARD`.
    """

    schema_version: str = SCHEMA_VERSION
    kind: Literal["predictions"] = "predictions"
    name: str = Field(default="", description="name of the row; the file's name if empty")
    model: str = Field(default="unknown", description="model id, for instance ORG/NAME")
    revision: str = ""
    protocol: ProtocolOrNone = ""
    method: str = Field(
        default="unknown",
        description="verbalized, rating, option_likelihood, label_likelihood, sequence, sampling, "
        "forced_choice, baseline",
    )
    steering: str = Field(default="none", description="none, persona, few-shot")
    language: str = "en"
    wave: int = 7
    prompt_version: str = ""
    wording: str = Field(
        default="unknown", description="name of the wording that was used; unknown unless said"
    )
    wording_digest: str = ""
    release: str = Field(default="", description="digest or name of the release asked about")
    seed: int | None = None
    decoding: dict[str, Any] = Field(default_factory=dict)
    coding: Literal["raw", "worldvaluesbench"] = "raw"
    trained_on_wvs: bool = False
    few_shot_questions: list[str] = Field(
        default_factory=list, description="questions whose answers the prompts showed"
    )
    baseline: bool = Field(default=False, description="no model, but a reference point")
    uses_survey: bool = Field(default=False, description="made from the survey's own answers")
    family: str = ""
    parameters: float | None = Field(default=None, gt=0, description="number of parameters")
    training_tokens: float | None = Field(default=None, gt=0)
    multilingual: bool | None = None
    synthetic_data: bool | None = None
    chat: bool | None = Field(default=None, description="chat-tuned (true) or base (false)")
    personas: str = Field(
        default="", description="of persons: how the respondents to be played were drawn"
    )
    microdata_derived: bool = Field(
        default=False,
        description="made from the answers or demographics of single respondents; never public",
    )
    base_model: str = ""
    open_weights: bool | None = None
    link: str = ""
    notes: str = ""
    extra: dict[str, Any] = Field(default_factory=dict)


REQUIRED_FOR_BOARD = (
    "model",
    "method",
    "steering",
    "language",
    "prompt_version",
    "wording_digest",
    "release",
    "trained_on_wvs",
)

META_SUFFIX = ".meta.json"


def sidecar_path(path: str | Path) -> Path:
    """Where the sidecar of a predictions file lies: `<name>.meta.json` beside it."""
    target = Path(path)
    return target.with_name(target.stem + META_SUFFIX)


def require_no_microdata(meta: PredictionsMeta, *, where: str) -> None:
    """Refuse predictions, or a report on them, that must not leave where the respondents' rows lie.

    Raises:
        ContractError: the metadata says that they are made from single respondents.
    """
    if meta.microdata_derived:
        raise fail(
            "microdata",
            "the predictions are made from the answers or demographics of single respondents; "
            "boards, stores and model repositories take none",
            where=where,
            column="microdata_derived",
            found="true",
            hint="Score them where the respondents' rows lie, with opinion-atlas score, or elicit "
            "with --personas fitted.",
        )


def read_header(
    source: Source, *, meta_path: str | Path | None
) -> tuple[PredictionsMeta, list[Notice]]:
    """Metadata of a predictions file, with a notice for what takes a default.

    Raises:
        ContractError: the metadata has wrong fields, is of another schema version, or header
            and sidecar both exist and differ.
    """
    beside = sidecar_path(source.path) if meta_path is None else Path(meta_path)
    own = None if source.header is None else parse_meta(source.header, where=str(source.path))
    if meta_path is None and not beside.is_file():
        return own or PredictionsMeta(), _notices(source.header)
    fields = _read_sidecar(beside)
    meta = parse_meta(fields, where=str(beside))
    if own is not None and own != meta:
        raise fail(
            "meta-twice",
            "the header record and the sidecar differ",
            where=str(source.path),
            column=", ".join(
                name
                for name in PredictionsMeta.model_fields
                if getattr(own, name) != getattr(meta, name)
            ),
            found=str(beside),
            hint="Remove one of them.",
        )
    return meta, _notices(fields)


def _read_sidecar(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise fail(
            "no-meta", f"the metadata cannot be read ({error.strerror})", where=str(path)
        ) from None
    except ValueError as error:
        raise fail("bad-header", f"the metadata is no JSON ({error})", where=str(path)) from None
    if not isinstance(fields, dict):
        raise fail("bad-header", "the metadata is no JSON object", where=str(path))
    return fields


def parse_meta(fields: Mapping[str, Any], *, where: str) -> PredictionsMeta:
    """Metadata from their fields.

    Args:
        fields: the fields; those left out take their defaults.
        where: the file or argument that they stand in, for messages.

    Raises:
        ContractError: a field is unknown or of the wrong type, or the schema version is not read.
    """
    if "schema_version" in fields:
        check_schema_version(str(fields["schema_version"]), where=where)
    try:
        return PredictionsMeta.model_validate(dict(fields))
    except ValidationError as error:
        known = ", ".join(PredictionsMeta.model_fields)
        raise ContractError(
            [_with_allowed(p, known) for p in validation_problems(error, where=where)],
            subject=where,
        ) from None


def _with_allowed(problem: Problem, known: str) -> Problem:
    if problem.code != "field-extra-forbidden":
        return problem
    return Problem(
        problem.code,
        "there is no such metadata field",
        where=problem.where,
        column=problem.column,
        found=problem.found,
        allowed=known,
        hint="Further facts go into the object `extra`.",
    )


def _notices(fields: Mapping[str, Any] | None) -> list[Notice]:
    if fields is None:
        return [
            Notice(
                code="no-metadata",
                message="the file has neither a header record nor a sidecar; everything takes its "
                "default: model unknown, unsteered, English, wave 7, not trained on "
                "the survey",
            )
        ]
    lacking = [name for name in REQUIRED_FOR_BOARD if name not in fields]
    if not lacking:
        return []
    defaults = PredictionsMeta()
    taken = ", ".join(f"{name}={getattr(defaults, name)!r}" for name in lacking)
    return [
        Notice(
            code="metadata-defaults",
            message=f"the metadata lacks fields, which take their defaults: {taken}",
            count=len(lacking),
        )
    ]


class DistributionRecord(Strict):
    """A whole answer distribution: the shares of people (or of answers) by option."""

    question_id: str = Field(description="wave 7 name of the question, for instance Q1")
    country: str = Field(default="", description="ISO 3166-1 alpha-3; empty: unsteered")
    group: str = Field(
        default="", description="for instance sex=female or age=16-29;settlement=urban; empty: all"
    )
    shares: dict[str, float] = Field(
        description="share by raw option code; at least 0; sums to 1; a lacking option is 0"
    )
    status: Literal["ok", "repaired", "invalid", "refused", "missing"] = "ok"
    label_mass: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="probability that all labels or options hold together, where it was measured",
    )
    asked: int | None = Field(default=None, ge=1, description="replies asked for, if several")
    readable: int | None = Field(default=None, ge=0, description="those that could be read")


class RatingRecord(Strict):
    """The rating that one described person (or one unsteered sample) would give."""

    QUESTION_ID: str = Field(description="wave 7 name of the question")
    PARTICIPANT_ID: int | None = Field(
        default=None, description="interview id of the person; none for an unsteered sample"
    )
    SAMPLE: int | None = Field(default=None, description="number of the unsteered sample")
    SCORE: float | None = Field(description="rating, coded as the metadata say; null: unreadable")


class PersonRecord(Strict):
    """One answer of one synthetic respondent, long form."""

    person_id: str = Field(description="name of the person within the country")
    country: str = Field(description="ISO 3166-1 alpha-3")
    group: str = Field(default="", description="what the person was told, for instance sex=female")
    question_id: str
    code: int | None = Field(description="raw code of the option; null: no answer given")


class AdviceRecord(Strict):
    """The side that one answer to a dilemma took."""

    prompt_id: str = Field(description="id of the dilemma")
    country: str = Field(default="", description="ISO 3166-1 alpha-3; empty: none")
    approach: Literal["persona", "language", "both", "none"] = "none"
    language: str = "en"
    option_order: str = ""
    repeat: int = Field(default=0, ge=0)
    side: Literal["high", "low", "inconclusive"]
    margin: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="by how much the likelier option leads, where likelihoods were measured",
    )
