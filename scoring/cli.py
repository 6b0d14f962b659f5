"""Sub-commands of `opinion-atlas`: score, baselines, compare, report and its studies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from codebook import QUESTION_SETS
from contracts.command_line import (
    CONTENTS,
    OUTPUT,
    RULES,
    SCORED,
    DryRun,
    FileFormat,
    Json,
    ReleaseName,
    flag,
    names,
    paths,
)
from contracts.errors import fail
from contracts.specs import protocol_names

if TYPE_CHECKING:
    ProtocolName = str
else:  # the command line shows and checks the names
    ProtocolName = Literal[protocol_names()]


def baselines(
    *,
    out: Annotated[
        Path,
        Parameter(help="Folder for the predictions files; created if missing.", group=OUTPUT),
    ],
    release: Annotated[ReleaseName, Parameter(group=CONTENTS)] = "reference",
    wave: Annotated[
        int | None,
        Parameter(
            help="Survey wave to predict. Default: the latest of the release.", group=CONTENTS
        ),
    ] = None,
    only: Annotated[
        tuple[str, ...],
        paths(
            "Baselines to write: uniform, majority, world-average, continent-average, "
            "nearest-country, previous-wave, uniform-ratings, majority-ratings. Default: all that "
            "the release allows.",
            group=CONTENTS,
        ),
    ] = (),
    suffix: FileFormat = "jsonl",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write baseline predictions, computed from a release's own aggregates.

    They are the reference points of a score: uniform and majority use no knowledge of the
    country, the world and continent averages use the other countries, and the nearest country and
    the previous wave show how similar real populations are.

    For example:

        opinion-atlas baselines --release reference --out baselines
        opinion-atlas baselines --out baselines --only uniform world-average --format parquet
    """
    from contracts.release.read import open_release
    from scoring.baselines.distributions import choose_baselines, write_baselines
    from scoring.presentation.terminal import say_baselines, say_plan

    opened = open_release(release)
    ending = f".{suffix.lstrip('.')}"
    if dry_run:
        say_plan([out / f"{name}{ending}" for name in choose_baselines(only or None)], json=json)
        return
    written = write_baselines(opened, out, wave=wave, names=only or None, suffix=ending)
    say_baselines(written, out=out, release=release, json=json)


