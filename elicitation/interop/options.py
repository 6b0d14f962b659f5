"""Options of `opinion-atlas export`: those of a study that another harness can run."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from cyclopts import Parameter

from contracts.command_line import DECODING, OUTPUT, QUESTIONS, ReleaseName
from elicitation.study.options import StudyOptions, TaskOptions

Harness = Literal["lm-eval", "inspect"]


@Parameter(name="*", group=QUESTIONS)
@dataclass(frozen=True, kw_only=True)
class ExportOptions(TaskOptions):
    """What is exported, and for which harness."""

    to: Annotated[
        Harness,
        Parameter(
            help="Target harness: lm-eval (lm-evaluation-harness) or inspect (inspect_ai).",
            group=OUTPUT,
        ),
    ]
    release: ReleaseName = "reference"
    protocol: Annotated[str, Parameter(help="alignment or judgments.")] = "judgments"
    method: Annotated[
        str,
        Parameter(
            help="How answers are elicited: option_likelihood, label_likelihood, verbalized, "
            "sequence or forced_choice. Default: the protocol's own. inspect_ai scores whole "
            "options where the model's server returns prompt_logprobs, as vLLM does."
        ),
    ] = ""
    terminator: Annotated[
        Literal["newline", "none"],
        Parameter(
            help="Text that ends a scored option; `none` reproduces the papers.", group=DECODING
        ),
    ] = "newline"
    min_label_mass: Annotated[
        float | None,
        Parameter(
            help="Least probability that all labels (or options) hold together; an answer below "
            "it is invalid. Default: 0.1 for label_likelihood, 0 for option_likelihood.",
            group=DECODING,
        ),
    ] = None
    prompts: Annotated[
        Literal["chat", "plain"],
        Parameter(
            help="chat: the harness applies the model's chat template; plain: for base models.",
            group=DECODING,
        ),
    ] = "plain"

    def study(self) -> StudyOptions:
        """The same options as a study; a harness never asks a second time."""
        shared = {field.name: getattr(self, field.name) for field in fields(TaskOptions)}
        return StudyOptions(
            **shared,
            terminator=self.terminator,
            min_label_mass=self.min_label_mass,
            reask=False,
        )
