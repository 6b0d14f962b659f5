"""A synthetic twin of the pooled wave 7 file: as it would ship, but with nobody in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codebook import countries
from codebook.countries import WAVES
from contracts.atomic import atomic_file
from contracts.errors import fail
from contracts.release.manifest import Synthetic
from dataset_builder.reading.provenance import sidecar_path
from dataset_builder.synthesis.answers import draw_answers, find_traits
from dataset_builder.synthesis.clusters import draw_clusters
from dataset_builder.synthesis.columns import CountryFrame, country_columns
from dataset_builder.synthesis.earlier_waves import write_earlier_wave
from dataset_builder.synthesis.filler import Filler
from dataset_builder.synthesis.marginals import AnswerShares, read_answer_shares
from dataset_builder.synthesis.people import draw_people
from dataset_builder.synthesis.template import (
    CountryTemplate,
    columns,
    country_sizes,
    country_templates,
    language_letters,
)
from dataset_builder.synthesis.weights import draw_weights
from dataset_builder.synthesis.writers import WRITERS

GENERATOR = "opinion-atlas synthesize 1"

#: The first column that holds a figure about the country; those behind it do, too.
_FIRST_FIGURE = "fhregion"
_PARTY_COUNTRIES = 3


@dataclass(frozen=True)
class Synthesized:
    """What was written.

    Attributes:
        path: the file.
        sidecar: the file beside it that says what is made up.
        people: number of rows.
        countries: number of countries.
        synthetic: what is made up.
    """

    path: Path
    sidecar: Path
    people: int
    countries: int
    synthetic: Synthetic


def synthesize(
    out: str | Path,
    *,
    people: int | None = None,
    seed: int = 0,
    wave: int = 7,
    progress: Callable[[int, int], None] | None = None,
) -> Synthesized:
    """Write a synthetic survey file.

    Answers follow the embedded reference: the shares of every country and question, by sex, age,
    education and settlement; each person holds together within a category by one latent trait.

    Args:
        out: the file, `.csv` or `.sav`.
        people: number of people, None for the 94,278 of version 5.0; scaled by country.
        seed: seed of all randomness; the same seed writes the same file.
        wave: 7; or 5 or 6, whose files hold fewer countries and are named and coded otherwise.
        progress: called with (countries done, countries).

    Returns:
        What was written. A file `<out>.synthetic.json` beside it says what is borrowed.

    Raises:
        ContractError: the format or wave is unknown, there are too few people, or the place
            cannot be written to.
    """
    path = Path(out)
    _check(path, wave)
    if wave != 7:
        done = write_earlier_wave(path, wave=wave, people=people, seed=seed, progress=progress)
        return Synthesized(path, sidecar_path(path), *done)
    sizes = country_sizes(people)
    shares = read_answer_shares()
    filler = _filler(shares)
    borrowed: list[tuple[str, str]] = []
    frames = _frames(shares, sizes, filler, borrowed, seed=seed, progress=progress)
    with atomic_file(path) as partial:
        WRITERS[path.suffix.lower()](partial, frames)
    synthetic = _statement(shares, borrowed, filler, seed)
    sidecar = sidecar_path(path)
    with atomic_file(sidecar) as partial:
        partial.write_text(json.dumps(synthetic.model_dump(), indent=1) + "\n", encoding="utf-8")
    return Synthesized(path, sidecar, sum(sizes), len(sizes), synthetic)


def _frames(
    shares: AnswerShares,
    sizes: Sequence[int],
    filler: Filler,
    borrowed: list[tuple[str, str]],
    *,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> Iterator[CountryFrame]:
    """The countries' columns, one after the other; `borrowed` takes (country, column)."""
    traits = find_traits(shares)
    templates = country_templates()
    streams = np.random.default_rng(seed).spawn(len(templates))
    for place, (template, n, rng) in enumerate(zip(templates, sizes, streams, strict=True)):
        weight = draw_weights(n, float(shares.weight_effect[place]), rng=rng)
        people = draw_people(template, n, languages=_languages(template), rng=rng)
        # From a stream of its own, as answers within clusters are.
        clusters = draw_clusters(template.country, template.people, n, rng=rng.spawn(1)[0])
        answers = draw_answers(shares, traits, place, people, weight, clusters, rng=rng)
        borrowed.extend((template.country, column) for column in people.borrowed)
        yield country_columns(template, people, answers, weight, clusters, filler, rng=rng)
        if progress is not None:
            progress(place + 1, len(templates))


def _check(path: Path, wave: int) -> None:
    if path.suffix.lower() not in WRITERS:
        raise fail(
            "unknown-format",
            f"cannot write a survey file named {path.name}",
            column="--out",
            found=path.suffix or "no ending",
            allowed=", ".join(WRITERS),
        )
    if wave not in WAVES:
        raise fail(
            "unknown-wave",
            "the layout of this wave is not known",
            column="--wave",
            found=str(wave),
            allowed=", ".join(map(str, WAVES)),
        )


def _filler(shares: AnswerShares) -> Filler:
    names = [c.name for c in columns()]
    figures = names[names.index(_FIRST_FIGURE) :]
    known = [c for c in shares.countries if c not in shares.borrowed_countries]
    return Filler(
        macro=frozenset(figures),
        party_countries=frozenset(known[:_PARTY_COUNTRIES]),
        without_macro=frozenset({"NIR"}),
    )


def _languages(template: CountryTemplate) -> list[int]:
    letters = {text: code for code, text in language_letters().items() if text}
    spoken = countries()[template.country].questionnaire_languages
    return [letters[text] for text in spoken if text in letters]


def _statement(
    shares: AnswerShares, borrowed: Sequence[tuple[str, str]], filler: Filler, seed: int
) -> Synthetic:
    """What is borrowed: whole countries, single questions, and columns without a marginal."""
    whole = set(shares.borrowed_countries)
    declared = [column.name for column in columns() if column.name in filler.used]
    single = [f"{country}:{column}" for country, column in borrowed if country not in whole]
    return Synthetic(
        seed=seed,
        generator=GENERATOR,
        borrowed_countries=sorted(whole),
        borrowed_columns=[*shares.borrowed_questions, *single, *declared],
        note=(
            "Answers are drawn from the embedded reference's shares. Countries and questions "
            "listed as borrowed (USA:Q33) take the mean shares of their continent; columns listed "
            "by their name alone are drawn from their declared range and mean nothing."
        ),
    )
