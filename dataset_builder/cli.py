"""Sub-commands of `opinion-atlas`: build, verify, synthesize, publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

Json = Annotated[
    bool, Parameter(name="--json", negative="", help="Print JSON for programs, not for people.")
]
DryRun = Annotated[
    bool, Parameter(negative="", help="Say what would be written, and write nothing.")
]
Force = Annotated[bool, Parameter(negative="", help="Replace what is at the output already.")]
Names = Parameter(consume_multiple=True, negative="")


def build(
    sources: Annotated[
        tuple[Path, ...],
        Parameter(
            help="Survey files of waves 5 to 7, pooled or of one country, or the time series: "
            ".sav, .csv, .dta, labelled .xlsx, or a .zip that holds one. What is in them, and of "
            "which wave they are, is detected."
        ),
    ],
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder of the release; must not exist yet.")],
    split: Annotated[
        Literal["hash", "worldvaluesbench"],
        Parameter(
            help="hash: by a keyed hash of each person's id, 70/15/15 in every country, so that "
            "a new version of the file moves nobody. worldvaluesbench: that benchmark's own "
            "split, which depends on the row order of the pooled file, without Uruguay."
        ),
    ] = "hash",
    demographics: Annotated[
        Literal["main", "all", "none"],
        Parameter(
            help="What each row of `responses` says of the person: main (sex, age group, "
            "education, ... as text), all (also the raw codes of all demographic questions), or "
            "none. `respondents` holds them in any case."
        ),
    ] = "main",
    include: Annotated[
        tuple[str, ...],
        Names,
        Parameter(help="Demographics given on request only: religion, ethnicity, party."),
    ] = (),
    hold_out_questions: Annotated[
        tuple[str, ...],
        Names,
        Parameter(help="Ids of questions whose answers only the test split holds."),
    ] = (),
    hold_out_countries: Annotated[
        tuple[str, ...],
        Names,
        Parameter(help="ISO3 codes of countries whose people are all in test."),
    ] = (),
    public: Annotated[
        bool,
        Parameter(
            negative="",
            help="Aggregates alone, under disclosure control: no rows of single persons, no cell "
            "of fewer than 30 valid answers, none that follows by subtraction.",
        ),
    ] = False,
    cells: Annotated[
        bool,
        Parameter(
            negative="",
            help="Also tabulate by sex, age, education and settlement at once; makes "
            "`distributions` many times larger. Never in a public release.",
        ),
    ] = False,
    name: Annotated[str, Parameter(help="Name of the release; from its sources by default.")] = "",
    release_version: Annotated[str, Parameter(help="Version of the release.")] = "1.0.0",
    seed: Annotated[int, Parameter(help="Seed of the probe's draws.")] = 0,
    allow_unknown: Annotated[
        bool,
        Parameter(
            negative="",
            help="Set answers whose code the codebook lacks missing, and list them, instead of "
            "stopping.",
        ),
    ] = False,
    force: Force = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Turn survey files into a release: a folder that `load_dataset` and the scorer open.

    `responses` (train, validation, test), `respondents`, `questions`, `distributions`,
    `countries`, `probe`, `manifest.json` and a dataset card. The folder appears whole or not at
    all. The files of the World Values Survey must not be redistributed: keep a release private
    unless it was made with --public.
    """
    from dataset_builder import terminal
    from dataset_builder.build import build_with, plan_release
    from dataset_builder.options import BuildOptions

    options = BuildOptions(
        split=split,
        demographics=demographics,
        include=include,
        hold_out_questions=hold_out_questions,
        hold_out_countries=hold_out_countries,
        public=public,
        cells=cells,
        name=name,
        release_version=release_version,
        seed=seed,
    )
    progress = terminal.progress(json=json)
    if dry_run:
        plan = plan_release(options, sources, allow_unknown=allow_unknown, progress=progress)
        terminal.say_plan(plan, out=out, json=json)
        return
    manifest = build_with(
        options, sources, out, allow_unknown=allow_unknown, force=force, progress=progress
    )
    terminal.say_built(manifest, out=out, json=json)


