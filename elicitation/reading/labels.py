"""Which answer a key or a phrase means: a label, an option's text, or both."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from elicitation.reading.answer import Option
from elicitation.reading.normalise import normalise


class LabelError(ValueError):
    """A label with the text of another option."""


_LABEL_WORDS = (
    r"(?:option|answer|choice|label|number|category|code|opción|opcion|opção|respuesta|resposta|"
    r"antwort|réponse|reponse|ответ|вариант|选项|選択肢|선택지|보기|lựa chọn|pilihan|seçenek)"
)
_PLAIN = re.compile(
    rf"^[\s\"'*_(\[]*(?:{_LABEL_WORDS}\s*[_#-]?\s*)?(?P<label>[^\W_]{{1,3}})[\"'*_]*"
    r"(?:\s*[.):|\]]+|\s+-+|\s*$|(?=\s+[^\W\d])|\s*\()\s*(?P<rest>.*?)[\s\"'*_.)\]]*$",
    re.IGNORECASE | re.DOTALL,
)


def plain(text: str) -> str:
    """A text for comparison: normalised, folded, without punctuation or doubled spaces."""
    folded = unicodedata.normalize("NFKC", normalise(text)).casefold()
    return _PUNCTUATION.sub(" ", folded).strip()


_PUNCTUATION = re.compile(r"(?:[^\w%]|_)+")


#: A number with a sign is no label; a dash with a space behind it is a bullet.
_NEGATIVE = re.compile(r"[\s\"'*_(\[]*-\d")


#: Bounds and several labels at once are no label: `<3`, `3+`, `1/2`, `1 & 2`, `!3`.
_BOUND = re.compile(r"[<>≤≥±+¬!≠]|\d\s*[-/&+]\s*\d")


@lru_cache(maxsize=4096)
def _by_text(options: tuple[Option, ...]) -> dict[str, str]:
    texts = [plain(option.text) for option in options]
    return {
        text: option.label
        for text, option in zip(texts, options, strict=True)
        if text and texts.count(text) == 1
    }


def label_of(key: str, options: Sequence[Option]) -> str | None:
    """The label that a key means; None where it means none on offer.

    A key is a label (`1`, `(A)`, `Option 2`), an option's text, or both (`1. Very important`).

    Raises:
        LabelError: a label stands with the text of another option.
    """
    offered = tuple(options)
    if _NEGATIVE.match(normalise(key)):
        return None
    if _BOUND.search(normalise(key)) and not any(key.strip() == o.text for o in offered):
        return None
    labels = {option.label.casefold(): option.label for option in offered}
    texts = _by_text(offered)
    whole = plain(key)
    if whole in labels:
        return labels[whole]
    if whole in texts:
        return texts[whole]
    match = _PLAIN.match(normalise(key))
    if match is None:
        return None
    label = labels.get(match["label"].casefold())
    rest = plain(match["rest"])
    if label is None or not rest:
        return label
    meant = texts.get(rest)
    if meant == label:
        return label
    if meant is not None:
        raise LabelError
    own = next(plain(option.text) for option in offered if option.label == label)
    return label if rest in own or own in rest else None
