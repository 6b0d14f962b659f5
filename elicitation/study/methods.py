"""The ways of asking: what each sends, what comes back, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from codebook.render.question import Labels
from contracts.predictions.meta import Kind as PredictionsKind
from elicitation.backends.base import Kind as RequestKind
from elicitation.backends.base import Sampling

MethodName = Literal[
    "verbalized",
    "rating",
    "option_likelihood",
    "label_likelihood",
    "sequence",
    "sampling",
    "forced_choice",
]
Steering = Literal["none", "persona", "few-shot"]
Reader = Literal["shares", "rating", "choice", "sequence", "scores", "advice"]

METHOD_NAMES: tuple[MethodName, ...] = get_args(MethodName)
STEERINGS: tuple[Steering, ...] = get_args(Steering)

#: Answers in a row that the sequence method asks for.
SEQUENCE_LENGTH = 30


@dataclass(frozen=True)
class Method:
    """One way of asking.

    Attributes:
        name: as in a predictions file's metadata.
        version: number of the prompt; it rises with every change of a prompt's text or layout.
        request_kind: what the backend is asked for.
        predictions_kind: what its predictions are.
        reader: how its replies are read.
        sampling: how replies are drawn, unless the study says otherwise.
        labels: labels of the answers, unless the study says otherwise.
        steerings: steerings that it knows.
        question_first: whether the question stands at the head of the prompt, so that calls
            which share a question share a prefix.
        stop: what ends a reply of a base model, which knows no end of a turn.
        about: one sentence for the help text.
    """

    name: MethodName
    version: int
    request_kind: RequestKind
    predictions_kind: PredictionsKind
    reader: Reader
    about: str
    sampling: Sampling = field(default_factory=Sampling)
    labels: Labels = "numbers"
    steerings: tuple[Steering, ...] = ("none", "persona")
    question_first: bool = False
    stop: tuple[str, ...] = ("\n",)

    @property
    def prompt_version(self) -> str:
        """Name and number of the prompt, as predictions files state it."""
        return f"{self.name}-{self.version}"


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(
                name="verbalized",
                version=2,
                request_kind="generate",
                predictions_kind="distribution",
                reader="shares",
                sampling=Sampling(max_tokens=256),
                steerings=STEERINGS,
                about="the model writes the share of every answer, after five examples of the form",
            ),
            Method(
                name="rating",
                version=1,
                request_kind="generate",
                predictions_kind="rating",
                reader="rating",
                sampling=Sampling(max_tokens=200),
                steerings=("none",),
                stop=("\n\n",),
                about="the rating that one described person would give, with its reasons",
            ),
            Method(
                name="option_likelihood",
                version=2,
                request_kind="score_options",
                predictions_kind="distribution",
                reader="scores",
                labels="letters",
                question_first=True,
                about="the probability of the whole text of every answer",
            ),
            Method(
                name="label_likelihood",
                version=2,
                request_kind="score_labels",
                predictions_kind="distribution",
                reader="scores",
                labels="letters",
                about="the probability of every answer's letter as the next token",
            ),
            Method(
                name="sequence",
                version=2,
                request_kind="generate",
                predictions_kind="distribution",
                reader="sequence",
                sampling=Sampling(max_tokens=128),
                about=f"{SEQUENCE_LENGTH} answers in a row, counted",
            ),
            Method(
                name="sampling",
                version=2,
                request_kind="generate",
                predictions_kind="distribution",
                reader="choice",
                sampling=Sampling(max_tokens=16, temperature=1.0),
                about="one answer, drawn again and again, counted (--repeats)",
            ),
            Method(
                name="forced_choice",
                version=2,
                request_kind="generate",
                predictions_kind="distribution",
                reader="choice",
                sampling=Sampling(max_tokens=16),
                about="the one answer that the model decides on",
            ),
        )
    }
)

#: Most tokens of a piece of advice: it is given in sentences.
ADVICE_MAX_TOKENS = 400

#: Number of the advice protocol's prompt.
ADVICE_PROMPT_VERSION = 1

#: Number of the persons protocol's prompt.
PERSONS_PROMPT_VERSION = 1

#: Methods that give one answer per person: drawn, decided on, or drawn by probability.
PERSONS_METHODS: tuple[MethodName, ...] = ("sampling", "forced_choice", "label_likelihood")
