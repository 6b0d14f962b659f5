"""Who drafted each text of a language, and whether a second pass has reviewed it.

`status.csv` in a language's folder has a row for each text, those that describe people among them:
its key, the digest of the text, who drafted it, who reviewed it and by what means, and for
questions and statements the digest of the meaning card that the reviewer held the text against. A
text or a card that changes has another digest, so an earlier review no longer counts.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from codebook.countries import countries
from codebook.countries import languages as known_languages
from codebook.meanings import meanings
from codebook.resources import resource
from codebook.respondents.describe import PERSON_FILES, missing_person_texts, person_source_texts
from codebook.wordings.parse import WordingError
from codebook.wordings.wording import languages, missing_texts, required_keys, wording

_COLUMNS = ("key", "digest", "drafted_by", "reviewed_by", "means", "card")

#: Kinds of texts that are reviewed against a meaning card.
_WITH_CARD = ("stem", "statement")

Gap = Literal[
    "no status",
    "changed since",
    "meaning card changed since",
    "not reviewed",
    "reviewed by its drafter",
    "no text",
]


class TextStatus(NamedTuple):
    """State of one text; `reviewed_by` and `means` are empty until a second pass read it.

    `card` is the digest of the meaning card that it was held against, "" for other texts.
    """

    key: str
    digest: str
    drafted_by: str
    reviewed_by: str = ""
    means: str = ""
    card: str = ""

    @property
    def is_reviewed(self) -> bool:
        """Whether someone who did not draft the text has reviewed it."""
        return bool(self.reviewed_by and self.means) and self.reviewed_by != self.drafted_by

    @property
    def is_read_by_machine(self) -> bool:
        """Whether the reviewer was a machine."""
        return "machine" in self.reviewed_by

    @property
    def is_independent(self) -> bool:
        """Whether the reviewer says to have had no part in the draft."""
        return "not independent" not in self.reviewed_by


class ReviewGap(NamedTuple):
    """A text that lacks a valid review, and why."""

    key: str
    reason: Gap


def text_digest(text: str) -> str:
    """First 16 hexadecimal digits of the sha256 of a text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def read_statuses(language: str) -> dict[str, TextStatus]:
    """Status rows of a language by key; empty where it has no `status.csv` yet."""
    path = resource(f"wordings/{language}/status.csv")
    if not path.is_file():
        return {}
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
    if tuple(rows.fieldnames or ()) != _COLUMNS:
        raise WordingError([f"{path}: the columns must be {', '.join(_COLUMNS)}"])
    return {row["key"]: TextStatus(**row) for row in rows}


def reviewed_texts(language: str) -> dict[str, str]:
    """Texts of a language that need a review, by key: those that its own files hold.

    They are the texts of its wording and those that people are described with. Country names
    that English takes over from the codebook as they are need none.
    """
    texts = wording(language).texts()
    if language == "en":
        plain = {f"country:{c.country}": c.name for c in countries().values()}
        texts = {key: text for key, text in texts.items() if plain.get(key) != text}
    return texts | person_source_texts(language)


def check(language: str) -> list[ReviewGap]:
    """Texts of a language that lack a review of their present state; empty when all have one.

    Raises:
        WordingError: the project has no wording in this language.
    """
    texts = reviewed_texts(language)
    statuses = read_statuses(language)
    gaps = [
        ReviewGap(key, reason)
        for key, text in texts.items()
        if (reason := _gap(statuses.get(key), text, card_digest(key))) is not None
    ]
    return gaps + [ReviewGap(key, "no text") for key in statuses if key not in texts]


def card_digest(key: str) -> str:
    """Digest of the meaning card that a text is reviewed against; "" where there is none."""
    kind, _, name = key.partition(":")
    card = meanings().get(name) if kind in _WITH_CARD else None
    return card.digest if card else ""


class MachineReviews(NamedTuple):
    """Texts whose present state a machine has reviewed, and how many of them it drafted too."""

    texts: int
    not_independent: int


def machine_reviews(language: str) -> MachineReviews:
    """Counts of a language's texts whose present state a machine has reviewed."""
    stale = {gap.key for gap in check(language)}
    read = [s for s in read_statuses(language).values() if s.key not in stale]
    by_machine = [status for status in read if status.is_read_by_machine]
    return MachineReviews(len(by_machine), sum(not s.is_independent for s in by_machine))


