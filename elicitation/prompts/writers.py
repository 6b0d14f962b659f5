"""Which pieces make the prompt of a method; heads and tails are made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from codebook.render.question import RenderedQuestion
from codebook.wordings.wording import Wording
from elicitation.prompts import prompts
from elicitation.prompts.examples import Example
from elicitation.prompts.persona_texts import persona_text
from elicitation.prompts.prompts import Prompt, Shown, shown_question
from elicitation.study.conditions import Condition, Target
from elicitation.study.methods import SEQUENCE_LENGTH
from elicitation.study.study import Study

#: Most tails that are kept; a study has one for each condition and question.
_CACHE_SIZE = 4096


class PromptWriter:
    """Writes the prompts of a study in one language."""

    def __init__(self, study: Study, texts: Wording) -> None:
        self._study = study
        self._texts = texts
        self._cached: dict[Any, Any] = {}
        self._last_head: tuple[Condition | None, Target | None, str] = (None, None, "")

    def prompt(
        self,
        question_id: str,
        target: Target,
        condition: Condition,
        examples: Sequence[Example],
        *,
        opposite: bool = False,
    ) -> Prompt:
        """The prompt that asks a question of a target under a condition.

        Args:
            question_id: the question.
            target: whose answer is wanted.
            condition: form, steering and language.
            examples: what the prompt shows of other questions.
            opposite: whether the answers stand in the opposite order; for scored answers only.
        """
        if self._study.how.question_first:
            return self._question_first(question_id, target, condition, opposite=opposite)
        # Calls that share a head come one after the other: the last head is enough.
        last_condition, last_target, head = self._last_head
        if last_condition is not condition or last_target is not target:
            head = self._preface(target, condition) + self._head(target, condition, examples)
            self._last_head = (condition, target, head)
        tail, shown, scored_labels = self._keep(
            (condition.name, question_id, bool(target.person), opposite),
            lambda: self._tail(question_id, target, condition, opposite=opposite),
        )
        return Prompt(head, tail, shown, scored_labels)

    def _keep(self, key: Any, make: Callable[[], Any]) -> Any:
        cached = self._cached.get(key)
        if cached is None:
            if len(self._cached) >= _CACHE_SIZE:
                self._cached.clear()
            cached = self._cached[key] = make()
        return cached

    def _head(self, target: Target, condition: Condition, examples: Sequence[Example]) -> str:
        method, texts = self._study.how, self._texts
        labels = prompts.option_list_labels(method, condition.variant)
        whom = self._named(target, condition)
        if method.reader == "shares":
            real = condition.steering == "few-shot"
            return prompts.verbalized_head(texts, whom, examples, real=real, labels=labels)
        if method.reader == "rating":
            return prompts.rating_head(texts, whom)
        if method.reader == "sequence":
            return prompts.sequence_head(texts, whom)
        forced = method.name == "forced_choice"
        return prompts.choice_head(texts, whom, labels=labels, forced=forced)

    def _tail(
        self, question_id: str, target: Target, condition: Condition, *, opposite: bool
    ) -> tuple[str, Shown, tuple[str, ...]]:
        method, texts = self._study.how, self._texts
        if method.reader == "rating":
            question = self._rendered(question_id, condition, form="rating")
            tail = prompts.rating_tail(texts, target, question)
            return tail, prompts.rating_shown(question), ()
        question = self._rendered(question_id, condition, opposite=opposite)
        if method.reader == "shares":
            tail = prompts.verbalized_tail(texts, question)
        else:
            tail = prompts.choice_tail(texts, question)
        wanted = SEQUENCE_LENGTH if method.reader == "sequence" else 0
        labels = tuple(option.label for option in question.options)
        scored_labels = labels if method.request_kind == "score_labels" else ()
        return tail, shown_question(question, method.reader, wanted=wanted), scored_labels

    def _question_first(
        self, question_id: str, target: Target, condition: Condition, *, opposite: bool
    ) -> Prompt:
        question = self._rendered(question_id, condition, opposite=opposite)
        labels = prompts.option_list_labels(self._study.how, condition.variant)
        whom = self._named(target, condition)
        text = prompts.judgments_prompt(self._texts, whom, question, labels=labels)
        text = self._preface(target, condition) + text
        shown = shown_question(question, self._study.how.reader)
        return Prompt("", text, shown, tuple(option.text for option in question.options))

    def _preface(self, target: Target, condition: Condition) -> str:
        """What another persona text puts before a prompt."""
        whom = self._named(target, condition)
        persona = persona_text(self._texts, whom, condition.variant.persona)
        return f"{persona}{prompts.BLOCK_SEPARATOR}" if persona else ""

    def _named(self, target: Target, condition: Condition) -> Target:
        """The target as far as the prompt may name it: without steering it names none."""
        steered = condition.steering != "none" or condition.demographics
        return target if steered else Target()

    def _rendered(
        self,
        question_id: str,
        condition: Condition,
        *,
        form: str = "options",
        opposite: bool = False,
    ) -> RenderedQuestion:
        labels = prompts.option_list_labels(self._study.how, condition.variant)
        variant, seed = condition.variant._replace(opposite=opposite), self._study.seed
        return prompts.rendered(question_id, self._texts, form, variant, labels, seed)
