"""The plan of a study: every call, in a fixed order, made only when it is looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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
from elicitation.persons.draw import draw_personas
from elicitation.prompts.advice import ORDERS, advice_prompt, advice_targets
from elicitation.prompts.examples import (
    Example,
    RealShares,
    example_pool,
    form_examples,
    real_examples,
)
from elicitation.prompts.personas import ProbePeople, probe_people
from elicitation.prompts.prompts import BLOCK_SEPARATOR, Prompt, Shown
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
        if target.person_id:
            whose += f"@{target.person_id}"
        if self.order:
            whose += f"|{self.order}"
        return f"{self.condition.name}|{self.question_id}|{whose}|{self.repeat}"


class Call(NamedTuple):
    """An item with the request that asks it and what its prompt shows."""

    item: Item
    request: Request
    shown: Shown


class Turn(NamedTuple):
    """A question of a conversation that was answered.

    Attributes:
        question_id: the question.
        label: label of the answer, as the prompt showed it.
    """

    question_id: str
    label: str


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

    def personas(self, condition: Condition) -> tuple[Target, ...]:
        """The synthetic respondents of a condition."""
        if condition.language not in self._personas:
            languages = {c: self.language(condition, Target(c)) for c in self.study.countries}
            drawn = draw_personas(self.release, self.study, languages)
            synthetic_targets = tuple(target for targets in drawn.values() for target in targets)
            self._personas[condition.language] = synthetic_targets
        return self._personas[condition.language]

    @property
    def rounds(self) -> int:
        """Rounds in which the calls of a conversation are made, each after the answers to the one
        before: a round for every question. Without conversation all calls are one round."""
        return len(self.study.questions) if self.study.conversation else 1

    def size(self, condition: Condition) -> int:
        """Number of calls of a condition."""
        if self.study.personas:
            return len(self.study.countries) * self.study.persons * len(self.study.questions)
        if condition.approach:
            cells = len(self.targets(condition)) * len(self.study.questions)
            return cells * len(ORDERS) * self.study.repeats
        if condition.demographics:
            people = self.people.people
            prompt_count = sum(len(people.get(question, ())) for question in self.study.questions)
        else:
            asked = self.study.questions
            shown = [self.example_ids(condition, target) for target in self.targets(condition)]
            prompt_count = sum(len(asked) - len(set(asked) & ids) for ids in shown)
        return prompt_count * self.study.repeats * len(self._orders)

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
        if self.study.personas:
            yield from self._of_persons(condition)
            return
        first = (condition.variant.repeat - 1) * self.study.repeats
        repeats = range(first, first + self.study.repeats)
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

    def round_items(self, number: int) -> Iterator[tuple[int, Item]]:
        """The items of a round (from 0), each with a number that shards go by: in a conversation
        that of the person, so that a shard asks all of a conversation."""
        if not self.study.conversation:
            items = (item for condition in self.conditions for item in self.items(condition))
            yield from enumerate(items)
            return
        question = self.study.questions[number]
        for condition in self.conditions:
            for person, target in enumerate(self.personas(condition)):
                yield person, Item(condition, question, target, draw=person)

    def sharded_size(self, shard: tuple[int, int]) -> int:
        """Number of calls of the k-th of n shards."""
        first, step = shard
        if not self.study.conversation:
            return len(range(first - 1, len(self), step))
        persons = len(self.study.countries) * self.study.persons
        own = len(range(first - 1, persons, step))
        return own * len(self.study.questions) * len(self.conditions)

    def call(self, item: Item, turns: Sequence[Turn] | None = None) -> Call:
        """The call that asks an item.

        Args:
            item: the item.
            turns: in a conversation, what was answered before; None makes answers up, for
                estimates.
        """
        if self.study.conversation:
            made_up = turns is None
            return self._next_turn(item, self._made_up_turns(item) if made_up else turns or ())
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

    def _next_turn(self, item: Item, turns: Sequence[Turn]) -> Call:
        """The next question of a conversation, behind the questions and answers before it."""
        prompt = self.prompt(item)
        asked = [self.prompt(item._replace(question_id=turn.question_id)).tail for turn in turns]
        questions = [*asked, prompt.tail]
        questions[0] = f"{prompt.head}{BLOCK_SEPARATOR}{questions[0]}"
        answers = [turn.label for turn in turns]
        messages: list[Message] = []
        text = ""
        if self._chat:
            for question, answer in zip(questions, answers, strict=False):
                messages += [Message("user", question), Message("assistant", answer)]
            messages.append(Message("user", questions[-1]))
        else:
            pairs = zip(questions, answers, strict=False)
            spoken = [f"{question} {answer}" for question, answer in pairs]
            text = BLOCK_SEPARATOR.join([*spoken, questions[-1]])
        options = prompt.continuations
        request = Request(
            request_id=item.item_id,
            kind=self._kind,
            messages=tuple(messages),
            prompt=text,
            options=options if self._chat else tuple(f" {option}" for option in options),
            terminator=self._terminator,
            sampling=self.sampling,
            repeat=self._repeat(item),
        )
        return Call(item, request, prompt.shown)

    def _made_up_turns(self, item: Item) -> tuple[Turn, ...]:
        questions = self.study.questions
        before = questions[: questions.index(item.question_id)]
        shown = (self.prompt(item._replace(question_id=name)).shown for name in before)
        return tuple(
            Turn(name, one.options[0].label) for name, one in zip(before, shown, strict=True)
        )

    def _of_persons(self, condition: Condition) -> Iterator[Item]:
        """Every question to every person: round by round in a conversation, else person by person,
        whose prompts begin alike."""
        people = list(enumerate(self.personas(condition)))
        run = condition.variant.repeat - 1
        if self.study.conversation:
            for question, (number, target) in product(self.study.questions, people):
                yield Item(condition, question, target, run, draw=number)
            return
        for (number, target), question in product(people, self.study.questions):
            yield Item(condition, question, target, run, draw=number)

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
        shown_ids = {q for t in self.targets(condition) for q in self.example_ids(condition, t)}
        return tuple(key for key in example_pool() if key in shown_ids)

    def targets(self, condition: Condition) -> tuple[Target, ...]:
        """Whose answers a condition asks for."""
        if condition.approach:
            return advice_targets(condition, self.study.countries)
        if self.study.personas:
            return self.personas(condition)
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
        own = spec.dilemmas or self.study.personas
        return spec.kind if own else self.study.how.predictions_kind

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
            examples = real_examples(self.real, country=country, group=group, count=count)
            self._real_cache[key] = examples
        return self._real_cache[key]

    @cached_property
    def _personas(self) -> dict[str, tuple[Target, ...]]:
        return {}

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
        draw of their own, else they share one. A second run of the form (repeat=2) has others.
        """
        drawn = self.sampling.temperature > 0 and (
            item.condition.demographics if not self.study.personas else self._kind == "generate"
        )
        if not drawn:
            return item.repeat
        run, repeat = divmod(item.repeat, self.study.repeats)
        return run * _DRAWS + item.draw * self.study.repeats + repeat


#: More draws than one run of a study has, so that those of a second run are others.
_DRAWS = 10**9


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
    questionnaire_language = next((language for language in spoken if language in known), None)
    if questionnaire_language is None:
        raise fail(
            "no-own-language",
            f"there is no wording in a language of {country}",
            column="--languages",
            found=", ".join(spoken) or "none",
            allowed=", ".join(known),
            hint="Leave the country out, or add a wording.",
        )
    return questionnaire_language


__all__ = ["Call", "Item", "Plan", "Turn", "own_language"]
