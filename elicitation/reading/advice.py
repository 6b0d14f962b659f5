"""Which of two options a piece of advice recommends, by an explicit match of their words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from elicitation.reading.answer import Answer, Option, invalid
from elicitation.reading.labels import plain
from elicitation.reading.normalise import normalise, strip_thinking
from elicitation.reading.refusals import is_refusal

#: What turns a mention into its contrary, close before it (or, for some, behind it).
_REJECTED = re.compile(
    r"(?:\b(?:not|never|don t|do not|shouldn t|should not|wouldn t|would not|rather than|"
    r"instead of|over|against|than to|than|avoid|nicht|statt|anstatt|no|en lugar de|en vez de|"
    r"plutôt que|au lieu de|вместо|не)\s+(?:\w+\s+){0,2})$"
)
#: A sentence with one of these recommends.
_RECOMMENDING = re.compile(
    r"\b(?:recommend|suggest|advise|advice|should|would|choose|go with|opt|pick|better|best|side|"
    r"answer|my choice|lean|do)\b"
)
_SENTENCE = re.compile(r"(?<=[.!?。！？।\n])\s*")
#: Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana, Chinese characters.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"[^\W_]+")
_FILLER_LIST = """a an the and or to of in on at by for with as is be it its your you his her their
him them he she they our us we that this these those out up so because from into about"""
_FILLERS = frozenset(_FILLER_LIST.split())
#: Who asks says "my", who answers says "your".
_ADDRESSED = {"i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself"}
#: Share of an option's own words that a sentence must hold to mean it.
_OWN_WORDS = 0.6


class _Mentions(NamedTuple):
    """How often each of two options is recommended."""

    first: int
    second: int


def read_advice(text: str, options: Sequence[Option], *, cut_off: bool = False) -> Answer:
    """The option that a piece of advice recommends.

    An option counts where its words stand, letter case and punctuation aside, and no word right
    before rejects it (not, rather than, ...). If whole phrases decide nothing, the sentences
    that recommend are searched for most of the words that only one option has. Advice that
    names both, or neither, takes no side: `invalid`, which predictions call inconclusive.

    Args:
        text: the advice.
        options: the two options, by label `1` and `2` in the order shown.
        cut_off: whether it ended for lack of tokens; a side taken before that counts.
    """
    visible = strip_thinking(text)
    if visible.unclosed:
        return Answer("truncated", notes=("unclosed-thinking",))
    reply_text = normalise(visible.text)
    if _addressed(reply_text) in {_addressed(option.text) for option in options}:
        return _taken(_addressed(reply_text) == _addressed(options[0].text), options, status="ok")
    for note, count in (("phrase", _phrases), ("own-words", _own_words)):
        mention_counts = count(reply_text, options)
        if (mention_counts.first > 0) != (mention_counts.second > 0):
            return _taken(mention_counts.first > 0, options, note)
        if mention_counts.first and mention_counts.second:
            return invalid("both-sides")
    if is_refusal(reply_text):
        return Answer("refused")
    if cut_off:
        return Answer("truncated")
    return invalid("no-side")


def _addressed(text: str) -> str:
    """A text for comparison, its first person as the second."""
    return " ".join(_ADDRESSED.get(word, word) for word in plain(text).split())


def _taken(first: bool, options: Sequence[Option], *notes: str, status: str = "repaired") -> Answer:
    shares = {options[0].label: float(first), options[1].label: float(not first)}
    return Answer(status, shares, sum_found=1.0, notes=notes)  # type: ignore[arg-type]


def _phrases(reply_text: str, options: Sequence[Option]) -> _Mentions:
    body = _addressed(reply_text)
    return _Mentions(*(_accepted(body, _addressed(option.text)) for option in options))


def _accepted(body: str, phrase: str) -> int:
    if not phrase:
        return 0
    accepted_count = 0
    spoken = re.escape(phrase)
    if not _UNSPACED.search(phrase):
        spoken = rf"(?<!\w){spoken}(?!\w)"
    for match in re.finditer(spoken, body):
        if not _REJECTED.search(body[max(0, match.start() - 60) : match.start()]):
            accepted_count += 1
    return accepted_count


def _own_words(reply_text: str, options: Sequence[Option]) -> _Mentions:
    words = [set(_WORD.findall(_addressed(option.text))) - _FILLERS for option in options]
    own = [words[0] - words[1], words[1] - words[0]]
    counts = [0, 0]
    for sentence in _SENTENCE.split(reply_text):
        body = _addressed(sentence)
        if not _RECOMMENDING.search(body):
            continue
        spoken = _content_words(body)
        held = [len(own[i] & spoken) / len(own[i]) if own[i] else 0.0 for i in (0, 1)]
        for i in (0, 1):
            if held[i] >= _OWN_WORDS and held[1 - i] < _OWN_WORDS / 2:
                counts[i] += 1
    return _Mentions(*counts)


def _content_words(body: str) -> set[str]:
    """Words of a sentence, without what follows a word of rejection."""
    segments = re.split(r"\b(?:rather than|instead of|not|don t|shouldn t)\b", body)
    return set(_WORD.findall(segments[0]))
