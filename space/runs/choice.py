"""What a visitor chooses for a run, checked as a whole before anything else is done with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from codebook.dilemmas.dilemma import dilemmas
from codebook.questions import questions_of
from contracts.digests import canonical_json, sha256_text
from contracts.errors import ContractError, Problem
from contracts.models import Strict
from contracts.release.read import Release
from contracts.specs import protocol_spec, protocol_specs
from elicitation.backends.secrets import checked_url
from elicitation.prompts.examples import form_examples
from elicitation.prompts.plan import Plan
from elicitation.study.conditions import DEFAULT_VARIANT
from elicitation.study.methods import METHODS
from elicitation.study.options import StudyOptions
from elicitation.study.resolve import make_study
from elicitation.study.study import APPROACHES
from space.runs.rules import Rules

Where = Literal["hub", "server"]

#: Ways of asking that a hosted model can serve, by protocol, the usual one first.
METHODS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {spec.name: spec.web_methods for spec in protocol_specs().values() if spec.web_methods}
)

if TYPE_CHECKING:
    Protocol = str
else:  # pydantic reads the names
    Protocol = Literal[tuple(METHODS_OF)]

#: Inference providers that take chats, as huggingface_hub names them; `auto` lets the Hub choose.
PROVIDERS = (
    "auto", "baseten", "cerebras", "cohere", "deepinfra", "featherless-ai", "fireworks-ai", "groq",
    "hf-inference", "novita", "nscale", "openai", "ovhcloud", "publicai", "scaleway", "together",
    "zai-org",
)  # fmt: skip

_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?!\.)){0,95}"
_HUB_MODEL = re.compile(rf"{_PART}/{_PART}")
_SERVER_MODEL = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_@:./+-]{0,199}")


class RunChoice(Strict):
    """What is asked of which model.

    Attributes:
        where: `hub`: by way of huggingface_hub; `server`: an OpenAI-compatible server.
        model: `ORG/NAME` on the Hub, or the name by which the server knows it.
        provider: inference provider, for `hub`.
        base_url: address of the server, for `server`.
        protocol, method: what is followed; an empty method is the protocol's usual one.
        steering: for alignment and judgments; empty is the protocol's own.
        approaches: for advice.
        countries: ISO3 codes, or `all`.
        languages: of the prompts, or `own`.
        sample: number of questions, drawn with the seed; 0 is all.
        repeats: times each call is made; None is the method's own number.
        thinking: whether a reasoning model thinks before it answers; default leaves it to it.
        seed: of the draw of the questions and of the replies.
        price_in, price_out: price of a million tokens, in the visitor's currency.
        budget: the run stops when so much is spent, at these prices; None for no such end.
    """

    where: Where = "hub"
    model: str = Field(max_length=300)
    provider: str = Field(default="auto", max_length=100)
    base_url: str = Field(default="", max_length=500)
    protocol: Protocol = "alignment"
    method: str = Field(default="", max_length=100)
    steering: tuple[str, ...] = Field(default=(), max_length=10)
    approaches: tuple[str, ...] = Field(default=(), max_length=10)
    countries: tuple[str, ...] = Field(default=("all",), max_length=300)
    languages: tuple[str, ...] = Field(default=("en",), max_length=50)
    sample: int = Field(default=0, ge=0)
    repeats: int | None = Field(default=None, ge=1, le=1000)
    thinking: Literal["default", "on", "off"] = "default"
    seed: int = Field(default=0, ge=0, lt=2**31)
    price_in: float = Field(default=0.0, ge=0)
    price_out: float = Field(default=0.0, ge=0)
    budget: float | None = Field(default=None, gt=0)

    @property
    def digest(self) -> str:
        """Short digest: two equal choices have equal ones."""
        return sha256_text(canonical_json(self.model_dump(mode="json")))[:16]

    @property
    def asked_method(self) -> str:
        """The method, the protocol's usual one where none was chosen."""
        return self.method or METHODS_OF[self.protocol][0]

    @property
    def backend_name(self) -> str:
        """The model as elicitation names it."""
        return f"{'hub' if self.where == 'hub' else 'openai'}:{self.model}"


def check_choice(choice: RunChoice, rules: Rules) -> None:
    """Refuse a choice that may not be run here.

    A name never holds an address: huggingface_hub takes a model whose name begins with `http` for
    the place to send everything to, key included.

    Raises:
        ContractError: all problems at once.
    """
    problems = [*_place_problems(choice, rules), *_asking_problems(choice)]
    if problems:
        raise ContractError(problems, subject="run")


