"""A study: what is asked, of whom, and how. Checked as a whole before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal, get_args

from codebook import question_set, value_questions
from contracts.errors import ContractError, Problem
from contracts.models import Strict
from contracts.specs import ProtocolName, protocol_spec
from elicitation.study.conditions import (
    OWN_LANGUAGE,
    Condition,
    Variant,
    parse_variant,
)
from elicitation.study.methods import (
    ADVICE_PROMPT_VERSION,
    METHODS,
    PERSONS_PROMPT_VERSION,
    Method,
)

Approach = Literal["persona", "language", "both", "none"]
FewShotShares = Literal["weighted", "unweighted"]

APPROACHES: tuple[Approach, ...] = get_args(Approach)


class Study(Strict):
    """What is asked, of whom, and how; `run/study.json` holds it.

    Attributes:
        protocol, method: what it follows, and the way of asking.
        release: what the release was opened by; `release_digest` names its content.
        wave: wave whose real distributions few-shot prompts show.
        few_shot_shares: whether those distributions are weighted by the design weights.
        questions: ids of the questions (of the dilemmas, for advice), in order.
        countries: ISO3 codes of the targets.
        left_out: countries that were named, and are not asked for: the release has no
            respondents of theirs in the wave.
        groups: groups within every country; "" is everyone.
        steering, languages, variants, approaches: axes; every combination is a condition.
        only: names of the conditions that are asked; empty for every combination.
        dilemma_folders: for advice, folders of dilemmas that take the place of the project's.
        dilemmas_digest: names what is in them.
        wording_folders: wordings that take the place of the project's.
        wordings_digest: names what is in them.
        demographics: for ratings and persons, what is told of a person (remote, main, all); empty
            for samples of nobody in particular, and for persons of whom only the country is told.
        on_request: sensitive answers told besides.
        people: most people of the probe that are described; None for all.
        personas: for persons, where they come from: fitted or respondents; empty otherwise.
        persons: for persons, how many there are of each country.
        conversation: for persons, whether all questions are asked in one conversation.
        repeats: times each call is made.
        temperature, max_tokens: None for the method's own.
        seed: seed of everything that is drawn.
        chat: whether prompts are chats (true) or plain text (false).
        terminator: what ends a scored option.
        orders: 2 asks every scored question once more with its answers in the opposite order, and
            averages; 1 asks once.
        min_label_mass: least probability that labels or options hold together; what holds less
            is invalid.
        reask: whether an answer that cannot be read is asked for once more.
    """

    protocol: ProtocolName
    method: str
    release: str
    release_digest: str = ""
    wave: int = 7
    few_shot_shares: FewShotShares = "weighted"
    questions: tuple[str, ...]
    countries: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    groups: tuple[str, ...] = ("",)
    steering: tuple[str, ...] = ("none",)
    languages: tuple[str, ...] = ("en",)
    variants: tuple[str, ...] = ("default",)
    approaches: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    dilemma_folders: tuple[str, ...] = ()
    dilemmas_digest: str = ""
    wording_folders: tuple[str, ...] = ()
    wordings_digest: str = ""
    demographics: str = ""
    on_request: tuple[str, ...] = ()
    people: int | None = None
    personas: Literal["", "fitted", "respondents"] = ""
    persons: int = 0
    conversation: bool = False
    repeats: int = 1
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int = 0
    chat: bool = True
    terminator: Literal["end", "newline", "none"] = "end"
    orders: Literal[1, 2] = 1
    min_label_mass: float = 0.0
    reask: bool = True

    @cached_property
    def how(self) -> Method:
        """The way of asking."""
        return METHODS[self.method]

    @property
    def asks_dilemmas(self) -> bool:
        """Whether dilemmas are asked, in place of the survey's questions."""
        return protocol_spec(self.protocol).dilemmas

    @property
    def prompt_version(self) -> str:
        """Version of the prompts."""
        if self.personas:
            return f"persons-{'conversation-' if self.conversation else ''}{PERSONS_PROMPT_VERSION}"
        if not self.asks_dilemmas:
            return self.how.prompt_version
        form = {"score_options": "options-", "score_labels": "letters-"}
        return f"advice-{form.get(self.how.request_kind, '')}{ADVICE_PROMPT_VERSION}"

    def parsed_variants(self) -> tuple[Variant, ...]:
        """The variants, parsed."""
        return tuple(parse_variant(name) for name in self.variants)

    def conditions(self, *, every: bool = False) -> tuple[Condition, ...]:
        """The conditions that are asked, or every combination, in order; each makes one
        predictions file."""
        all_conditions = tuple(self._conditions())
        return tuple(c for c in all_conditions if every or not self.only or c.name in self.only)

    def _conditions(self) -> Iterator[Condition]:
        for steering in self.steering:
            for language, approach in self._spoken():
                for variant in self.parsed_variants():
                    described = bool(self.demographics) and not self.personas
                    yield Condition(steering, language, variant, described, approach)

    def _spoken(self) -> Iterator[tuple[str, str]]:
        """Language and approach of the conditions; some approaches bring their own language."""
        if not self.approaches:
            yield from ((language, "") for language in self.languages)
        for approach in self.approaches:
            own = approach in ("language", "both")
            yield from (
                (spoken_language, approach)
                for spoken_language in ((OWN_LANGUAGE,) if own else self.languages)
            )


def resolve_questions(given: tuple[str, ...], preset: tuple[str, ...]) -> tuple[str, ...]:
    """Ids of the questions: sets by name and single ids, each once, in the order given.

    Raises:
        ContractError: a name is neither a set nor a question with a scale.
    """
    question_ids: dict[str, None] = {}
    problems = []
    for name in given or preset:
        try:
            question_ids |= dict.fromkeys(question_set(name))
        except KeyError as error:
            if name in value_questions():
                question_ids[name] = None
            else:
                hint = str(error.args[0]).partition("; ")[2]
                problems.append(
                    Problem(
                        "no-question",
                        "there is neither such a question nor such a set",
                        column="--questions",
                        found=repr(name),
                        allowed=f"an id such as Q1; sets {hint.removeprefix('there are: ')}",
                    )
                )
    if problems:
        raise ContractError(problems, subject="study")
    return tuple(question_ids)


def study_json(study: Study) -> dict[str, Any]:
    """The study as JSON types; folders of dilemmas and wordings, countries left out, unweighted
    examples, single conditions and what only persons have are listed only where there are any."""
    fields = study.model_dump(mode="json")
    if study.few_shot_shares == "weighted":
        del fields["few_shot_shares"]
    if not study.left_out:
        del fields["left_out"]
    if not study.personas:
        del fields["personas"], fields["persons"], fields["conversation"]
    if not study.only:
        del fields["only"]
    if not study.dilemma_folders:
        del fields["dilemma_folders"], fields["dilemmas_digest"]
    if not study.wording_folders:
        del fields["wording_folders"], fields["wordings_digest"]
    return fields
