"""What a predictions file says about itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from contracts.manifest import Strict
from contracts.versions import SCHEMA_VERSION

Kind = Literal["distribution", "rating", "advice"]


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
    protocol: Literal["", "alignment", "worldvaluesbench", "judgments", "advice"] = ""
    method: str = Field(
        default="unknown",
        description="verbalized, rating, option_likelihood, label_likelihood, sequence, sampling, "
        "forced_choice, baseline",
    )
    steering: str = Field(default="none", description="none, persona, few-shot")
    language: str = "en"
    wave: int = 7
    prompt_version: str = ""
    wording: str = Field(default="atlas", description="name of the wording that was used")
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
