"""Shares in running text, lists and tables: `1. Very important: 45 %`, `45 % say Agree`.

Every option and every percentage of the text has to find its partner. What is left over, stands
between two, is denied, bounded or taken together makes the whole unreadable: a text is read only
where there is one way to read it.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from elicitation.reading.answer import Option
from elicitation.reading.labels import LabelError
from elicitation.reading.numbers import NUMBER, Share, ShareError, read_share
from elicitation.reading.statements import Token, tokens
from elicitation.reading.turns import corrects, has_negation, is_backward, retracts

#: Sums that show a list is whole, and unpaired percentages that are only its sum.
_WHOLE = (98.0, 102.0)

#: A calculation of the sum, which repeats the shares without their options.
_SUM_CHECK = re.compile(rf"{NUMBER}\s*%?(?:\s*\+\s*{NUMBER}\s*%?)+(?:\s*=\s*{NUMBER}\s*%?)?")
_THOUSANDTHS = re.compile("[‰‱]")

#: Signs that tie an option to the number behind it.
_TIE = re.compile(r"[:=|(\[]|->|-(?=\s)")
#: What may stand between an option and its share: a tie, or a few words within one clause.
_SEPARATOR = re.compile(
    r"[,;.\n|/)\]*]|\b(?:and|und|y|e|et|en|i|и|ve|dan|và|o|og|och|a|és)\b|和|、|、|및|與|与|و"
)
_BREAK = re.compile(r"[;\n]|\.(?:\s|$)")
_CLAUSE = re.compile(r"[,;.:\n]")
_MOST_WORDS = 12
_NESTED = re.compile(
    r"\bof (?:those|these|whom|the (?:rest|remaining|remainder))\b|\bdavon\b|\bdont\b|\bde ellos\b"
    r"|\bpoints?\b|\btimes\b|\bhigher\b|\blower\b|\bmore\b|\bless\b|\bcombined\b|\btogether\b|\bzusammen\b"
    r"|\bjuntos\b|\bensemble\b|\beither\b|\bboth\b",
    re.IGNORECASE,
)


class Statement(NamedTuple):
    """An option with the share that a text gives it, and where it stands."""

    label: str
    share: Share
    start: int
    end: int


class TroubleError(ValueError):
    """Why a text is no list of shares; the message is a short stable word."""


def share_lists_in_text(text: str, options: Sequence[Option]) -> dict[str, Share] | str | None:
    """Shares by label as a text states them; a word that says why not; None where it states none.

    Of two whole lists the later counts only where the words between say that it corrects the
    first; a list that is not whole never displaces one that is.
    """
    body = _SUM_CHECK.sub(lambda match: " " * len(match.group()), text)
    try:
        text_tokens = list(tokens(body, options))
    except LabelError:
        return "label-contradiction"
    labels = {option.label for option in options}
    marked = any(token.kind == "share" for token in text_tokens)
    if not any(t.kind == "option" or (marked and t.text in labels) for t in text_tokens):
        return _bare_list(text, options)
    if _THOUSANDTHS.search(text):
        return "unit"
    try:
        statements = list(_statements(body, text_tokens, labels))
        return _one_list(text, statements, options) if statements else None
    except TroubleError as trouble:
        return str(trouble)
    except ShareError as error:
        return str(error)


def _bare_list(text: str, options: Sequence[Option]) -> dict[str, Share] | None:
    """Nothing but a percentage for each option, in the order shown, that sum to 100 +- 2."""
    if not re.fullmatch(r"[\s\d.%,;/|()\[\]-]+", text):
        return None
    numbers = [float(n) for n in re.findall(r"(?<![\d.])\d+(?:\.\d+)?(?![\d])", text)]
    if len(numbers) != len(options) or not _WHOLE[0] <= sum(numbers) <= _WHOLE[1]:
        return None
    pairs = zip(options, numbers, strict=True)
    return {option.label: Share(number, False, ("positional",)) for option, number in pairs}


def _statements(text: str, text_tokens: list[Token], labels: set[str]) -> Iterator[Statement]:
    """Options with their shares, line by line, or over all lines where a line alone says half.

    Raises:
        TroubleError: something is left over, or can be paired in more than one way.
    """
    marked = any(token.kind == "share" for token in text_tokens)
    usable = [
        t for t in _merged(text, _lettered(text, text_tokens, labels, marked)) if t.kind != "number"
    ]
    shares = [t for t in usable if t.kind == "share"]
    if not shares:
        if any(t.kind == "trouble" for t in usable):
            raise TroubleError(next(t.text for t in usable if t.kind == "trouble"))
        return
    lines = [line for line in _by_line(text, usable) if any(t.kind != "option" for t in line)]
    if all(_is_alternating(_without_total(text, line)) for line in lines):
        for line in lines:
            yield from _paired(text, _without_total(text, line))
        return
    if _is_alternating(usable):
        yield from _paired(text, usable)
        return
    raise TroubleError(_why_not(usable))


def _why_not(text_tokens: Sequence[Token]) -> str:
    troubles = [token.text for token in text_tokens if token.kind == "trouble"]
    if troubles:
        return troubles[0]
    kinds = [token.kind for token in text_tokens]
    columns = any(a == b == "share" for a, b in itertools.pairwise(kinds))
    return "several-numbers" if columns else "unassigned-number"


def _lettered(
    text: str, text_tokens: list[Token], labels: set[str], marked: bool
) -> Iterator[Token]:
    """Bare numbers as what they are: a share where one is tied to the option before it; an
    option where shares are marked and the number is a label; else nothing."""
    before: Token | None = None
    for token in text_tokens:
        current = token
        if token.kind == "number":
            tied = before is not None and before.kind == "option" and _is_tied(text, before, token)
            if tied:
                current = token._replace(kind="share", about=False)
            elif marked and token.text in labels:
                current = token._replace(kind="option")
        if current.kind != "number":
            before = current
        yield current


def _is_tied(text: str, option: Token, number: Token) -> bool:
    """Whether nothing but signs stands between, and no unit or other word follows the number."""
    gap = text[option.end : number.start]
    behind = text[number.end : number.end + 2]
    line_alone = not gap.strip(" .):*_]") and not behind.strip(" .;,*_\n")
    tied = re.fullmatch(
        r"[\s\"'*_)\]]*(?:[:=|(\[]|->|=>|-(?=\s)|is\b)+[\s\"'*_|(:=>-]*(?:~\s*)?", gap
    )
    clean = re.match(
        r"[\"'*_ ]*(?:$|[,;.)\]|\n}/<$\\]|\s*[^\W\d]*\s*[\"']?\w{1,3}\s*[:=])", text[number.end :]
    )
    unit = re.match(
        r"\s*(?:/|out of|of \d|von \d|in \d|people|persons|respondents)", text[number.end :]
    )
    return bool((tied or line_alone) and clean and not unit)


def _merged(text: str, text_tokens: Iterator[Token]) -> list[Token]:
    """An option named twice in a row, or around its own number, counts once."""
    merged: list[Token] = []
    for token in text_tokens:
        if token.kind == "option" and merged:
            if merged[-1].kind == "option" and merged[-1].text == token.text:
                merged[-1] = merged[-1]._replace(end=token.end)
                continue
            around = len(merged) > 1 and merged[-1].kind == "share" and merged[-2].kind == "option"
            between = text[merged[-1].end : token.start]
            if around and merged[-2].text == token.text and not between.strip(" .,)(-:|*_\"'"):
                continue
        merged.append(token)
    return merged


#: Where a line, or a sentence of running text, ends.
_LINE_END = re.compile(r"\n|(?<=[a-z%)\"])[.!?]\s+(?=[A-Z])")


def _by_line(text: str, text_tokens: Sequence[Token]) -> list[list[Token]]:
    ends = [match.start() for match in _LINE_END.finditer(text)]
    lines: dict[int, list[Token]] = {}
    for token in text_tokens:
        lines.setdefault(bisect_left(ends, token.start), []).append(token)
    return list(lines.values())


def _without_total(text: str, line: Sequence[Token]) -> list[Token]:
    """A line without a percentage that is only the sum of the others."""
    shares = [token for token in line if token.kind == "share"]
    options = [token for token in line if token.kind == "option"]
    if len(shares) == len(options) + 1:
        for total in (shares[-1], shares[0]):
            words = text[max(0, total.start - 24) : total.end + 12]
            if _WHOLE[0] <= _number(total.text) <= _WHOLE[1] and _TOTAL.search(words):
                return [token for token in line if token is not total]
    return list(line)


_TOTAL = re.compile(
    r"\b(?:totals?|totall?ing|sums?|adds? up|adding up|summe|insgesamt|suma|somme|totale?|somma)\b"
    r"|всего|итого|сумм|合计|合計|總計|总计|합계|مجموع|tổng|toplam|jumlah",
    re.IGNORECASE,
)


def _number(written: str) -> float:
    return float(written.replace(",", "."))


def _is_alternating(line: Sequence[Token]) -> bool:
    """Whether options and shares take turns, as many of the one as of the other."""
    if any(token.kind == "trouble" for token in line) or len(line) % 2:
        return False
    pairs = [{line[i].kind, line[i + 1].kind} for i in range(0, len(line), 2)]
    first = [line[i].kind for i in range(0, len(line), 2)]
    return all(pair == {"option", "share"} for pair in pairs) and len(set(first)) <= 1


def _paired(text: str, line: Sequence[Token]) -> Iterator[Statement]:
    """Statements of tokens that take turns.

    Raises:
        TroubleError: the words between do not tie each share to the option beside it.
    """
    option_first = bool(line) and line[0].kind == "option"
    pairs = [(line[i], line[i + 1]) for i in range(0, len(line), 2)]
    gaps = [text[a.end : b.start] for a, b in pairs]
    tied = option_first and all(_TIE.search(gap) for gap in gaps)
    behind = 0
    for (first, second), gap in zip(pairs, gaps, strict=True):
        _check_gap(gap, option_first=option_first, tied=bool(tied and _TIE.search(gap)))
        option, share = (first, second) if option_first else (second, first)
        _check_words(text[behind : first.start], text[second.end :] if option_first else "")
        behind = second.end
        written = share.text + ("%" if _is_marked(text, share) else "")
        read = read_share(written)
        if read is not None:
            notes = (*read.notes, "approximate") if share.about else read.notes
            yield Statement(option.text, read._replace(notes=notes), first.start, second.end)
    if tied:
        return
    for (_, left), (right, _) in itertools.pairwise(pairs):
        if not _SEPARATOR.search(text[left.end : right.start]):
            raise TroubleError("ambiguous-order")


def _is_marked(text: str, share: Token) -> bool:
    return bool(re.search(r"[^\d\s.,~+-]", text[share.start : share.end]))


def _check_gap(gap: str, *, option_first: bool, tied: bool) -> None:
    if has_negation(gap) or _NESTED.search(gap):
        raise TroubleError("negated-or-bounded")
    if any(sign.isdigit() for sign in gap):
        raise TroubleError("unassigned-number")
    if tied:
        # Behind the tie nothing but a word or two: `Agree (code 1): about 45 %`.
        if len(gap.split()) > _MOST_WORDS or _BREAK.search(gap.strip(" .\n")):
            raise TroubleError("unassigned-number")
        return
    if len(gap.split()) > _MOST_WORDS:
        raise TroubleError("unassigned-number")
    inner = gap if option_first else gap.strip(" ,")
    if (_BREAK if option_first else _CLAUSE).search(
        inner.strip(" .):*_\n-" if option_first else " -:")
    ):
        raise TroubleError("ambiguous-order")


def _check_words(before: str, behind: str) -> None:
    """What stands right before a pair, and right behind its share, must not change it."""
    if has_negation(re.split(r"[.,;:!?\n|(\"*-]", before)[-1]):
        raise TroubleError("negated-or-bounded")
    if _CHANGED.match(behind):
        raise TroubleError("negated-or-bounded")
    if re.match(r"\s*(?:/|±|\+/-|[-~]\s*\d)", behind):
        raise TroubleError("range")


_CHANGED = re.compile(
    r"\s*(?:higher|lower|more|less|points?|of (?:those|these|whom|the rest|the remain))\b", re.I
)


def _one_list(
    text: str, statements: Sequence[Statement], options: Sequence[Option]
) -> dict[str, Share] | str | None:
    """The list that a text states: the only one, or the one that corrects those before it."""
    lists = _split(statements, len(options))
    current = lists[0]
    for following in lists[1:]:
        if _agree(current, following):
            continue
        before = text[
            max(s.end for s in current.values()) : min(s.start for s in following.values())
        ]
        if len(following) < len(options) or not corrects(before):
            return "contradiction"
        current = following
    start, end = _span(lists)
    if retracts(text[end:]) or is_backward(_lead(text[:start])):
        return "retracted"
    return {label: statement.share for label, statement in current.items()}


def _lead(before: str) -> str:
    """The words right before a list, where they speak of it alone."""
    last = re.split(r"[.!?;\n](?=\s|$)", before.rstrip(" \n:*_-#"))[-1]
    return last if re.search(r"\b(?:not|instead of|example|template|format)\b", last, re.I) else ""


def _span(lists: Sequence[Mapping[str, Statement]]) -> tuple[int, int]:
    every = [
        statement for statements_by_label in lists for statement in statements_by_label.values()
    ]
    return min(s.start for s in every), max(s.end for s in every)


def _split(statements: Sequence[Statement], whole: int) -> list[dict[str, Statement]]:
    """Statements as lists: a new one begins where an option comes again with another share, or
    where one is whole."""
    lists: list[dict[str, Statement]] = [{}]
    for statement in statements:
        current = lists[-1]
        if statement.label in current or len(current) == whole:
            lists.append({})
        lists[-1][statement.label] = statement
    return lists


def _agree(first: Mapping[str, Statement], second: Mapping[str, Statement]) -> bool:
    """Whether a list only repeats what another says."""
    return all(
        label in first and first[label].share[:2] == statement.share[:2]
        for label, statement in second.items()
    )
