"""What the manifest says of a release that is being built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from codebook import codebook_digest, value_questions
from codebook.wordings.wording import languages, wording
from contracts.release.disclosure import round_count
from contracts.release.manifest import Disclosure, Manifest, SplitRecipe, Synthetic, TableEntry
from contracts.release.tables import INDIVIDUAL_TABLES, SPLITS
from dataset_builder.options import BuildOptions
from dataset_builder.people import People
from dataset_builder.survey import Survey
from dataset_builder.tables.counting import count_codes

#: Counts of a manifest that a public release keeps.
RELEASE_COUNTS = ("people", "countries", "questions")

#: Tables in the order of the manifest.
TABLE_ORDER = (
    "responses",
    "respondents",
    "questions",
    "distributions",
    "correlations",
    "countries",
    "probe",
    "tasks",
)

#: Tables that a build of survey files writes.
BUILT_TABLES = tuple(name for name in TABLE_ORDER if name != "tasks")

#: ... and a public one.
PUBLIC_TABLES = tuple(name for name in TABLE_ORDER if name not in INDIVIDUAL_TABLES)


def builder_version() -> str:
    """Version of the installed project; "source" where it is run without being installed."""
    try:
        return version("opinion-atlas")
    except PackageNotFoundError:
        return "source"


def split_recipe(options: BuildOptions, people: Mapping[str, int] | None = None) -> SplitRecipe:
    """The split as the manifest states it."""
    return SplitRecipe(
        recipe=options.split,
        fractions=options.fractions,
        people=dict(people or {}),
        key=options.key if options.split == "hash" else "",
        held_out_questions=list(options.hold_out_questions),
        held_out_countries=list(options.hold_out_countries),
    )


def public_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts of a manifest as a public release states them: respondents rounded."""
    return {
        name: int(round_count(counts[name])) if name == "people" else counts[name]
        for name in RELEASE_COUNTS
        if name in counts
    }


def public_split(split: SplitRecipe) -> SplitRecipe:
    """The split as a public release states it: respondents rounded."""
    people = {name: int(round_count(n)) for name, n in split.people.items()}
    return split.model_copy(update={"people": people})


def release_name(everyone: Sequence[People], options: BuildOptions) -> str:
    """Name of a release: what it is made from."""
    if options.name:
        return options.name
    waves = sorted({people.survey.wave for people in everyone})
    parts = ["wvs", *(f"wave{wave}" for wave in waves)]
    if any(people.survey.synthetic is not None for people in everyone):
        parts.append("synthetic")
    if options.public:
        parts.append("public")
    return "-".join(parts)


def joined_synthetic(surveys: Sequence[Survey]) -> Synthetic | None:
    """What is made up in all the files; where there are several, each entry names its wave."""
    parts = [(s.wave, s.synthetic) for s in surveys if s.synthetic is not None]
    if len(parts) < 2:
        return parts[0][1] if parts else None
    seeds = {part.seed for _, part in parts}
    return Synthetic(
        seed=seeds.pop() if len(seeds) == 1 else None,
        generator="; ".join(dict.fromkeys(part.generator for _, part in parts)),
        borrowed_countries=[f"wave {w}: {c}" for w, part in parts for c in part.borrowed_countries],
        borrowed_columns=[f"wave {w}: {c}" for w, part in parts for c in part.borrowed_columns],
        note=" ".join(dict.fromkeys(f"Wave {w}: {part.note}" for w, part in parts if part.note)),
    )


def make_manifest(
    everyone: Sequence[People],
    options: BuildOptions,
    tables: Mapping[str, TableEntry],
    disclosure: Disclosure,
) -> Manifest:
    """Everything that the manifest says of a release."""
    surveys = [people.survey for people in everyone]
    part = np.concatenate([people.split for people in everyone])
    in_split = {name: int((part == i).sum()) for i, name in enumerate(SPLITS)}
    split = split_recipe(options, in_split)
    return Manifest(
        name=release_name(everyone, options),
        release_version=options.release_version,
        builder_version=builder_version(),
        public=options.public,
        synthetic=joined_synthetic(surveys),
        waves=sorted({survey.wave for survey in surveys}),
        sources=[survey.source for survey in surveys],
        codebook_digest=codebook_digest(),
        wording_digests={language: wording(language).digest for language in languages()},
        tables=dict(sorted(tables.items(), key=lambda item: TABLE_ORDER.index(item[0]))),
        counts=_counts(everyone, options),
        split=public_split(split) if options.public else split,
        demographics="none" if options.public else options.demographics,
        # Few people hold such a code: their counts are for the owner of the file alone.
        unlisted_codes=[
            code for survey in surveys for code in survey.unlisted if not options.public
        ],
        disclosure=disclosure,
        design_effects=_design_effects(everyone),
        notes=[
            *dict.fromkeys(note for survey in surveys for note in survey.notes),
            *(note for people in everyone for note in people.design_notes),
        ],
    )


def _design_effects(everyone: Sequence[People]) -> str:
    """Where effective sample sizes come from, one sentence for all surveys."""
    used = [
        f"wave {people.survey.wave}: {people.design.usable} of "
        f"{len(people.survey.countries)} countries, {people.design.stratified} with regions as "
        "strata"
        for people in everyone
        if people.design.usable
    ]
    if not used:
        return "Kish: unequal weights only; no file names usable clusters"
    return (
        "Taylor linearisation, primary sampling units of the files as ultimate clusters "
        f"({'; '.join(used)}); Kish elsewhere"
    )


def _counts(everyone: Sequence[People], options: BuildOptions) -> dict[str, int]:
    """People, answers and each kind of missing, counted once more from the codes themselves."""
    total: Counter[str] = Counter()
    for people in everyone:
        total += count_codes(people, options.hold_out_questions)
        total["people_left_out"] += int((people.split < 0).sum())
    total["people"] = sum(int((people.split >= 0).sum()) for people in everyone)
    total["countries"] = len({c for people in everyone for c in people.survey.countries})
    total["questions"] = len(
        {q for p in everyone for q in p.survey.questions if q in value_questions()}
    )
    if options.public:
        return public_counts(total)
    return dict(sorted(total.items()))
