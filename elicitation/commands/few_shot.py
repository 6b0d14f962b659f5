"""Files of few-shot examples, from a release: what prompts show, by country and language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from codebook import countries as known_countries
from codebook.questions import steering_countries
from codebook.render.question import fill
from codebook.wordings.wording import Wording
from contracts.atomic import write_text
from contracts.digests import pretty_json
from contracts.errors import ContractError, Problem, unknown_values
from contracts.release.read import Release, open_release
from elicitation.commands.terminal import say, say_json
from elicitation.prompts.examples import (
    Example,
    RealShares,
    example_pool,
    form_examples,
    real_examples,
)
from elicitation.prompts.plan import own_language
from elicitation.prompts.prompts import BLOCK_SEPARATOR, example_text
from elicitation.study.conditions import OWN_LANGUAGE
from elicitation.study.resolve import release_countries
from elicitation.study.study import FewShotShares
from elicitation.study.wordings import study_wordings

#: Names every language that there is a wording in.
EVERY_LANGUAGE = "all"

#: Stands for a country in files of the form alone.
FORM = "form"

INDEX_NAME = "few-shot.json"


class FewShotFile(NamedTuple):
    """One file: examples of a country (`form` for shares drawn at random) in a language."""

    country: str
    language: str
    examples: tuple[Example, ...]

    @property
    def name(self) -> str:
        """Name of the file."""
        return f"few-shot-{self.language}-{self.country}.txt"


def write_few_shot(
    out: Path,
    *,
    release: str,
    countries: tuple[str, ...],
    languages: tuple[str, ...],
    wave: int | None,
    count: int,
    wordings: tuple[str, ...],
    dry_run: bool,
    json: bool,
    shares: FewShotShares = "weighted",
    seed: int = 0,
) -> None:
    """Write the files and their index.

    Raises:
        ContractError: a country or language is unknown, or the release answers too few of a
            country's examples; then nothing is written.
    """
    opened = open_release(release)
    chosen_wave = wave or max(opened.manifest.waves)
    texts = study_wordings(wordings)
    chosen = _countries(opened, chosen_wave, countries)
    _check_languages(languages, texts)
    weighted = shares == "weighted"
    real = RealShares(opened, wave=chosen_wave, question_ids=example_pool(), weighted=weighted)
    files = list(_files(chosen, languages, texts, real, count=count, seed=seed))
    index = {
        "release": {"name": opened.manifest.name, "digest": opened.digest},
        "wave": chosen_wave,
        "shares": shares,
        "files": [_entry(file, texts) for file in files],
    }
    if not dry_run:
        out.mkdir(parents=True, exist_ok=True)
        for file in files:
            write_text(out / file.name, few_shot_text(file, texts[file.language]))
        write_text(out / INDEX_NAME, pretty_json(index))
    if json:
        say_json(index)
        return
    verb = "would write" if dry_run else "written:"
    for file in files:
        shown = " ".join(example.question_id for example in file.examples)
        say(f"{verb} {out / file.name} ({shown})")
    say(f"{verb} {out / INDEX_NAME} (wave {chosen_wave} of {opened.manifest.name})")


def few_shot_text(file: FewShotFile, texts: Wording) -> str:
    """The examples as the prompts show them, with their heading."""
    count = len(file.examples)
    if file.country == FORM:
        head = fill(texts, "distribution_examples", count=count)
    else:
        country = texts.countries[file.country]
        head = fill(texts, "distribution_examples_country", count=count, country=country)
    shown = [example_text(texts, example, "numbers") for example in file.examples]
    return BLOCK_SEPARATOR.join([head, *shown]) + "\n"


def _files(
    countries: Sequence[str],
    languages: Sequence[str],
    texts: Mapping[str, Wording],
    real: RealShares,
    *,
    count: int,
    seed: int,
) -> Iterator[FewShotFile]:
    by_country = {
        country: real_examples(real, country=country, group="", count=count)
        for country in countries
    }
    pairs = dict.fromkeys(
        (country, language)
        for country in countries
        for language in _languages_of(country, languages, texts)
    )
    form = form_examples(count=count, seed=seed)
    for language in dict.fromkeys(language for _, language in pairs):
        yield FewShotFile(FORM, language, form)
    for country, language in pairs:
        yield FewShotFile(country, language, by_country[country])


def _languages_of(
    country: str, languages: Sequence[str], texts: Mapping[str, Wording]
) -> Iterator[str]:
    for language in languages:
        if language == EVERY_LANGUAGE:
            yield from texts
        else:
            yield own_language(country, texts) if language == OWN_LANGUAGE else language


def _entry(file: FewShotFile, texts: Mapping[str, Wording]) -> dict[str, Any]:
    wording = texts[file.language]
    return {
        "file": file.name,
        "country": file.country,
        "language": file.language,
        "wording": {"name": wording.name, "digest": wording.digest},
        "examples": [
            {"question_id": one.question_id, "shares": {str(c): s for c, s in one.shares.items()}}
            for one in file.examples
        ],
    }


def _countries(release: Release, wave: int, wanted: tuple[str, ...]) -> tuple[str, ...]:
    there = release_countries(release, wave)
    if not wanted:
        return tuple(country for country in steering_countries() if country in there)
    problems = [
        Problem(
            "no-country",
            "the release holds no people of it" if country in known_countries()
            else "there is no such country",
            column="--countries",
            found=country,
            allowed=", ".join(there),
        )
        for country in wanted
        if country not in there
    ]  # fmt: skip
    if problems:
        raise ContractError(problems, subject="few-shot files")
    return wanted


def _check_languages(languages: Sequence[str], texts: Mapping[str, Wording]) -> None:
    known = (*texts, OWN_LANGUAGE, EVERY_LANGUAGE)
    wrong = [language for language in languages if language not in known]
    if wrong:
        raise ContractError(unknown_values("--languages", wrong, known))