def verify(
    release: Annotated[
        str,
        Parameter(help="Folder of a release, ORG/NAME@tag on the Hub, or `reference`."),
    ],
    /,
    *,
    json: Json = False,
) -> int:
    """Check every promise of a release: bytes, columns, rows, counts, splits, disclosure.

    Answers are counted once more from the long rows and compared with `distributions`. The exit
    code is 1 where anything is wrong; all problems are printed.
    """
    from dataset_builder import terminal
    from dataset_builder.verifying.run import verify_release

    found = verify_release(release, progress=terminal.progress(json=json))
    terminal.say_verified(found, json=json)
    return 0 if found.passed else 1


def synthesize(
    *,
    out: Annotated[
        Path, Parameter(help="File to write; the suffix (.csv or .sav) decides the format.")
    ],
    people: Annotated[
        int | None,
        Parameter(
            help="How many people; by default as many as version 5.0 of wave 7 has, 94,278, or as "
            "the wave asked in the 14 countries of a file of wave 5 or 6."
        ),
    ] = None,
    wave: Annotated[
        Literal[5, 6, 7],
        Parameter(
            help="Wave whose file is written. Waves 5 and 6 have 14 countries; what is not known "
            "of them is borrowed from wave 7, and the file beside it says so."
        ),
    ] = 7,
    seed: Annotated[int, Parameter(help="The same seed gives the same people.")] = 0,
    force: Force = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write a made-up survey file with real marginals, to try everything without real data.

    It has the columns, types, missing codes and quirks of the pooled file of its wave, and says
    SYNTHETIC in its version column. `build` makes one release of files of several waves.
    """
    from dataset_builder import terminal

    terminal.check_output(out, force=force, suffixes=(".csv", ".sav"))
    if wave != 7 and people is None:
        from dataset_builder.synthesis.earlier_waves_shares import wave_sizes

        people = sum(wave_sizes(wave, None))
    if dry_run:
        terminal.say_synthesis_plan(out, people=people, seed=seed, json=json)
        return
    from dataset_builder.synthesis import synthesize as write_people

    with terminal.progress(json=json)(f"making people for {out.name}"):
        write_people(out, people=people, seed=seed, wave=wave)
    terminal.say_synthesized(out, json=json)


def publish(
    release: Annotated[Path, Parameter(help="Folder of the release, as `build` wrote it.")],
    /,
    *,
    repo: Annotated[
        str, Parameter(help="Dataset repo ORG/NAME on the Hub; created if it does not exist.")
    ],
    public: Annotated[
        bool,
        Parameter(
            negative="--private",
            help="--private (default): the whole release, into a private repo. --public: "
            "aggregates under disclosure control only, into a public repo whose history never "
            "held individual rows; a private repo is never opened.",
        ),
    ] = False,
    gating: Annotated[
        bool,
        Parameter(
            help="With --public: readers accept conditions (non-profit use, citation, "
            "affiliation) before they can read the files.",
        ),
    ] = True,
    tag: Annotated[
        str, Parameter(help="Tag of the commit; `v` and the release's version by default.")
    ] = "",
    dry_run: Annotated[
        bool,
        Parameter(
            negative="",
            help="Verify the release and list what would be published; no login, no network.",
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Publish a release to the Hugging Face Hub: one commit, one tag, private by default.

    Login, write permission, visibility and history of the repo are checked first, then the
    release is verified. Individual rows never go into a public repo: the terms of the World
    Values Survey forbid it. After an interruption run the same command again: it sends what is
    missing, and sets the tag if only that is missing.

    First `opinion-atlas publish RELEASE --repo ORG/NAME --dry-run`, then `hf auth login` once,
    then the same without --dry-run. Exit code: 2 where nothing or not all was published, 1 where
    individual data can be read by everyone now.
    """
    from dataset_builder import terminal
    from dataset_builder.publishing.guard import RowsPublicError
    from dataset_builder.publishing.publish import publish_release

    try:
        done = publish_release(
            release,
            repo,
            public=public,
            gating=gating,
            tag=tag,
            dry_run=dry_run,
            progress=terminal.progress(json=json),
        )
    except RowsPublicError as error:
        terminal.say_rows_public(error, json=json)
        return 1
    terminal.say_published(done, dry_run=dry_run, json=json)
    return 0
