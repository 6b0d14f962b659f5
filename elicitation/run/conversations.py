"""Conversations with synthetic respondents: what each has answered so far, from the store."""

from __future__ import annotations

from elicitation.prompts.plan import Item, Plan, Turn
from elicitation.run.gather import best_answer, chosen_option
from elicitation.run.store import Store


class Conversations:
    """The answered questions of every conversation of a plan.

    A reply enters as the label that was read from it. One that could not be read, or was a
    refusal, is no turn: the person gave no answer.

    Args:
        plan: the plan.
        store: the answers.
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        self._plan = plan
        self._store = store
        self._round = 0
        self._turns: dict[tuple[str, str], tuple[Turn, ...]] = {}
        self._asked: dict[tuple[str, str], int] = {}

    def begin_round(self, number: int) -> None:
        """Read what the rounds before a round have answered; rounds begin in their order."""
        while self._round < number:
            self._read(self._plan.study.questions[self._round])
            self._round += 1

    def turns(self, item: Item) -> tuple[Turn, ...] | None:
        """What an item's person has answered; None where an earlier call has no reply yet."""
        key = (item.condition.name, item.target.person_id)
        if self._asked.get(key, 0) < self._round:
            return None
        return self._turns.get(key, ())

    def _read(self, question: str) -> None:
        study = self._plan.study
        for condition in self._plan.conditions:
            name = condition.name
            for stored in self._store.items(name, begin=f"{name}|{question}|"):
                key = (name, str(stored.record.spec["person"]))
                self._asked[key] = self._asked.get(key, 0) + 1
                answer, _ = best_answer(stored, min_mass=study.min_label_mass)
                chosen = chosen_option(stored.record, answer, seed=study.seed)
                if chosen is not None:
                    turn = Turn(question, chosen.label)
                    self._turns[key] = (*self._turns.get(key, ()), turn)
