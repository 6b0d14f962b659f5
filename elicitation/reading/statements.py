"""A reply's words as tokens: options that it names, numbers that it states."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from elicitation.reading.answer import Option
from elicitation.reading.labels import LabelError, label_of, plain
from elicitation.reading.normalise import normalise
from elicitation.reading.numbers import NUMBER, PERCENT_AFTER, PERCENT_BEFORE

#: A letter or digit of a script that writes spaces between its words.
SPACED = (
    r"[^\W_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af"
    r"\uf900-\ufaff]"
)
_UNSPACED_TEXT = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
_KEY_WORDS = (
    r"(?:option|answer|choice|code|label|category|P|p|opci[oó]n|opção|respuesta|resposta|antwort|"
    r"réponse|ответ|вариант|选项|選択肢|선택지|보기|lựa chọn|pilihan|seçenek|گزینه|الخيار|ข้อ|विकल्प)"
)
_ABOUT = r"(?:(?:~|about|around|roughly|approximately|circa|etwa|environ)\s*)?"

Kind = Literal["option", "share", "number", "trouble"]


class Token(NamedTuple):
    """A piece of a reply.

    Attributes:
        kind: an option named; a number marked as a percentage; a bare number; or what no
            reading survives: a range, a bound, options taken together.
        text: what is written: the label, the number, or a short word for the trouble.
        start: where it begins.
        end: where it ends.
        about: whether a number is called approximate.
    """

    kind: Kind
    text: str
    start: int
    end: int
    about: bool = False


def tokens(text: str, options: Sequence[Option]) -> Iterator[Token]:
    """Options and numbers that a normalised text names, in order.

    Raises:
        LabelError: a label stands with the text of another option.
    """
    offered = tuple(options)
    for match in _master(offered).finditer(text):
        kind = str(match.lastgroup)
        start, end = match.span()
        if kind == "trouble":
            yield Token("trouble", "range", start, end)
        elif kind == "group":
            yield Token("trouble", "grouped-options", start, end)
        elif kind in ("marked", "first"):
            number = re.search(NUMBER, match.group())
            about = bool(re.match(r"\D*(?:~|[a-z])", match.group(), re.IGNORECASE))
            yield Token("share", number.group(), start, end, about)  # type: ignore[union-attr]
        elif kind == "bare":
            yield Token("number", match.group(), start, end)
        else:
            written = match.group()
            label = _label(written if kind == "named" else _LAST_WORD.findall(written)[-1], offered)
            if label is not None:
                yield Token("option", label, start, end)


def _label(written: str, options: tuple[Option, ...]) -> str | None:
    swapped = _swapped(options).get(plain(written))
    if swapped is not None:
        return swapped
    behind = _TEXT_LABEL.fullmatch(written)
    if behind is not None:
        label, text = label_of(behind["label"], options), label_of(behind["text"], options)
        if text is not None and label is not None:
            if label != text:
                raise LabelError
            return label
    return label_of(written, options)


_LAST_WORD = re.compile(r"[^\W_]+")
_TEXT_LABEL = re.compile(r"(?P<text>.*?)[\s\"'*_]*\(\s*(?P<label>[^\W_]{1,3})\s*\)", re.DOTALL)


@lru_cache(maxsize=512)
def _swapped(options: tuple[Option, ...]) -> dict[str, str]:
    """Texts of two words the other way round (`agree strongly`), as far as no option is that."""
    texts = {plain(option.text): option.label for option in options}
    turned: dict[str, str] = {}
    for text, label in texts.items():
        words = text.split()
        if len(words) == 2 and f"{words[1]} {words[0]}" not in texts:
            turned[f"{words[1]} {words[0]}"] = label
    return turned


@lru_cache(maxsize=512)
def _master(options: tuple[Option, ...]) -> re.Pattern[str]:
    labels = "|".join(re.escape(o.label) for o in sorted(options, key=lambda o: -len(o.label)))
    label = rf"(?<!{SPACED})(?<![.,%+-])(?:{labels})(?!{SPACED})"
    percent = rf"\s*(?:{PERCENT_AFTER})"
    bounded = rf"(?:(?<![-=])[<>]=?|≥|≤|±|\+/-)\s*{NUMBER}|{NUMBER}\s*\+(?!\s*\d)"
    join = r"(?:-|to|bis|through|~|/|&|\+|and|or|und|oder|o|y|et|ou|до|и|から|至|到|або|або)"
    group = (
        rf"(?<!{SPACED})(?<![.,])(?:{labels})\s*{join}\s*(?:{labels})(?=[\s\"'*_)\]]*(?:[:=|]|->))"
    )
    spread = rf"(?<![\w.]){NUMBER}\s*%?\s*(?:-|to|bis|~|до|or)\s*{NUMBER}{percent}"
    structural = (
        rf"(?:{_KEY_WORDS}[\s_#(\"'*-]*)(?:{labels})(?![\d.,]\d)(?!{SPACED})\)?"
        rf"|(?<!{SPACED})(?<![.%+-])(?:{labels})(?!{SPACED})(?!\s*[.,]\d)(?=[\s\"'*_)\]]*(?:[:=]|->))"
        rf"|^[ >#*_|(\"'-]*{label}(?=[\s\"'*_.)\]]*\|)"
        rf"|^[ >#*_(\"'-]*{label}(?=[.):\]*_\"']*\s*(?:[:=-]\s*)?{_ABOUT}(?:{NUMBER})"
        rf"(?:{percent})?[ .;,*_]*$)"
    )
    named = "|".join(_texts(options, label)) or r"(?!)"
    return re.compile(
        rf"(?P<group>{group})|(?P<trouble>{spread}|{bounded})|(?P<named>{named})"
        rf"|(?P<first>(?:{PERCENT_BEFORE})\s*{NUMBER})"
        rf"|(?P<marked>{_ABOUT}(?<![\w.]){NUMBER}{percent})"
        rf"|(?P<label>{structural})"
        rf"|(?P<bare>(?<!{SPACED})(?<![.,]){NUMBER}(?!{SPACED})(?!\.\d|,\d++(?!\s*[:=])))",
        re.IGNORECASE | re.MULTILINE,
    )


def _texts(options: tuple[Option, ...], label: str) -> list[str]:
    """What names an option by its text, longest first, with or without its label."""
    turned = list(_swapped(options))
    listed = [option.text for option in options if has_text(option)]
    patterns = []
    for text in sorted([*listed, *turned], key=len, reverse=True):
        words = r"[\s_]+".join(re.escape(word) for word in normalise(text).split())
        before = "" if _UNSPACED_TEXT.match(text) else rf"(?<!{SPACED})"
        after = "" if _UNSPACED_TEXT.match(text[-1:]) else rf"(?!{SPACED})"
        core = rf"{before}{words}{after}(?:[\s\"'*_]*\(\s*(?:{label})\s*\))?"
        patterns.append(rf"{label}[\s.):|=\"'*_\]-]{{1,6}}\(?{core}")
        patterns.append(core)
    return patterns


@lru_cache(maxsize=512)
def option_texts(options: tuple[Option, ...]) -> dict[str, str]:
    """Label by every text that names an option by itself, words in either order, as written in
    lower case."""
    labels_by_text = {text: label for text, label in _swapped(options).items() if len(text) > 2}
    for option in options:
        text = normalise(option.text).strip()
        if has_text(option) and (len(text) > 2 or not text.isascii()):
            labels_by_text[text] = option.label
    return labels_by_text


def has_text(option: Option) -> bool:
    """Whether an option's text says more than its label, and more than a number."""
    text = option.text.strip()
    return bool(text) and text != option.label and not text.isdigit()