def score(
    predictions: Annotated[
        Path,
        Parameter(
            help="Predictions files: .jsonl, .csv, .tsv or .parquet. Several in one call cost less "
            "than one after the other: what depends on the respondents alone is worked out once.",
            group=SCORED,
        ),
    ],
    /,
    *more: Annotated[Path, Parameter(help="Further predictions files.", group=SCORED)],
    release: Annotated[ReleaseName, Parameter(group=SCORED)] = "reference",
    questions: Annotated[
        str | None,
        Parameter(
            help="Questions to score on: a set (alignment, worldvaluesbench, common75, judgments, "
            "probe, all) or a text file with one question id per line. Default: the set that the "
            "predictions were made for.",
            group=SCORED,
        ),
    ] = None,
    split: Annotated[
        Literal["all", "train", "test"] | None,
        Parameter(
            help="Respondents to compare with. Default: all; the test split for a model that was "
            "trained on the survey.",
            group=SCORED,
        ),
    ] = None,
    wave: Annotated[
        int | None,
        Parameter(
            help="Survey wave of the respondents. Default: that of the predictions.", group=SCORED
        ),
    ] = None,
    meta: Annotated[
        Path | None,
        Parameter(
            help="Metadata file, if the metadata are neither in the predictions file nor next to "
            "it.",
            group=SCORED,
        ),
    ] = None,
    protocol: Annotated[
        tuple[ProtocolName, ...],
        paths(
            "Protocols to score by. Default: all that apply; the report states why others do not.",
            group=RULES,
        ),
    ] = (),
    compat: Annotated[
        Literal["paper", "paper-listed"] | None,
        Parameter(
            help="`paper` follows the published rules of each paper instead of the corrected ones; "
            "`paper-listed` does so with Q119 in the order of the alignment paper's prompt, as "
            "its tables 1 and 9 do.",
            group=RULES,
        ),
    ] = None,
    weights: Annotated[
        Literal["design", "none"],
        Parameter(
            help="Weight respondents by the survey's design weights, or equally.", group=RULES
        ),
    ] = "design",
    design: Annotated[
        Literal["design", "kish"],
        Parameter(
            help="Base floors, ceilings and intervals on clusters, strata and weights of the "
            "interviews (design), or on unequal weights alone (kish).",
            group=RULES,
        ),
    ] = "design",
    ceiling: Annotated[
        Literal["aggregates", "halves"],
        Parameter(
            help="Human ceilings from effective sample sizes (aggregates), or from random halves "
            "of the release's respondents that keep clusters whole (halves; needs a release with "
            "respondents).",
            group=RULES,
        ),
    ] = "aggregates",
    replicates: Annotated[
        int, Parameter(help="Bootstrap replicates for intervals.", group=RULES)
    ] = 1000,
    seed: Annotated[int, Parameter(help="Random seed (recorded in the report).", group=RULES)] = 0,
    protected: Annotated[
        bool,
        flag(
            "Write a report fit for publication, as boards need it, from figures under disclosure "
            "control. Ratings: from rounded counts of the release's probe, without scores that "
            "pair a rating with its respondent. A public release has no other figures.",
            group=RULES,
        ),
    ] = False,
    bad_cells: Annotated[
        Literal["refuse", "invalid"],
        Parameter(
            help="Treatment of a cell with an unknown option or with shares that are not numbers: "
            "the file is refused, or the cell counts as an invalid answer.",
            group=RULES,
        ),
    ] = "refuse",
    cells: Annotated[
        bool, flag("Include every (country, question) cell in the report.", group=OUTPUT)
    ] = False,
    out: Annotated[
        Path | None,
        Parameter(
            help="File to write the report to (JSON); with several predictions files a folder, in "
            "which each report is named after its predictions.",
            group=OUTPUT,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Score predictions files against the respondents of a release.

    Without --out only a summary is printed. The same inputs and seed give the same report.

    For example:

        opinion-atlas score baselines/uniform.jsonl --out uniform.json
        opinion-atlas score answers.csv --release release --protocol alignment --cells
        opinion-atlas score baselines/uniform.jsonl baselines/majority.jsonl --out reports
    """
    from scoring.score_files import Options, score_files

    options = Options(
        release=release,
        meta=meta,
        bad_cells=bad_cells,
        wave=wave,
        rules={
            "protocols": protocol or None,
            "mode": compat or "corrected",
            "questions": named_questions(questions),
            "weights": weights,
            "design": design,
            "ceiling": ceiling,
            "split": split,
            "seed": seed,
            "replicates": replicates,
            "cells": cells,
            "protected": protected,
        },
    )
    score_files((predictions, *more), options, out=out, json=json)


def compare(
    first: Annotated[Path, Parameter(help="A report.")],
    second: Annotated[Path, Parameter(help="The report to compare it with.")],
    /,
    *,
    seed: Annotated[int, Parameter(help="Seed of the permutations.")] = 0,
    permutations: Annotated[int, Parameter(help="Random sign patterns of the test.")] = 9999,
    out: Annotated[Path | None, Parameter(help="Where to write the comparison (JSON).")] = None,
    json: Json = False,
) -> None:
    """Compare two reports over the questions and countries that both scored.

    A paired sign-flip permutation test says whether the difference could be chance; countries
    are adjusted for their number (Holm, Benjamini-Hochberg).
    """
    from contracts.atomic import write_text
    from contracts.digests import pretty_json
    from contracts.report import read_report
    from scoring.comparison.compare import advice_rows, compare_advice, compare_reports
    from scoring.presentation.summary import say_comparison
    from scoring.presentation.terminal import print_json

    one, two = read_report(first), read_report(second)
    if advice_rows(one) and advice_rows(two):
        pairs = [pair.to_json() for pair in compare_advice(one, two, seed=seed)]
        if out is not None:
            write_text(out, pretty_json(pairs))
        print_json(pairs)
        return
    comparison = compare_reports(one, two, seed=seed, permutations=permutations)
    if out is not None:
        write_text(out, pretty_json(comparison.to_json()))
    if json:
        print_json(comparison.to_json())
    else:
        say_comparison(comparison)


report = App(
    name="report",
    help="Show a report as a page, the difference of two, or studies of several.",
)


@report.command(name="html")
def report_html(
    file: Annotated[Path, Parameter(help="A report.")],
    /,
    *,
    out: Annotated[Path, Parameter(help="Where to write the page (.html).")],
) -> None:
    """Write a report as one page that opens offline, in a browser or from a mail."""
    from contracts.report import read_report
    from scoring.presentation.html import write_page

    write_page(read_report(file), out)
    print(f"Page: {out}")


@report.command(name="hub")
def report_hub(
    file: Annotated[Path, Parameter(help="A report.")],
    /,
    *,
    dataset: Annotated[
        str, Parameter(help="Dataset repository of the benchmark on the Hub: ORG/NAME.")
    ],
    out: Annotated[
        Path, Parameter(help="Folder for the YAML file; created if missing.", group=OUTPUT)
    ] = Path(".eval_results"),
    score: Annotated[
        tuple[str, ...], names("Scores to write, as reports name them; each is a task's id.")
    ] = ("alignment",),
    revision: Annotated[str, Parameter(help="Commit of the dataset repository.")] = "",
    date: Annotated[
        str, Parameter(help="Date of the evaluation, YYYY-MM-DD. Default: that of the commit.")
    ] = "",
    source: Annotated[str, Parameter(help="Address of the whole report or of the board.")] = "",
    open_pr: Annotated[
        str,
        Parameter(
            help="Model repository (ORG/NAME) on the Hub to which a pull request with the file is "
            "opened, with the token of `hf auth login` or HF_TOKEN.",
            group=OUTPUT,
        ),
    ] = "",
) -> None:
    """Write a report as evaluation results of a model repository on the Hugging Face Hub.

    The file belongs into the folder `.eval_results` of the model's repository. Values are the
    printed digits of the report; notes hold interval and condition.

    For example:

        opinion-atlas report hub report.json --dataset ORG/NAME --out .eval_results/
        opinion-atlas report hub report.json --dataset ORG/NAME --open-pr ORG/MODEL
    """
    from contracts.report import read_report
    from scoring.presentation import eval_results as results

    scored_report = read_report(file)
    entries = results.eval_result_entries(
        scored_report, dataset=dataset, scores=score, revision=revision, date=date, source=source
    )
    name = results.eval_results_name(scored_report)
    print(f"Evaluation results: {results.write_eval_results(entries, out, name)}")
    if open_pr:
        print(f"Pull request: {results.open_pull_request(entries, open_pr, name)}")


@report.command(name="diff")
def report_diff(
    first: Annotated[Path, Parameter(help="A report.")],
    second: Annotated[Path, Parameter(help="The report to compare it with.")],
    /,
    *,
    tolerance: Annotated[
        float,
        Parameter(help="Largest difference of two numbers that counts as none, relative above 1."),
    ] = 1e-8,
    limit: Annotated[int, Parameter(help="Most differences to print; 0 prints all.")] = 50,
    json: Json = False,
) -> int:
    """Print where two reports differ; nothing, and exit code 0, where they do not."""
    from scoring.comparison.diff import diff_files
    from scoring.presentation.terminal import say_differences

    differences = diff_files(first, second, tolerance=tolerance)
    say_differences(differences, limit=limit, json=json)
    return 1 if differences else 0


ReportFile = Annotated[Path, Parameter(help="Reports, or folders of reports (*.json).")]
StudyOut = Annotated[
    tuple[Path, ...],
    paths("Files to write: .json (everything), .md (tables), .html (one page that opens offline)."),
]


@report.command(name="steering")
def report_steering(
    *files: ReportFile,
    countries: Annotated[
        tuple[str, ...],
        names("ISO 3166-1 alpha-3 codes. Default: the countries of the steered answers."),
    ] = (),
    seed: Annotated[int, Parameter(help="Seed of the permutations.")] = 0,
    permutations: Annotated[int, Parameter(help="Random sign patterns of each test.")] = 9999,
    out: StudyOut = (),
    json: Json = False,
) -> None:
    """Compare steering conditions: alignment by country, condition and model.

    Takes one report for each condition (steering and language) of each model. Only questions
    count that all conditions of a model have, so what any prompt showed with answers is left out
    for all. Reports scored by the paper's rules (score --compat paper --cells) get the paper's
    independent t-test and stars; others a paired test, adjusted for the number of tests.
    """
    from scoring.presentation.terminal import working
    from scoring.studies.files import read_reports, say_study, write_study
    from scoring.studies.steering import steering_study

    reports = read_reports(files)
    chosen = tuple(code.upper() for code in countries)
    with working(f"testing {len(reports)} reports"):
        study = steering_study(reports, countries=chosen, seed=seed, permutations=permutations)
    written = write_study(study, out)
    say_study(study, written, json=json)


@report.command(name="trend")
def report_trend(
    *files: ReportFile,
    out: StudyOut = (),
    json: Json = False,
) -> None:
    """Find the survey wave that answers match best: alignment with the people of waves 5, 6 and 7.

    Follows a fixed panel of countries and the paper's C*, beside the people of the wave before;
    with fewer than five countries there is no trend, and the table says why. Needs reports scored
    on a release with several waves.
    """
    from scoring.studies.files import read_reports, say_study, write_study
    from scoring.studies.trend import trend_study

    study = trend_study(read_reports(files))
    written = write_study(study, out)
    say_study(study, written, json=json)


@report.command(name="sensitivity")
def report_sensitivity(
    *files: ReportFile,
    out: StudyOut = (),
    json: Json = False,
) -> None:
    """Measure prompt sensitivity: variants of the prompt compared with the default prompt.

    Takes the reports of one run with several variants (elicit --vary). Correlations over
    countries are high for any prompt, since countries differ more than prompts do; over
    questions, and as the mean change of a cell, sensitivity shows.
    """
    from scoring.studies.files import read_reports, say_study, write_study
    from scoring.studies.prompts import sensitivity_study

    study = sensitivity_study(read_reports(files))
    written = write_study(study, out)
    say_study(study, written, json=json)


@report.command(name="models")
def report_models(
    *files: ReportFile,
    score: Annotated[
        str, Parameter(help="Score that trends and pairs are about, as reports name it.")
    ] = "alignment",
    seed: Annotated[int, Parameter(help="Seed of the permutations.")] = 0,
    out: StudyOut = (),
    json: Json = False,
) -> None:
    """Compare models: trends over size and training tokens, chat and base models, countries.

    Takes one report of each model. Size, training tokens and the base model of a chat model are
    those of the predictions' metadata (parameters, training_tokens, base_model).
    """
    from scoring.studies.files import read_reports, say_study, write_study
    from scoring.studies.models import models_study

    study = models_study(read_reports(files), score=score, seed=seed)
    written = write_study(study, out)
    say_study(study, written, json=json)


report.command("scoring.robustness_command:report_robustness", name="robustness")
report.command("scoring.robustness_command:report_steerability", name="steerability")


def named_questions(questions: str | None) -> str | tuple[str, ...] | None:
    """A set's name as it is, else the ids in the file of that name.

    A file holds one id per line; blank lines and what follows a # do not count.

    Raises:
        ContractError: it is neither a set nor a file that can be read.
    """
    if questions is None or questions == "all" or questions in QUESTION_SETS:
        return questions
    path = Path(questions)
    if not path.is_file():
        raise fail(
            "unknown-question-set",
            "there is neither a question set nor a file of this name",
            found=questions,
            allowed=", ".join(("all", *QUESTION_SETS)),
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise fail("not-utf8", "the list of questions is not UTF-8 text", where=questions) from None
    ids = tuple(text.upper() for line in lines if (text := line.partition("#")[0].strip()))
    if not ids:
        raise fail("empty-question-set", "the file names no question", where=questions)
    return ids
