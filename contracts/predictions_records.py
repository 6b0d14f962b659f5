"""One record of each kind of predictions, as models: what the JSON Schemas are made from.

The reader is more lenient than these (docs/predictions.md says in what); whoever writes records
that fit them is never warned.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from contracts.manifest import Strict


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


class RatingRecord(Strict):
    """The rating that one described person (or one unsteered sample) would give."""

    QUESTION_ID: str = Field(description="wave 7 name of the question")
    PARTICIPANT_ID: int | None = Field(
        default=None, description="interview id of the person; none for an unsteered sample"
    )
    SAMPLE: int | None = Field(default=None, description="number of the unsteered sample")
    SCORE: float | None = Field(description="rating, coded as the metadata say; null: unreadable")


class AdviceRecord(Strict):
    """The side that one answer to a dilemma took."""

    prompt_id: str = Field(description="id of the dilemma")
    country: str = Field(default="", description="ISO 3166-1 alpha-3; empty: none")
    approach: Literal["persona", "language", "both", "none"] = "none"
    language: str = "en"
    option_order: str = ""
    repeat: int = Field(default=0, ge=0)
    side: Literal["high", "low", "inconclusive"]
