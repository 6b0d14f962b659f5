"""What must hold of the dilemmas: counts, lengths, balance, no leaks, no twins, a review.

`python -m tools.dilemma_checks` prints every problem; with `--digests` it prints the digests
that a review refers to.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal

from codebook.countries import HOFSTEDE_DIMENSIONS
from codebook.dilemmas.dilemma import SETTINGS, Dilemma, dilemmas, language_folder

ProblemKind = Literal[
    "count", "setting", "order", "words", "option", "question", "leak", "duplicate", "opening",
    "review", "rejected", "unreviewed",
]  # fmt: skip

PER_DIMENSION = 50
MIN_PER_SETTING = 10
MIN_WORDS, MAX_WORDS = 60, 120
MIN_OPTION_WORDS, MAX_OPTION_WORDS = 3, 14
#: How many words the longer option may have more than the shorter one.
MAX_OPTION_GAP = 3
#: How far the numbers of situations that tell of the high and of the low side first may differ.
MAX_DESCRIBED_GAP = 10
SHINGLE_WORDS = 3
#: Independent texts of this length stay below 0.05; a reworded copy lies far above 0.15.
MAX_JACCARD = 0.15
OPENING_WORDS = 4
#: The lowest rating of balance and of purity that a dilemma may keep.
MIN_RATING = 4
KEEP = "keep"
REVIEW_COLUMNS = ("id", "digest", "balance", "purity", "reviewer", "verdict")

#: Words that do not begin a plain action after "Should I".
_NO_ACTION = frozenset(("to", "i", "we", "the", "a", "an", "my", "our", "not", "it", "they"))

_NOTHING = re.compile(r"(?!)")

#: Words that name a dimension instead of describing an act; who holds "equality is good" answers
#: the word, not the situation.
_CONSTRUCT_WORDS = {
    "power_distance": re.compile(
        r"\b(equals?|equality|ranks? (?!and)|of rank|authorit\w+|elders?|in charge|superiors?"
        r"|standing|out of respect|(?:my|our|her|his) positions?)\b"
    ),
    "individualism": re.compile(
        r"\b(harmony|own path|loyal\w*|independen\w+|individual\w*|rely on one another)\b"
    ),
    "mas": re.compile(r"\b(proud\w*|modest\w*|ambitio\w+|gentleness|achiev\w+|pleasant)\b"),
    "uncertainty_avoidance": re.compile(r"\b(uncertain\w*|ambigu\w+|relaxed|mistakes)\b"),
    "long_term_orientation": re.compile(
        r"\b(patien\w+|persever\w+|thrift\w*|tradition\w*|custom)\b"
    ),
}


@dataclass(frozen=True)
class DilemmaProblem:
    """One thing that is wrong with the dilemmas; `dilemma_id` is "" where it concerns the set."""

    kind: ProblemKind
    dilemma_id: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.dilemma_id + ': ' if self.dilemma_id else ''}{self.message}"


Problems = Iterator[DilemmaProblem]


def check_dilemmas(language: str = "en") -> list[DilemmaProblem]:
    """Everything that is wrong with a language's dilemmas; empty when nothing is.

    A dilemma without a review of its present text has a problem of kind `unreviewed`, and one that
    the review does not keep has one of kind `rejected`.

    Raises:
        KeyError: the project holds no dilemmas in this language.
        DilemmaError: the files cannot be read.
    """
    checked_dilemmas = list(dilemmas(language).values())
    folder = language_folder(language)
    leaks = tomllib.loads(folder.joinpath("leaks.toml").read_text(encoding="utf-8"))
    review = folder.joinpath("review.csv")
    text = review.read_text(encoding="utf-8") if review.is_file() else ""
    return [*check_texts(checked_dilemmas, leaks=leaks), *check_review(checked_dilemmas, text)]


def check_texts(
    checked_dilemmas: Sequence[Dilemma], *, leaks: Mapping[str, Any]
) -> list[DilemmaProblem]:
    """What is wrong with dilemmas apart from their review.

    Args:
        found: the dilemmas of one language.
        leaks: content of its `leaks.toml`: lists of words under `exact_case` and `any_case`, and
            `allowed_capitals.words`.
    """
    problems: list[DilemmaProblem] = []
    for dimension in HOFSTEDE_DIMENSIONS:
        problems += _balance(dimension, [d for d in checked_dilemmas if d.dimension == dimension])
    patterns = _leak_patterns(leaks)
    allowed = frozenset(leaks["allowed_capitals"]["words"])
    for dilemma in checked_dilemmas:
        problems += _lengths(dilemma)
        problems += _options(dilemma)
        problems += _leaks(dilemma, patterns, allowed)
    return [*problems, *_twins(checked_dilemmas), *_openings(checked_dilemmas)]


def _balance(dimension: str, checked_dilemmas: Sequence[Dilemma]) -> Problems:
    if len(checked_dilemmas) != PER_DIMENSION:
        yield DilemmaProblem(
            "count", "", f"{dimension}: {len(checked_dilemmas)}, not {PER_DIMENSION}"
        )
    high_first = sum(d.high_side == "first" for d in checked_dilemmas)
    if 2 * high_first != len(checked_dilemmas):
        message = (
            f"{dimension}: the high side is first in {high_first} of {len(checked_dilemmas)}, "
            "not in half"
        )
        yield DilemmaProblem("order", "", message)
    described_gap = abs(
        2 * sum(d.described_first == "high" for d in checked_dilemmas) - len(checked_dilemmas)
    )
    if described_gap > MAX_DESCRIBED_GAP:
        message = f"{dimension}: one side is described first in {described_gap} more than the other"
        yield DilemmaProblem("order", "", message)
    for setting in SETTINGS:
        placed = [d for d in checked_dilemmas if d.setting == setting]
        if len(placed) < MIN_PER_SETTING:
            message = f"{dimension}: {len(placed)} in {setting}, fewer than {MIN_PER_SETTING}"
            yield DilemmaProblem("setting", "", message)
        first = sum(d.high_side == "first" for d in placed)
        if abs(2 * first - len(placed)) > 1:
            message = f"{dimension}, {setting}: the high side is first in {first} of {len(placed)}"
            yield DilemmaProblem("order", "", message)


def _lengths(dilemma: Dilemma) -> Problems:
    count = len(dilemma.situation.split())
    if not MIN_WORDS <= count <= MAX_WORDS:
        message = f"the situation has {count} words; allowed are {MIN_WORDS}-{MAX_WORDS}"
        yield DilemmaProblem("words", dilemma.dilemma_id, message)
    if not dilemma.situation.endswith(dilemma.question):
        message = f"the situation must end with {dilemma.question!r}"
        yield DilemmaProblem("question", dilemma.dilemma_id, message)


def _options(dilemma: Dilemma) -> Problems:
    lengths = [len(option.split()) for option in dilemma.options]
    for option, length in zip(dilemma.options, lengths, strict=True):
        for wrong in _option_faults(option, length):
            yield DilemmaProblem("option", dilemma.dilemma_id, f"{option!r} {wrong}")
        named = _CONSTRUCT_WORDS.get(dilemma.dimension, _NOTHING).search(option)
        if named:
            message = f"{option!r} names the construct ({named.group()!r}); describe the act alone"
            yield DilemmaProblem("option", dilemma.dilemma_id, message)
    if abs(lengths[0] - lengths[1]) > MAX_OPTION_GAP:
        message = f"the options have {lengths[0]} and {lengths[1]} words; make them alike"
        yield DilemmaProblem("option", dilemma.dilemma_id, message)
    if dilemma.option_first == dilemma.option_second:
        yield DilemmaProblem("option", dilemma.dilemma_id, "both options say the same")


def _option_faults(option: str, length: int) -> Iterator[str]:
    if not MIN_OPTION_WORDS <= length <= MAX_OPTION_WORDS:
        yield f"has a length of {length}; allowed are {MIN_OPTION_WORDS}-{MAX_OPTION_WORDS} words"
    if not option[0].islower() or option.split()[0] in _NO_ACTION:
        yield "must begin with a verb in small letters, as after 'Should I'"
    if re.search(r"[.?!;:]", option) or re.search(r"\bor\b", option):
        yield "must be a single plain action without 'or' and without closing marks"


def _leak_patterns(leaks: Mapping[str, Any]) -> dict[str, re.Pattern[str]]:
    patterns = {}
    for part, flags in (("exact_case", re.NOFLAG), ("any_case", re.IGNORECASE)):
        for name, words in leaks[part].items():
            longest_first = sorted(map(re.escape, words), key=len, reverse=True)
            joined = "|".join(longest_first)
            patterns[name] = re.compile(rf"(?<!\w)(?:{joined})(?:e?s)?(?!\w)", flags)
    return patterns


def _leaks(
    dilemma: Dilemma, patterns: Mapping[str, re.Pattern[str]], allowed: Collection[str]
) -> Problems:
    text = " ".join((dilemma.situation, *dilemma.options))
    for name, pattern in patterns.items():
        for word in sorted(set(pattern.findall(text))):
            yield DilemmaProblem("leak", dilemma.dilemma_id, f"{word!r} is on the list {name}")
    for word in sorted(set(_inner_capitals(dilemma.situation)) - set(allowed)):
        message = f"{word!r} has a capital letter inside a sentence, like a proper name"
        yield DilemmaProblem("leak", dilemma.dilemma_id, message)


def _inner_capitals(text: str) -> Iterator[str]:
    for sentence in re.split(r"(?<=[.?!])\s+", text):
        for word in sentence.split()[1:]:
            bare = re.sub(r"^\W+|\W+$|['’]\w+$", "", word)
            if bare[:1].isupper():
                yield bare


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, without punctuation."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower())


def shingles(text: str, *, size: int = SHINGLE_WORDS) -> frozenset[tuple[str, ...]]:
    """All runs of `size` words of a text."""
    words = words_of(text)
    return frozenset(tuple(words[i : i + size]) for i in range(len(words) - size + 1))


def jaccard(left: Set[Any], right: Set[Any]) -> float:
    """Shared members over all members of two sets, in [0, 1]; 0 where both are empty."""
    shared = len(left & right)
    every = len(left) + len(right) - shared
    return shared / every if every else 0.0


def _twins(checked_dilemmas: Sequence[Dilemma]) -> Problems:
    runs = {d.dilemma_id: shingles(d.situation) for d in checked_dilemmas}
    for left, right in itertools.combinations(runs, 2):
        likeness = jaccard(runs[left], runs[right])
        if likeness > MAX_JACCARD:
            message = f"shares {likeness:.2f} of its word runs with {right}; at most {MAX_JACCARD}"
            yield DilemmaProblem("duplicate", left, message)


def _openings(checked_dilemmas: Sequence[Dilemma]) -> Problems:
    counts = Counter(tuple(words_of(d.situation)[:OPENING_WORDS]) for d in checked_dilemmas)
    for opening, count in counts.items():
        if count > 1:
            yield DilemmaProblem("opening", "", f"{count} situations begin {' '.join(opening)!r}")


def check_review(checked_dilemmas: Sequence[Dilemma], review_csv: str) -> list[DilemmaProblem]:
    """What is wrong with the review of dilemmas.

    Args:
        found: the dilemmas.
        review_csv: content of `review.csv`, with the columns `REVIEW_COLUMNS`; "" without review.

    Returns:
        `review` for faulty rows, `unreviewed` for dilemmas without a row for their present
        digest, `rejected` for ratings below `MIN_RATING` or a verdict other than "keep".
    """
    rows = csv.DictReader(io.StringIO(review_csv, newline=""))
    if review_csv and tuple(rows.fieldnames or ()) != REVIEW_COLUMNS:
        message = f"review.csv: the columns must be {', '.join(REVIEW_COLUMNS)}"
        return [DilemmaProblem("review", "", message)]
    by_id = {d.dilemma_id: d for d in checked_dilemmas}
    problems: list[DilemmaProblem] = []
    current: set[str] = set()
    for line, row in enumerate(rows, start=2):
        dilemma = by_id.get(row["id"] or "")
        faults = list(_row_faults(row, known=dilemma is not None, seen=row["id"] in current))
        problems += [
            DilemmaProblem("review", row["id"] or "", f"line {line}: {fault}") for fault in faults
        ]
        if faults or dilemma is None or row["digest"] != dilemma.digest:
            continue
        current.add(dilemma.dilemma_id)
        problems += _rejections(row)
    problems += [
        DilemmaProblem("unreviewed", name, f"no review of its present text, digest {d.digest}")
        for name, d in by_id.items()
        if name not in current
    ]
    return problems


def _row_faults(row: Mapping[str, str | None], *, known: bool, seen: bool) -> Iterator[str]:
    if not known:
        yield "no dilemma has this id"
    if seen:
        yield "the dilemma has been reviewed above already"
    for name in ("balance", "purity"):
        if row[name] not in {"1", "2", "3", "4", "5"}:
            yield f"{name} is {row[name]!r}; it must be 1, 2, 3, 4 or 5"
    for name in ("reviewer", "verdict"):
        if not (row[name] or "").strip():
            yield f"{name} is empty"


def _rejections(row: Mapping[str, str]) -> Problems:
    low = [name for name in ("balance", "purity") if int(row[name]) < MIN_RATING]
    if low or row["verdict"] != KEEP:
        rated = ", ".join(f"{name} {row[name]}" for name in ("balance", "purity"))
        message = f"rated {rated}, verdict {row['verdict']!r}; rewrite it and have it reviewed"
        yield DilemmaProblem("rejected", row["id"], message)


def main(arguments: Sequence[str]) -> int:
    """Print all problems, or with `--digests` the id and digest of every dilemma; 1 if any."""
    if "--digests" in arguments:
        print("id,digest")
        for dilemma in dilemmas().values():
            print(f"{dilemma.dilemma_id},{dilemma.digest}")
        return 0
    problems = check_dilemmas()
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
