"""The plan of a study: every call, in a fixed order, made only when it is looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from functools import cached_property
from itertools import islice, product
from typing import Any, NamedTuple

from codebook import countries
from codebook.dilemmas.sets import DilemmaSet
from codebook.wordings.wording import Wording, languages
from contracts.errors import fail
from contracts.predictions.meta import Kind as PredictionsKind
from contracts.release.read import Release
from contracts.specs import protocol_spec
from elicitation.backends.base import Message, Request, Sampling
from elicitation.prompts.advice import ORDERS, advice_prompt, advice_targets
from elicitation.prompts.examples import (
    Example,
    RealShares,
    example_pool,
    form_examples,
    real_examples,
)
from elicitation.prompts.personas import ProbePeople, probe_people
from elicitation.prompts.prompts import Prompt, Shown
from elicitation.prompts.writers import PromptWriter
from elicitation.study.advice import SPOKEN, advice_language, advice_sets
from elicitation.study.conditions import NOBODY, OPPOSITE, OWN_LANGUAGE, Condition, Target
from elicitation.study.methods import ADVICE_MAX_TOKENS
from elicitation.study.study import Study
from elicitation.study.wordings import study_wordings


class Item(NamedTuple):
    """What one call asks: a question, of a target, under a condition."""

    condition: Condition
    question_id: str
    target: Target
    repeat: int = 0
    order: str = ""
    draw: int = 0

    @property
    def item_id(self) -> str:
        """Name of the item: unique in its study."""
        target = self.target
        whose = target.country or "-"
        if target.group:
            whose += f"[{target.group}]"
        if target.participant is not None:
            whose += f"#{target.participant}"
        if self.order:
            whose += f"|{self.order}"
        return f"{self.condition.name}|{self.question_id}|{whose}|{self.repeat}"


class Call(NamedTuple):
    """An item with the request that asks it and what its prompt shows."""

    item: Item
    request: Request
    shown: Shown


class Plan:
    """Every call of a study.

    Args:
        study: a checked study.
        release: the release that it names.

    Iterating gives the same calls in the same order on every machine; `len` needs no prompt.
    """

    def __init__(self, study: Study, release: Release) -> None:
        self.study = study
        self.release = release
        self._writers: dict[str, PromptWriter] = {}
        self.sampling = self._make_sampling()
        self._chat, self._kind = study.chat, study.how.request_kind
        self._terminator = study.terminator
        self._last: tuple[Item, Prompt] | None = None

    def __len__(self) -> int:
        return sum(self.size(condition) for condition in self.conditions)

    def __iter__(self) -> Iterator[Call]:
        for condition in self.conditions:
            yield from self.calls(condition)

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions, in order."""
        return self.study.conditions()

    @cached_property
    def real(self) -> RealShares:
        """Real distributions that few-shot prompts show."""
        return RealShares(
            self.release,
            wave=self.study.wave,
            question_ids=example_pool(),
            weighted=self.study.few_shot_shares == "weighted",
        )

    @cached_property
    def sets(self) -> Mapping[str, DilemmaSet]:
        """The sets of dilemmas, by language."""
        return advice_sets(self.study.dilemma_folders)

    @cached_property
    def wordings(self) -> Mapping[str, Wording]:
        """The wordings that questions are asked in, by language."""
        return study_wordings(self.study.wording_folders)

    def wording(self, condition: Condition, target: Target) -> Wording:
        """The wording of a target's prompts."""
        return self.wordings[self.language(condition, target)]

    @cached_property
    def people(self) -> ProbePeople:
        """The described people."""
        return probe_people(self.release, self.study)

    def size(self, condition: Condition) -> int:
        """Number of calls of a condition."""
        if condition.approach:
            cells = len(self.targets(condition)) * len(self.study.questions)
            return cells * len(ORDERS) * self.study.repeats
        if condition.demographics:
            people = self.people.people
            found = sum(len(people.get(question, ())) for question in self.study.questions)
        else:
            asked = self.study.questions
            shown = [self.example_ids(condition, target) for target in self.targets(condition)]
            found = sum(len(asked) - len(set(asked) & ids) for ids in shown)
        return found * self.study.repeats * len(self._orders)

    @cached_property
    def _orders(self) -> tuple[str, ...]:
        """Orders of the answers in which every question is asked."""
        return ("", OPPOSITE) if self.study.orders == 2 else ("",)

    def calls(self, condition: Condition) -> Iterator[Call]:
        """The calls of a condition."""
        for item in self.items(condition):
            yield self.call(item)

    def sampled_calls(self, condition: Condition, *, count: int = 40) -> Iterator[Call]:
        """Some calls of a condition, evenly spread."""
        step = max(self.size(condition) // count, 1)
        return (self.call(item) for item in islice(self.items(condition), 0, None, step))

    def longest_call(self) -> Call:
        """The call with the longest prompt among some of every condition, evenly spread."""
        sampled = (
            call
            for condition in self.conditions
            if self.size(condition)
            for call in self.sampled_calls(condition)
        )
        return max(sampled, key=_prompt_length)

    def items(self, condition: Condition) -> Iterator[Item]:
        """The items of a condition, those that share a long prefix next to each other."""
        repeats = range(self.study.repeats)
        if condition.approach:
            for target, question in product(self.targets(condition), self.study.questions):
                for order, repeat in product(ORDERS, repeats):
                    yield Item(condition, question, target, repeat, order)
            return
        if condition.demographics:
            for number, (question, target) in enumerate(self._rated(condition)):
                for repeat in repeats:
                    yield Item(condition, question, target, repeat, draw=number)
            return
        for question, target in self._pairs(condition):
            for order, repeat in product(self._orders, repeats):
                yield Item(condition, question, target, repeat, order)

    def call(self, item: Item) -> Call:
        """The call that asks an item."""
        prompt = self._repeated_prompt(item)
        text, options = prompt.text, prompt.continuations
        if options and not self._chat:
            options = tuple(f" {option}" for option in options)
        request = Request(
            request_id=item.item_id,
            kind=self._kind,
            messages=(Message("user", text),) if self._chat else (),
            prompt="" if self._chat else text,
            options=options,
            terminator=self._terminator,
            sampling=self.sampling,
            repeat=self._repeat(item),
        )
        return Call(item, request, prompt.shown)

    def _repeated_prompt(self, item: Item) -> Prompt:
        """The prompt of an item; repeats follow each other, and have one and the same."""
        if self._last is not None:
            last, prompt = self._last
            if (
                last.condition is item.condition
                and last.target is item.target
                and last.question_id == item.question_id
                and last.order == item.order
            ):
                return prompt
        prompt = self.prompt(item)
        self._last = (item, prompt)
        return prompt

    def prompt(self, item: Item) -> Prompt:
        """The prompt of an item."""
        language = self.language(item.condition, item.target)
        if item.condition.approach:
            return advice_prompt(
                item.question_id,
                item.condition,
                item.target,
                texts=self.sets[language],
                order=item.order,
                kind=self._kind,
            )
        examples = self.examples(item.condition, item.target)
        return self._writer(language).prompt(
            item.question_id,
            item.target,
            item.condition,
            examples,
            opposite=item.order == OPPOSITE,
        )

    def language(self, condition: Condition, target: Target) -> str:
        """Language of a target's prompts."""
        if condition.approach in SPOKEN:
            return advice_language(target.country)
        if condition.language != OWN_LANGUAGE:
            return condition.language
        return own_language(target.country, self.wordings)

    def examples(self, condition: Condition, target: Target) -> tuple[Example, ...]:
        """Examples that a target's prompts show."""
        if condition.approach or self.study.how.reader != "shares":
            return ()
        variant = condition.variant
        if condition.steering != "few-shot":
            return self._form_examples(variant.example_count, variant.example_seed)
        return self._real_examples(target.country, target.group, variant.example_count)

    def example_ids(self, condition: Condition, target: Target) -> frozenset[str]:
        """Questions whose answers a target's prompts show; these are not asked there."""
        return frozenset(e.question_id for e in self.examples(condition, target))

    def shown_questions(self, condition: Condition) -> tuple[str, ...]:
        """Questions that any prompt of a condition shows answers to, sorted."""
        if condition.demographics or condition.approach:
            return ()
        found = {q for t in self.targets(condition) for q in self.example_ids(condition, t)}
        return tuple(key for key in example_pool() if key in found)

    def targets(self, condition: Condition) -> tuple[Target, ...]:
        """Whose answers a condition asks for."""
        if condition.approach:
            return advice_targets(condition, self.study.countries)
        steered = condition.steering != "none" or condition.language == OWN_LANGUAGE
        if not steered:
            return (NOBODY,)
        return tuple(
            Target(country, group)
            for country in self.study.countries
            for group in self.study.groups
        )

    @property
    def predictions_kind(self) -> PredictionsKind:
        """What the predictions of the study are."""
        spec = protocol_spec(self.study.protocol)
        return spec.kind if spec.dilemmas else self.study.how.predictions_kind

    def decoding(self) -> dict[str, Any]:
        """How replies are drawn (or options ended), for provenance."""
        if self.study.how.request_kind != "generate":
            return {
                "terminator": self.study.terminator,
                "orders": self.study.orders,
                "min_label_mass": self.study.min_label_mass,
            }
        sampling = asdict(self.sampling)
        return {**sampling, "stop": list(self.sampling.stop), "repeats": self.study.repeats}

    def _pairs(self, condition: Condition) -> Iterator[tuple[str, Target]]:
        targets = [(t, self.example_ids(condition, t)) for t in self.targets(condition)]
        if self.study.how.question_first:
            for question in self.study.questions:
                yield from ((question, target) for target, _ in targets)
            return
        for target, shown in targets:
            yield from ((q, target) for q in self.study.questions if q not in shown)

    def _rated(self, condition: Condition) -> Iterator[tuple[str, Target]]:
        targets = self.people.targets[condition.language]
        for question in self.study.questions:
            for index in self.people.people.get(question, ()):
                yield question, targets[index]

    def _writer(self, language: str) -> PromptWriter:
        if language not in self._writers:
            self._writers[language] = PromptWriter(self.study, self.wordings[language])
        return self._writers[language]

    def _form_examples(self, count: int, seed: int) -> tuple[Example, ...]:
        key = (count, seed)
        if key not in self._form_cache:
            self._form_cache[key] = form_examples(count=count, seed=self.study.seed + seed)
        return self._form_cache[key]

    def _real_examples(self, country: str, group: str, count: int) -> tuple[Example, ...]:
        key = (country, group, count)
        if key not in self._real_cache:
            found = real_examples(self.real, country=country, group=group, count=count)
            self._real_cache[key] = found
        return self._real_cache[key]

    @cached_property
    def _form_cache(self) -> dict[tuple[int, int], tuple[Example, ...]]:
        return {}

    @cached_property
    def _real_cache(self) -> dict[tuple[str, str, int], tuple[Example, ...]]:
        return {}

    def _make_sampling(self) -> Sampling:
        own = self.study.how.sampling
        given = self.study.temperature
        advice = self.study.asks_dilemmas
        most = ADVICE_MAX_TOKENS if advice else own.max_tokens
        return Sampling(
            max_tokens=self.study.max_tokens or most,
            temperature=own.temperature if given is None else given,
            seed=self.study.seed,
            stop=() if self.study.chat else ("\n\n",) if advice else self.study.how.stop,
        )

    def _repeat(self, item: Item) -> int:
        """Number that tells draws of one and the same prompt apart.

        Two people alike have the same prompt: where replies are drawn at random, each gets a
        draw of their own, else they share one.
        """
        if self.sampling.temperature == 0 or not item.condition.demographics:
            return item.repeat
        return item.draw * self.study.repeats + item.repeat


def _prompt_length(call: Call) -> int:
    request = call.request
    return len(request.prompt) + sum(len(message.content) for message in request.messages)


def own_language(country: str, spoken_here: Collection[str] | None = None) -> str:
    """The language in which a country is asked: the first of its questionnaires that there is a
    wording in.

    Raises:
        ContractError: there is none.
    """
    spoken = countries()[country].questionnaire_languages
    known = languages() if spoken_here is None else tuple(spoken_here)
    found = next((language for language in spoken if language in known), None)
    if found is None:
        raise fail(
            "no-own-language",
            f"there is no wording in a language of {country}",
            column="--languages",
            found=", ".join(spoken) or "none",
            allowed=", ".join(known),
            hint="Leave the country out, or add a wording.",
        )
    return found


__all__ = ["Call", "Item", "Plan", "own_language"]
