"""Parameters that a server does not take: renamed or left out for the rest of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

#: The two names of the field that bounds a reply.
MOST_TOKENS = ("max_tokens", "max_completion_tokens")

#: Fields without which a call still asks the same question; what is left out is noted.
DROPPABLE = ("temperature", "top_p", "seed", "stop")

#: Statuses by which servers refuse a parameter.
REFUSING = (400, 422)

#: What servers say of a parameter that they do not take, whatever its value would be.
_UNTAKEN = re.compile(
    r"unsupported|not (?:be )?support|does(?: not|n't) support|unrecogni[sz]ed|unknown|unexpected|"
    r"extra|not permitted|not allowed|deprecated|forbidden|only the default|invalid param",
    re.IGNORECASE,
)

#: What they say of a value that is too large or too small: another name would not help.
_BOUNDS = re.compile(
    r"too (?:large|long|small|high)|context length|exceed|at least|at most|less than|greater than|"
    r"output limit",
    re.IGNORECASE,
)


class Parameters:
    """What a server takes, learned from its refusals.

    Args:
        most_tokens: name of the field that bounds a chat's reply, as far as known beforehand.
    """

    def __init__(self, most_tokens: str = MOST_TOKENS[0]) -> None:
        self._first = self.most_tokens = most_tokens
        self._names_tried = {most_tokens}
        self.dropped: dict[str, None] = {}

    def applied(self, body: Mapping[str, Any], *, is_chat: bool) -> dict[str, Any]:
        """A request's body as this server takes it."""
        fields = {name: content for name, content in body.items() if name not in self.dropped}
        if is_chat:
            for name in MOST_TOKENS:
                if name in fields and name != self.most_tokens:
                    fields[self.most_tokens] = fields.pop(name)
        return fields

    def learn(self, status: int, text: str, sent: Mapping[str, Any]) -> bool:
        """Learn from a refusal; whether the call is worth another try.

        Args:
            status: HTTP status.
            text: body of the answer.
            sent: body of the request.
        """
        if status not in REFUSING:
            return False
        named = set(_named(text))
        untaken = bool(_UNTAKEN.search(text))
        if not untaken and _BOUNDS.search(text):
            return False
        for name in MOST_TOKENS:
            if name in sent and name in named and self._rename(name):
                return True
        given = [name for name in DROPPABLE if name in sent and name in named]
        self.dropped |= dict.fromkeys(given)
        return bool(given)

    def _rename(self, refused: str) -> bool:
        """Take the other name where the refused one is in use; True where a try is worthwhile."""
        if refused != self.most_tokens:
            return True  # a call that was under way when another one learned it
        other = next(name for name in MOST_TOKENS if name != refused)
        if other in self._names_tried:
            return False
        self._names_tried.add(other)
        self.most_tokens = other
        return True

    def facts(self) -> dict[str, Any]:
        """What differs from what was asked for; nothing where the server took everything."""
        deviations: dict[str, Any] = {}
        if self.most_tokens != self._first:
            deviations["max_tokens"] = self.most_tokens
        if self.dropped:
            deviations["dropped"] = sorted(self.dropped)
        return deviations


def _named(text: str) -> Iterator[str]:
    """Parameters that a refusal names: in `param`, in the place of a wrong field, or in words."""
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    places = list(_places(answer))
    known = (*MOST_TOKENS, *DROPPABLE)
    exact = [name for name in known if name in places]
    if exact:
        yield from exact
        return
    yield from (name for name in known if re.search(rf"(?<![\w.]){name}(?![\w])", text))


def _places(answer: Any) -> Iterator[str]:
    """Contents of `param` and the last parts of `loc`, wherever they stand."""
    if isinstance(answer, Mapping):
        if isinstance(answer.get("param"), str):
            yield answer["param"].rpartition(".")[2]
        place = answer.get("loc")
        if isinstance(place, list) and place:
            yield str(place[-1])
        for inner in answer.values():
            yield from _places(inner)
    elif isinstance(answer, list):
        for inner in answer:
            yield from _places(inner)