def _place_problems(choice: RunChoice, rules: Rules) -> Iterator[Problem]:
    if rules.public and (choice.where == "server" or choice.base_url):
        yield Problem(
            "no-addresses",
            "a public server asks hosted models by their names only, at no address of a visitor's",
            column="base_url",
            hint="For a server of your own run Opinion Atlas on your machine: opinion-atlas space",
        )
        return
    if choice.where == "hub":
        yield from _hub_problems(choice)
        return
    if not _SERVER_MODEL.fullmatch(choice.model) or "://" in choice.model:
        yield Problem(
            "model-name",
            "this is no name of a model",
            column="model",
            found=ascii(choice.model[:80]),
            allowed="the name by which the server knows it",
        )
    try:
        checked_url(choice.base_url)
    except ValueError as error:
        yield from getattr(error, "problems", ()) or (
            Problem("bad-url", "this is no address of a server", column="base_url"),
        )


def _hub_problems(choice: RunChoice) -> Iterator[Problem]:
    if not _HUB_MODEL.fullmatch(choice.model):
        yield Problem(
            "model-name",
            "this is no name of a model on the Hub",
            column="model",
            found=ascii(choice.model[:80]),
            allowed="ORG/NAME, for instance meta-llama/Llama-3.1-8B-Instruct",
        )
    if choice.provider not in PROVIDERS:
        yield Problem(
            "provider",
            "there is no such provider",
            column="provider",
            found=ascii(choice.provider[:80]),
            allowed=", ".join(PROVIDERS),
        )
    if choice.base_url:
        yield Problem("no-addresses", "a hosted model has no address here", column="base_url")


def _asking_problems(choice: RunChoice) -> Iterator[Problem]:
    known = METHODS_OF[choice.protocol]
    if choice.asked_method not in known:
        yield Problem(
            "method",
            f"{choice.protocol} is not asked by this method here",
            column="method",
            found=ascii(choice.method[:40]),
            allowed=", ".join(known),
        )
    elif choice.where == "hub" and METHODS[choice.asked_method].request_kind == "score_options":
        yield Problem(
            "method",
            "hosted models score no whole options",
            column="method",
            found=choice.asked_method,
            allowed=known[0],
        )
    if not choice.countries:
        yield Problem("no-countries", "choose at least one country, or all", column="countries")
    if not choice.languages:
        yield Problem("no-language", "choose at least one language", column="languages")
    for approach in choice.approaches:
        if approach not in APPROACHES:
            yield Problem("approach", "there is no such approach", found=ascii(approach[:40]))
    if choice.budget is not None and not (choice.price_in or choice.price_out):
        yield Problem("no-prices", "a budget needs prices", column="budget")


def sampled_questions(choice: RunChoice) -> tuple[str, ...]:
    """Ids of the questions (dilemmas, for advice), in the protocol's order.

    A sample is drawn without replacement with the choice's seed, from the questions that are
    scored; the same choice gives the same.
    Questions that every prompt shows as an example of the form are never asked, so not drawn.
    """
    spec = protocol_spec(choice.protocol)
    sets = spec.asked[:1] if choice.sample else spec.asked
    every = tuple(dilemmas()) if spec.dilemmas else questions_of(sets)
    if choice.sample and METHODS[choice.asked_method].reader == "shares":
        form = form_examples(count=DEFAULT_VARIANT.example_count, seed=choice.seed)
        shown = {example.question_id for example in form}
        every = tuple(question for question in every if question not in shown)
    if not choice.sample or choice.sample >= len(every):
        return tuple(every)
    rng = np.random.default_rng(choice.seed)
    drawn = rng.choice(len(every), size=choice.sample, replace=False)
    return tuple(every[index] for index in sorted(drawn))


def plan_of(choice: RunChoice, release: Release) -> Plan:
    """The plan of a choice: chats with a model on another machine, nobody's microdata in them.

    Raises:
        ContractError: something does not exist, or does not go together.
    """
    options = StudyOptions(
        protocol=choice.protocol,
        method=choice.asked_method,
        steer=choice.steering,
        countries=choice.countries,
        questions=sampled_questions(choice) if choice.sample else (),
        languages=choice.languages,
        approach=choice.approaches,
        demographics="none",
        repeats=choice.repeats,
        seed=choice.seed,
    )
    return Plan(make_study(options, release, chat=True, remote=True), release)
