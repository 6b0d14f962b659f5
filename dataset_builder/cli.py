"""Sub-commands of `opinion-atlas`: build, verify, synthesize, publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from contracts.command_line import CONTENTS, HUB, OUTPUT, DryRun, Force, Json, ReleaseName, flag
from dataset_builder.options import DEFAULT_BUILD, BuildOptions


def build(
    sources: Annotated[
        tuple[Path, ...],
        Parameter(
            help="Survey files of waves 5 to 7 (pooled or of one country) or of the time series: "
            ".sav, .csv, .dta, labelled .xlsx, or a .zip with one of them. Their contents and "
            "waves are detected."
        ),
    ],
    /,
    *,
    out: Annotated[
        Path, Parameter(help="Folder of the release; must not exist yet.", group=OUTPUT)
    ],
    options: BuildOptions = DEFAULT_BUILD,
    force: Force = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Turn survey files into a release: a folder that `load_dataset` and the scorer open.

    Writes `responses` (train, validation, test), `respondents`, `questions`, `distributions`,
    `countries`, `probe`, `manifest.json` and a dataset card. The folder appears complete or not
    at all. The files of the World Values Survey must not be redistributed: keep a release private
    unless it was made with --public.

    For example, on your own files; for publication; without real data:

        opinion-atlas build WVS_Cross-National_Wave_7.sav --out release
        opinion-atlas build WVS_Cross-National_Wave_7.sav --out public --public
        opinion-atlas synthesize --out synthetic.csv
        opinion-atlas build synthetic.csv --out trial --hold-out-countries JPN --dry-run
    """
    from dataset_builder import terminal
    from dataset_builder.build import build_release, plan_release

    progress = terminal.progress(json=json)
    if dry_run:
        plan = plan_release(options, sources, progress=progress)
        terminal.say_plan(plan, out=out, json=json)
        return
    manifest = build_release(sources, out, options, force=force, progress=progress)
    terminal.say_built(manifest, out=out, json=json)


def verify(release: ReleaseName, /, *, json: Json = False) -> int:
    """Check every invariant of a release: bytes, columns, rows, counts, splits, disclosure.

    Answers are recounted from the individual rows and compared with `distributions`. All problems
    are printed; exits with 1 if there are any.
    """
    from dataset_builder import terminal
    from dataset_builder.verifying.run import verify_release

    verification = verify_release(release, progress=terminal.progress(json=json))
    terminal.say_verified(verification, json=json)
    return 0 if verification.passed else 1


def synthesize(
    *,
    out: Annotated[
        Path,
        Parameter(
            help="File to write; the suffix (.csv or .sav) decides the format.", group=OUTPUT
        ),
    ],
    people: Annotated[
        int | None,
        Parameter(
            help="Number of respondents. Default: that of version 5.0 of wave 7 (94,278), or of "
            "the wave in the 14 countries of a file of wave 5 or 6.",
            group=CONTENTS,
        ),
    ] = None,
    wave: Annotated[
        Literal[5, 6, 7],
        Parameter(
            help="Wave of the file. Waves 5 and 6 have 14 countries; marginals that are unknown "
            "for them are taken from wave 7, as the accompanying file states.",
            group=CONTENTS,
        ),
    ] = 7,
    seed: Annotated[
        int,
        Parameter(help="Random seed; the same seed gives the same respondents.", group=CONTENTS),
    ] = 0,
    force: Force = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write a synthetic survey file with real marginals, to try everything without real data.

    It has the columns, types, missing codes and irregularities of the pooled file of its wave,
    and is marked SYNTHETIC in its version column. `build` combines files of several waves into
    one release.

    For example:

        opinion-atlas synthesize --out synthetic.csv --people 5000
        opinion-atlas build synthetic.csv --out release
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
    release: Annotated[Path, Parameter(help="Folder of the release, as written by `build`.")],
    /,
    *,
    repo: Annotated[
        str,
        Parameter(
            help="Dataset repo ORG/NAME on the Hub; created if it does not exist.", group=HUB
        ),
    ],
    public: Annotated[
        bool,
        Parameter(
            negative="--private",
            help="--private (default): the whole release, to a private repo. --public: aggregates "
            "under disclosure control only, to a public repo whose history never contained "
            "individual rows; a private repo is never made public.",
            group=HUB,
        ),
    ] = False,
    gating: Annotated[
        bool,
        Parameter(
            help="With --public: readers must accept conditions (non-profit use, citation, "
            "affiliation) before they can read the files.",
            group=HUB,
        ),
    ] = True,
    tag: Annotated[
        str,
        Parameter(help="Tag of the commit. Default: `v` and the release's version.", group=HUB),
    ] = "",
    allow_differences: Annotated[
        bool,
        flag(
            "With --public: publish beside an earlier public release of the same survey made from "
            "other files or with another split. Answers of respondents who were added, changed or "
            "taken out in between then follow from the difference.",
            group=HUB,
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        flag(
            "Verify the release and list what would be published; needs no login and no network.",
            group=OUTPUT,
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Publish a release to the Hugging Face Hub: one commit, one tag, private by default.

    Login, write permission, visibility and history of the repo are checked first, then the
    release is verified. Individual rows never go into a public repo: the terms of the World
    Values Survey forbid it. After an interruption repeat the command: it sends only what is
    missing. Exits with 2 if the release was not published completely, and with 1 if individual
    data can now be read by everyone.

    For example, rehearse, log in once (`hf auth login`), then publish:

        opinion-atlas publish release --repo ORG/NAME --dry-run
        opinion-atlas publish release --repo ORG/NAME
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
            allow_differences=allow_differences,
            dry_run=dry_run,
            progress=terminal.progress(json=json),
        )
    except RowsPublicError as error:
        terminal.say_rows_public(error, json=json)
        return 1
    terminal.say_published(done, dry_run=dry_run, json=json)
    return 0