def _gap(status: TextStatus | None, text: str, card: str) -> Gap | None:
    if status is None:
        return "no status"
    if status.digest != text_digest(text):
        return "changed since"
    if status.is_reviewed:
        return None if status.card == card else "meaning card changed since"
    return "reviewed by its drafter" if status.reviewed_by else "not reviewed"


def draft_statuses(language: str, *, drafted_by: str) -> dict[str, TextStatus]:
    """Status rows for the present texts: kept where the text is unchanged, else new drafts."""
    earlier_statuses = read_statuses(language)
    statuses = {}
    for key, text in reviewed_texts(language).items():
        old, digest = earlier_statuses.get(key), text_digest(text)
        statuses[key] = old if old and old.digest == digest else TextStatus(key, digest, drafted_by)
    return statuses


def review_statuses(
    statuses: Mapping[str, TextStatus], keys: Iterable[str], *, reviewed_by: str, means: str
) -> dict[str, TextStatus]:
    """Status rows with a review of some texts noted.

    Args:
        statuses: the rows.
        keys: keys of the texts that were reviewed.
        reviewed_by: who reviewed them; may not be who drafted them.
        means: how, for instance "second pass against the codebook".

    Raises:
        WordingError: a key has no row, the means is empty, or the reviewer drafted the text.
    """
    done, problems = dict(statuses), []
    for key in keys:
        if key not in done:
            problems.append(f"{key}: no status row; write the drafts first")
        elif not means.strip() or done[key].drafted_by == reviewed_by or not reviewed_by.strip():
            problems.append(
                f"{key}: a review needs its means and a reviewer other than the drafter"
            )
        else:
            done[key] = done[key]._replace(
                reviewed_by=reviewed_by, means=means, card=card_digest(key)
            )
    if problems:
        raise WordingError(problems, subject="review")
    return done


def write_statuses(statuses: Mapping[str, TextStatus], path: str | Path) -> None:
    """Write status rows as CSV in the order of the codebook; the file is replaced at once."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.part")
    with beside.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(statuses.values())
    beside.replace(path)


def check_all() -> dict[str, list[ReviewGap]]:
    """`check` of every language of the project."""
    return {language: check(language) for language in languages()}


#: Kinds of texts of a wording, with what they are called.
WORDING_KINDS = {
    "stem": "Questions",
    "statement": "Statements",
    "label": "Labels",
    "template": "Templates",
    "country": "Countries",
    "missing": "Kinds of missing",
}


class LanguageCounts(NamedTuple):
    """Counts of one language.

    Attributes:
        language, name: its code and English name.
        wording: digest of its wording.
        present: texts of its wording by kind.
        people: texts that describe people, and how many of these it lacks.
        texts: texts that need a review; `unreviewed` of them have none.
        by_machine: texts whose review was a machine's, and how many not independently.
        machine_drafted: whether its wording says so.
        asked_in: countries of wave 7 whose first questionnaire language with a wording it is.
    """

    language: str
    name: str
    wording: str
    present: dict[str, int]
    missing: int
    people: int
    people_missing: int
    texts: int
    unreviewed: int
    by_machine: MachineReviews
    machine_drafted: bool
    asked_in: tuple[str, ...]


def required_counts() -> dict[str, int]:
    """Texts that a complete wording has, by kind."""
    return dict(Counter(key.split(":", 1)[0] for key in required_keys()))


def language_counts(language: str) -> LanguageCounts:
    """Counts of a language of the project."""
    texts = wording(language)
    needed = reviewed_texts(language)
    return LanguageCounts(
        language=language,
        name=known_languages()[language].name,
        wording=texts.digest,
        present=dict(Counter(key.split(":", 1)[0] for key in texts.texts())),
        missing=len(missing_texts(language)),
        people=sum(key.split(":", 1)[0] in PERSON_FILES for key in needed),
        people_missing=len(missing_person_texts(language)),
        texts=len(needed),
        unreviewed=len(check(language)),
        by_machine=machine_reviews(language),
        machine_drafted=texts.machine_drafted,
        asked_in=_asked_in(language),
    )


def _asked_in(language: str) -> tuple[str, ...]:
    country_codes = []
    for country in countries().values():
        spoken = (code for code in country.questionnaire_languages if code in languages())
        if next(spoken, "") == language:
            country_codes.append(country.country)
    return tuple(country_codes)
