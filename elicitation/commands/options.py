"""All options of `opinion-atlas elicit` in one dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Parameter

from contracts.command_line import (
    DECODING,
    MODEL,
    OUTPUT,
    QUESTIONS,
    RUN,
    STEERING,
    FileFormat,
    ReleaseName,
    flag,
    pairs,
)
from elicitation.backends.registry import DEFAULT_BACKEND, BackendOptions
from elicitation.run.limits import UNLIMITED, Limits
from elicitation.study.options import DEFAULT_STUDY, StudyOptions


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ElicitOptions:
    """What is asked, of which model, how far, and what is recorded with it."""

    release: Annotated[ReleaseName, Parameter(group=QUESTIONS)] = "reference"
    study: StudyOptions = DEFAULT_STUDY
    allow_remote_microdata: Annotated[
        bool,
        flag(
            "Allow persona attributes beyond country, settlement and education to be sent to a "
            "model on another machine. The survey's terms of use may forbid that.",
            group=STEERING,
        ),
    ] = False
    prompts: Annotated[
        Literal["auto", "chat", "plain"],
        Parameter(
            help="Chat messages, or plain text for base models; auto asks the model.",
            group=DECODING,
        ),
    ] = "auto"
    engine: Annotated[
        Literal["local", "ray"],
        Parameter(help="Where hf: models run: on this machine or on a Ray cluster.", group=MODEL),
    ] = "local"
    backend: BackendOptions = DEFAULT_BACKEND
    limits: Limits = UNLIMITED
    shard: Annotated[
        str,
        Parameter(
            help="K/N: make only every N-th call, starting with the K-th; distributes a run over "
            "several machines.",
            group=RUN,
        ),
    ] = "1/1"
    meta: Annotated[
        tuple[str, ...],
        pairs(
            "Facts about the model for the metadata, as KEY=VALUE: family, parameters, "
            "training_tokens, ...",
            group=OUTPUT,
        ),
    ] = ()
    suffix: FileFormat = "jsonl"

    @property
    def ending(self) -> str:
        """Ending of the predictions files, such as `.jsonl`."""
        return f".{self.suffix.lstrip('.')}"
