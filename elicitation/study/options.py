"""What a user asks for in a study: one dataclass for the command line, the web form and Python.

No import is heavier than cyclopts, so that `opinion-atlas elicit --help` stays fast. What the
options become is in `elicitation.study.resolve`.

Annotations are evaluated here, not postponed: cyclopts resolves those of an inherited field in the
module of the subclass, where the names of this one do not exist.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from contracts.command_line import DECODING, QUESTIONS, STEERING, flag, names, paths


@Parameter(name="*", group=QUESTIONS)
@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """Options that asking a model and exporting a task for another harness have in common.

    Empty or None takes the protocol's default.
    """

    protocol: Annotated[
        str, Parameter(help="alignment, judgments, worldvaluesbench, persons or advice.")
    ] = "alignment"
    method: Annotated[
        str,
        Parameter(
            help="How answers are elicited: verbalized, rating, option_likelihood, "
            "label_likelihood, sequence, sampling or forced_choice. Default: the protocol's own."
        ),
    ] = ""
    questions: Annotated[
        tuple[str, ...],
        names(
            "Question ids (Q1), question sets (alignment, judgments, probe, ...) or batteries "
            "(trust, gender, ...); for advice, ids of dilemmas or cultural dimensions. Default: "
            "the protocol's own sets; for alignment also cultural-map, whose fourteen questions "
            "place a model on the cultural map and leave its scores as they are."
        ),
    ] = ()
    languages: Annotated[
        tuple[str, ...],
        names("Prompt languages; `own` uses each country's own language."),
    ] = ("en",)
    vary: Annotated[
        tuple[str, ...],
        names(
            "Prompt forms, each a separate condition: default, shuffled, reversed-order, "
            "reversed-scale, letters, numbers, examples=N, example-shares=SEED, persona=N, "
            "repeat=N. Combine with +. `alignment-study` stands for that study's four forms."
        ),
    ] = ("default",)
    steer: Annotated[
        tuple[str, ...],
        names(
            "Steering, each a separate condition: none, persona, few-shot (persona with real "
            "answer distributions). Default: the protocol's own.",
            group=STEERING,
        ),
    ] = ()
    countries: Annotated[
        tuple[str, ...],
        names(
            "Target countries, as ISO 3166-1 alpha-3 codes; `all` takes every country of the "
            "release, `none` asks without a country.",
            group=STEERING,
        ),
    ] = ("all",)
    groups: Annotated[
        tuple[str, ...],
        names(
            "Subgroups within every country: sex=female, or a variable (sex) for all of its "
            "groups. Default: everyone.",
            group=STEERING,
        ),
    ] = ()
    max_tokens: Annotated[
        int | None,
        Parameter(
            help="Maximum length of a reply in tokens; raise it for reasoning models. Default: "
            "the method's own.",
            group=DECODING,
        ),
    ] = None
    seed: Annotated[int, Parameter(help="Random seed.", group=DECODING)] = 0


@Parameter(name="*", group=QUESTIONS)
@dataclass(frozen=True, kw_only=True)
class StudyOptions(TaskOptions):
    """Options of a study that this project runs itself."""

    only: Annotated[
        tuple[str, ...],
        names(
            "Ask only these conditions of all combinations, by their names in --dry-run. "
            "Default: all."
        ),
    ] = ()
    allow_unscored: Annotated[
        bool,
        flag(
            "Also ask for named countries without respondents in the release's wave, which no "
            "score can count.",
            group=STEERING,
        ),
    ] = False
    approach: Annotated[
        tuple[str, ...],
        names(
            "For advice, each a separate condition: persona, language, both, none. "
            "Default: persona.",
            group=STEERING,
        ),
    ] = ()
    dilemmas: Annotated[
        tuple[Path, ...],
        paths(
            "For advice: folders of translated dilemmas (see `translate`) or of your own, or a "
            "folder with one subfolder per language."
        ),
    ] = ()
    wordings: Annotated[
        tuple[Path, ...],
        paths(
            "Your own wordings, such as the survey's official ones: folders or CSV files as "
            "written by `wording export`. Each replaces the project's wording in its language "
            "and is recorded in the predictions.",
            name="--wording",
        ),
    ] = ()
    wave: Annotated[
        int | None,
        Parameter(help="Survey wave shown in few-shot prompts. Default: the release's latest."),
    ] = None
    few_shot_shares: Annotated[
        Literal["weighted", "unweighted"],
        Parameter(
            help="Distributions shown in few-shot prompts: weighted by the survey's design "
            "weights, or unweighted shares of respondents, as in the alignment study.",
            group=STEERING,
        ),
    ] = "weighted"
    demographics: Annotated[
        str,
        Parameter(
            help="For ratings and persons, the attributes of a persona: remote (country, "
            "settlement, education), main or, for ratings, all. none: for ratings, unconditioned "
            "samples (no persona); for persons, the country alone. Default: for ratings remote "
            "where the release holds respondents, else none; for persons main, of a model on "
            "another machine remote.",
            group=STEERING,
        ),
    ] = ""
    on_request: Annotated[
        tuple[str, ...],
        names(
            "Sensitive attributes to add to the persona: religion, ethnicity, party.",
            group=STEERING,
        ),
    ] = ()
    people: Annotated[
        int | None,
        Parameter(
            help="For ratings, the maximum number of respondents per question. Default: all of "
            "the probe.",
            group=STEERING,
        ),
    ] = None
    persons: Annotated[
        int | None,
        Parameter(
            help="For the persons protocol, synthetic respondents per country. Default: 100; under "
            "30 have no structure score.",
            group=STEERING,
        ),
    ] = None
    personas: Annotated[
        Literal["fitted", "respondents"] | None,
        Parameter(
            help="For the persons protocol, source of the personas: fitted draws them from a "
            "model of the country's demographics; respondents takes the demographics of single "
            "respondents of a private release, and the predictions must stay private. Default: "
            "fitted.",
            group=STEERING,
        ),
    ] = None
    conversation: Annotated[
        bool,
        flag(
            "For the persons protocol, ask each person all questions in one conversation, with "
            "the earlier answers in view. Default: each question in a call of its own.",
            group=DECODING,
        ),
    ] = False
    repeats: Annotated[
        int | None,
        Parameter(
            help="How often each call is made. Default: the method's own number.", group=DECODING
        ),
    ] = None
    temperature: Annotated[
        float | None,
        Parameter(help="Sampling temperature. Default: the method's own.", group=DECODING),
    ] = None
    terminator: Annotated[
        Literal["end", "newline", "none"],
        Parameter(
            help="Text that ends a scored option; `none` reproduces the papers.", group=DECODING
        ),
    ] = "end"
    orders: Annotated[
        Literal[1, 2] | None,
        Parameter(
            help="Orders of the answers in which a likelihood method asks each question: 2 asks "
            "twice, in opposite orders, and averages. Default: 2; 1 for the judgments protocol, as "
            "in its paper.",
            group=DECODING,
        ),
    ] = None
    min_label_mass: Annotated[
        float | None,
        Parameter(
            help="Least probability that all labels (or options) hold together; a cell below it "
            "is invalid. Default: 0.1 for label_likelihood, 0 for option_likelihood.",
            group=DECODING,
        ),
    ] = None
    reask: Annotated[
        bool, Parameter(help="Ask once more if a reply cannot be parsed.", group=DECODING)
    ] = True


#: The options with all defaults.
DEFAULT_STUDY = StudyOptions()
