"""What `opinion-atlas wording` does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from codebook.countries import languages as known_languages
from codebook.meanings import meaning_problems
from codebook.respondents.describe import PERSON_FILES, missing_person_texts
from codebook.review import check, machine_reviews
from codebook.wordings.files import export_wording, load_wording_folder
from codebook.wordings.parse import WordingError
from codebook.wordings.wording import languages, missing_texts, wording
from contracts.errors import ContractError, Problem, fail
from elicitation.commands.terminal import say, say_json

#: Keys of lacking texts that are printed.
_SHOWN = 20


def check_wordings(
    chosen: tuple[str, ...], *, folder: Path | None, require_review: bool, json: bool
) -> int:
    """Print what wordings lack; 1 where a text (or, if required, a review) is lacking."""
    if folder is not None:
        wording_rows = [_own(folder)]
    else:
        wording_rows = [_shipped(language) for language in chosen or languages()]
    if json:
        say_json(wording_rows)
    else:
        for row in wording_rows:
            _say(row)
    cards = [] if folder is not None else meaning_problems()
    for problem in [] if json else cards:
        say(f"meaning cards: {problem}")
    lacking = any(row["missing"] or (require_review and row["unreviewed"]) for row in wording_rows)
    return 1 if lacking or (require_review and cards) else 0


def _own(folder: Path) -> dict[str, Any]:
    opened = _load(folder, "", "")
    return {
        "language": opened.language,
        "name": opened.name,
        "digest": opened.digest,
        "missing": missing_texts(opened),
        "unreviewed": {},
        "by_machine": {},
    }


def _shipped(language: str) -> dict[str, Any]:
    """A language of the project; of one that is not there, everything lacks."""
    if language not in known_languages():
        raise fail(
            "no-language",
            "there is no such language",
            found=language,
            allowed=", ".join(known_languages()),
            hint="A new language needs a row in codebook/data/languages.csv.",
        )
    people = [f"{key} ({_file(key, language)})" for key in missing_person_texts(language)]
    if language not in languages():
        return {
            "language": language,
            "name": f"none: make the folder codebook/wordings/{language}",
            "digest": "",
            "missing": [*missing_texts(language), *people],
            "unreviewed": {},
            "by_machine": {},
        }
    try:
        texts = wording(language)
        gaps = Counter(gap.reason for gap in check(language))
    except WordingError as error:
        raise ContractError(Problem("bad-wording", str(error))) from None
    return {
        "language": language,
        "name": texts.name,
        "digest": texts.digest,
        "missing": [*missing_texts(language), *people],
        "unreviewed": dict(gaps),
        "by_machine": machine_reviews(language)._asdict(),
    }


def _file(key: str, language: str) -> str:
    """File that a text that describes people belongs in."""
    return PERSON_FILES[key.partition(":")[0]].format(language=language)


def _say(row: dict[str, Any]) -> None:
    gaps = [f"{count} {reason}" for reason, count in sorted(row["unreviewed"].items())]
    if row["by_machine"]:
        gaps.insert(0, _machine_words(**row["by_machine"]))
    missing = row["missing"]
    identity = ", ".join(part for part in (row["name"], row["digest"][:12]) if part)
    name = f"{row['language']} ({identity})"
    state = f"{len(missing)} texts are lacking" if missing else "complete"
    say(f"{name}: {state}; {'; '.join(gaps) or 'no reviews noted'}")
    for key in missing[:_SHOWN]:
        say(f"  {key}")
    if len(missing) > _SHOWN:
        say(f"  ... and {len(missing) - _SHOWN} more (--json lists all)")


def _machine_words(texts: int, not_independent: int) -> str:
    """What a machine's reviews are worth, in words."""
    same = f" ({not_independent} by the machine that drafted them)" if not_independent else ""
    return f"{texts} texts reviewed by machine{same}, none by a native speaker"


def export_one(path: Path, *, language: str) -> None:
    """Write a wording of the project."""
    try:
        written = export_wording(wording(language), path)
    except WordingError as error:
        raise ContractError(Problem("cannot-export", str(error))) from None
    say(f"written: {written}")


def import_one(path: Path, *, language: str, name: str, out: Path | None) -> int:
    """Read a wording, say what it lacks, and write it in canonical form."""
    opened = _load(path, language, name)
    lacking = missing_texts(opened)
    row = {"language": opened.language, "name": opened.name, "digest": opened.digest}
    _say({**row, "missing": lacking, "unreviewed": {}, "by_machine": {}})
    if out is not None:
        try:
            export_wording(opened, out)
        except WordingError as error:
            raise ContractError(Problem("cannot-export", str(error))) from None
        say(f"written: {out}")
    return 1 if lacking else 0


def _load(path: Path, language: str, name: str) -> Any:
    try:
        return load_wording_folder(path, language=language or None, name=name or None)
    except WordingError as error:
        raise ContractError(Problem("bad-wording", str(error), where=str(path))) from None
