"""The public face: what `from opinion_atlas import ...` gives.

Everything here is loaded when it is used, so that `import opinion_atlas` and the command line's
help load no numpy. Signatures follow semantic versioning: `tests/opinion_atlas/public_face.json`
holds them, and a test compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from codebook.render.question import RenderedQuestion
    from codebook.wordings.wording import Wording
    from contracts.predictions.meta import Kind, PredictionsMeta
    from contracts.predictions.read import Predictions
    from contracts.release.read import Release
    from contracts.report import Report
    from elicitation.run.session import Session

__all__ = [
    "build_release",
    "open_release",
    "read_predictions",
    "render_question",
    "run_study",
    "score",
    "write_predictions",
]

Options = TypeVar("Options")


def open_release(source: str | Path, *, token: str | None = None) -> Release:
    """Open a release; its tables are read when they are asked for.

    Args:
        source: a folder, `ORG/NAME` or `ORG/NAME@tag` of a Hub dataset repo, or `reference`:
            the embedded aggregate answers of 57 countries.
        token: token for a private repo; else the one that `hf auth login` stored.

    Returns:
        The release. `release.manifest` says what it holds; `release.table(name)` is a pyarrow
        table with one row per respondent, answer, or option of a cell (docs/release.md).

    Raises:
        ContractError: there is no release at that place, or it cannot be read.

    Example:
        >>> from opinion_atlas import open_release
        >>> release = open_release("reference")
        >>> release.manifest.waves
        [5, 6, 7]
        >>> "DEU" in release.table("countries").column("country").to_pylist()
        True
    """
    from contracts.release.read import open_release as opened

    return opened(source, token=token)


def build_release(
    sources: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    split: Literal["hash", "worldvaluesbench"] = "hash",
    demographics: Literal["main", "all", "none"] = "main",
    include: Sequence[str] = (),
    hold_out_questions: Sequence[str] = (),
    hold_out_countries: Sequence[str] = (),
    public: bool = False,
    cells: bool = False,
    name: str = "",
    release_version: str = "1.0.0",
    seed: int = 0,
    allow_unknown: bool = False,
    force: bool = False,
) -> Release:
    """Build a release from survey files; the folder appears whole or not at all.

    Args:
        sources: one survey file or several (.sav, .csv, .dta, labelled .xlsx, or a .zip that
            holds one); each wave and country in one of them.
        out: folder to make.
        split: recipe of train, validation and test.
        demographics: what `responses` says of the respondent: the main ones as text (`main`),
            also all raw codes (`all`), or nothing (`none`).
        include: demographics given on request only: religion, ethnicity, party.
        hold_out_questions: ids whose answers only the test split holds.
        hold_out_countries: ISO3 codes whose respondents are all in the test split.
        public: aggregates alone, under disclosure control.
        cells: also tabulate by sex, age, education and settlement at once (private only).
        name: name of the release; from the sources if empty.
        release_version: version of the release.
        seed: seed of the probe's draws.
        allow_unknown: set codes that the codebook lacks missing, and list them.
        force: whether a folder at `out` may be replaced.

    Returns:
        The release, opened; the same files and options give the same bytes.

    Raises:
        ContractError: a file or an option is wrong, or the folder cannot be written; holds every
            problem.

    Example:
        >>> from dataset_builder.synthesis import synthesize  # a made-up survey file
        >>> from opinion_atlas import build_release
        >>> survey = synthesize("survey.csv", people=660)
        >>> release = build_release("survey.csv", "release")
        >>> release.manifest.counts["people"]
        660
        >>> release.manifest.synthetic is not None
        True
    """
    from contracts.release.read import open_release as opened
    from dataset_builder.build import build_release as build
    from dataset_builder.options import BuildOptions

    options = BuildOptions(
        split=split,
        demographics=demographics,
        include=_names(include),
        hold_out_questions=_names(hold_out_questions),
        hold_out_countries=_names(hold_out_countries),
        public=public,
        cells=cells,
        name=name,
        release_version=release_version,
        seed=seed,
        allow_unknown=allow_unknown,
    )
    build(
        [sources] if isinstance(sources, str | Path) else list(sources), out, options, force=force
    )
    return opened(out)


def read_predictions(
    path: str | Path,
    *,
    meta_path: str | Path | None = None,
    bad_cells: Literal["refuse", "invalid"] = "refuse",
) -> Predictions:
    """Read and check a predictions file: what a model answered.

    Args:
        path: file ending in .jsonl, .csv, .tsv or .parquet (docs/predictions.md).
        meta_path: its metadata; else the header record, else the sidecar `<name>.meta.json`.
        bad_cells: `refuse` the file where a distribution's options or shares are wrong, or read
            such cells as `invalid`, which lowers coverage.

    Returns:
        The predictions. Of whole distributions, `cells` is a pyarrow table with a row per
        (question, country, group); `shares` of a row has shape (k,), in scale order, sum 1.
        Ratings come in `batches()`; advice in `table`.

    Raises:
        ContractError: the file breaks the format; holds every problem with its row.

    Example:
        >>> from pathlib import Path
        >>> from opinion_atlas import read_predictions
        >>> _ = Path("answers.csv").write_text(
        ...     "question_id,country,option,share\\nQ1,CHL,1,90%\\nQ1,CHL,2,10%\\n"
        ... )
        >>> predictions = read_predictions("answers.csv")
        >>> predictions.kind, predictions.tolerated["percent_strings"]
        ('distribution', 2)
        >>> predictions.cells.to_pylist()[0]["shares"]
        [0.9, 0.1, 0.0, 0.0]
    """
    from contracts.predictions.read import read_predictions as read

    return read(path, meta_path=meta_path, bad_cells=bad_cells)


def write_predictions(
    path: str | Path,
    records: Iterable[Mapping[str, Any]],
    *,
    meta: PredictionsMeta | Mapping[str, Any],
    kind: Kind = "distribution",
) -> Predictions:
    """Write predictions in one step, and read them back checked.

    Args:
        path: file ending in .jsonl, .csv, .tsv or .parquet; the last three hold tables, and CSV
            and TSV get a sidecar `<name>.meta.json`.
        records: for `distribution`: question_id, country, group (both optional), shares (option
            code -> share; they sum to 1) and optionally status. For `rating`: question_id,
            participant or sample, score (None where it could not be read). For `advice`:
            prompt_id, country, approach, language, option_order, repeat, side.
        meta: metadata, for instance `{"model": "ORG/NAME", "method": "verbalized"}`; all fields
            in docs/predictions.md.
        kind: kind of the predictions: `distribution`, `rating` or `advice`.

    Returns:
        The predictions, as `read_predictions` reads them.

    Raises:
        ContractError: a record, the metadata or the ending of the file is wrong, or the place
            cannot be written to. Nothing is written then, and an older file stays.

    Example:
        >>> from opinion_atlas import write_predictions
        >>> shares = {1: 0.9, 2: 0.07, 3: 0.02, 4: 0.01}
        >>> records = [{"question_id": "Q1", "country": "CHL", "shares": shares}]
        >>> meta = {"model": "ORG/NAME", "method": "verbalized"}
        >>> predictions = write_predictions("answers.jsonl", records, meta=meta)
        >>> predictions.rows, predictions.meta.model
        (1, 'ORG/NAME')
    """
    from contracts.predictions.checked import write_checked_predictions
    from contracts.predictions.meta import parse_meta

    known = parse_meta(meta, where="meta") if isinstance(meta, Mapping) else meta
    return write_checked_predictions(path, records, meta=known, kind=kind)


def score(
    predictions: Predictions | str | Path,
    release: Release | str | Path = "reference",
    *,
    protocols: Sequence[str] | None = None,
    mode: Literal["corrected", "paper", "paper-listed"] = "corrected",
    questions: str | Sequence[str] | None = None,
    weights: Literal["design", "none"] = "design",
    design: Literal["design", "kish"] = "design",
    ceiling: Literal["aggregates", "halves"] = "aggregates",
    split: Literal["all", "train", "test"] | None = None,
    wave: int | None = None,
    seed: int = 0,
    replicates: int = 1000,
    cells: bool = False,
    protected: bool = False,
) -> Report:
    """Score predictions against the respondents of a release.

    Args:
        predictions: from `read_predictions` or `write_predictions`, or the path of their file.
        release: from `open_release` or `build_release`, or what `open_release` takes.
        protocols: names of protocols to score by; None is all that apply.
        mode: `corrected`, or `paper` for each paper's own rules; `paper-listed` is `paper` with
            Q119 in the order of the alignment paper's prompt.
        questions: name of a question set, or question ids; None is the set that the predictions
            were made for.
        weights: `design` counts respondents by their design weights, `none` equally.
        design: floors, ceilings and intervals by clusters, strata and weights of the interviews
            (`design`) or by unequal weights alone (`kish`).
        ceiling: human ceilings from effective sample sizes (`aggregates`), or from random halves of
            the release's respondents that keep clusters whole (`halves`).
        split: whose answers count; None is `test` for a model trained on the survey where the
            release has a test split, else `all`.
        wave: wave of the respondents, 5, 6 or 7; None is that of the predictions.
        seed: seed of every random draw.
        replicates: bootstrap replicates of the intervals, at least 2.
        cells: whether the report lists every cell with both sides' shares (large).
        protected: whether others than the holder of the release's rows may see the report.

    Returns:
        The report; `report.score("alignment").value` has `estimate`, `low` and `high` (95 %
        interval), in [0, 1] for alignment. The same arguments give the same report. Every score
        and table: docs/report.md, docs/scoring.md.

    Raises:
        ContractError: an argument has an unknown value, a file breaks its format, or the release
            lacks what the predictions need (ratings need single respondents).

    Formula: alignment of a cell is 1 - sum_j |F_j - G_j| / (K - 1), with F and G the cumulative
    shares of model and respondents over K ordered options; a country's score is the mean over
    questions, the overall score the mean over countries.
    Source: Santurkar et al. (2023), PMLR 202, 29971-30004, eq. 2.

    Example:
        >>> from opinion_atlas import score, write_predictions
        >>> shares = {1: 0.9, 2: 0.07, 3: 0.02, 4: 0.01}
        >>> records = [{"question_id": "Q1", "country": "CHL", "shares": shares}]
        >>> meta = {"model": "ORG/NAME", "method": "verbalized"}
        >>> predictions = write_predictions("answers.jsonl", records, meta=meta)
        >>> report = score(predictions, "reference", questions=["Q1"], replicates=100)
        >>> 0.9 < report.score("alignment").value.estimate < 1
        True
    """
    from contracts.predictions.read import Predictions as Read
    from contracts.predictions.read import read_predictions as read
    from contracts.release.read import Release as Opened
    from contracts.release.read import open_release as opened
    from scoring.engine import score as score_read

    answers = predictions if isinstance(predictions, Read) else read(predictions)
    return score_read(
        answers,
        release if isinstance(release, Opened) else opened(release),
        protocols=protocols,
        mode=mode,
        questions=questions,
        weights=weights,
        design=design,
        ceiling=ceiling,
        split=split,
        seed=seed,
        replicates=replicates,
        wave=answers.meta.wave if wave is None else wave,
        cells=cells,
        protected=protected,
    )


def run_study(
    model: str,
    out: str | Path,
    *,
    release: Release | str | Path = "reference",
    protocol: str = "alignment",
    method: str = "",
    steer: Sequence[str] = (),
    countries: Sequence[str] = ("all",),
    groups: Sequence[str] = (),
    questions: Sequence[str] = (),
    languages: Sequence[str] = ("en",),
    vary: Sequence[str] = ("default",),
    approach: Sequence[str] = (),
    dilemmas: Sequence[str | Path] = (),
    wording: Sequence[str | Path] = (),
    demographics: str = "",
    on_request: Sequence[str] = (),
    people: int | None = None,
    persons: int | None = None,
    personas: Literal["fitted", "respondents"] | None = None,
    conversation: bool = False,
    repeats: int | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    seed: int = 0,
    wave: int | None = None,
    prompts: Literal["auto", "chat", "plain"] = "auto",
    terminator: Literal["end", "newline", "none"] = "end",
    reask: bool = True,
    engine: Literal["local", "ray"] = "local",
    base_url: str = "",
    provider: str = "",
    revision: str = "",
    dtype: str = "auto",
    device: str = "auto",
    device_map: str = "",
    batch_tokens: int = 16384,
    scorer: str = "auto",
    concurrency: int = 16,
    requests_per_minute: float | None = None,
    timeout: float = 120.0,
    attempts: int = 6,
    label_logprobs: str = "auto",
    thinking: Literal["default", "on", "off"] = "default",
    reasoning_effort: str = "",
    template_option: Sequence[str] = (),
    extra_body: str = "",
    engine_option: Sequence[str] = (),
    min_label_mass: float | None = None,
    orders: Literal[1, 2] | None = None,
    allow_unscored: bool = False,
    few_shot_shares: Literal["weighted", "unweighted"] = "weighted",
    only: Sequence[str] = (),
    max_calls: int | None = None,
    max_cost: float | None = None,
    price_in: float = 0.0,
    price_out: float = 0.0,
    allow_remote_microdata: bool = False,
    shard: str = "1/1",
    meta: Mapping[str, Any] | None = None,
    format: Literal["jsonl", "csv", "tsv", "parquet"] = "jsonl",  # noqa: A002
) -> Session:
    """Ask a model the survey, and write its answers as predictions files.

    What `opinion-atlas elicit` does, quietly. Every reply is stored before it is read
    (`OUT/calls.sqlite`); the same call again makes only the model calls that are lacking.

    Args:
        model: `hf:ORG/NAME` (or a folder; on this machine), `vllm:ORG/NAME` (likewise),
            `openai:NAME` (any OpenAI-compatible server, see `base_url`), `hub:ORG/NAME` (a hosted
            provider), `mock:steady` (no model).
        out: folder of the run; predictions files are in `OUT/predictions`.
        release: from `open_release` or `build_release`, or what `open_release` takes.
        protocol, method, steer, countries, groups, questions, languages, vary, approach, dilemmas,
        wording, demographics, on_request, people, persons, personas, conversation, repeats,
        temperature, max_tokens, seed, wave, prompts, terminator, reask, orders, min_label_mass,
        allow_unscored, few_shot_shares, only: the options of `opinion-atlas elicit`
            with the same names and defaults (docs/elicitation.md). A list takes a single text
            too.
        engine, base_url, provider, revision, dtype, device, device_map, batch_tokens, scorer,
        concurrency, requests_per_minute, timeout, attempts, label_logprobs, thinking,
        reasoning_effort, template_option, extra_body, engine_option: how the model is
            reached; `timeout` is in seconds, `batch_tokens` in tokens.
        max_calls, max_cost, price_in, price_out: where the run stops; prices are those of a
            million tokens.
        allow_remote_microdata: see docs/elicitation.md before you set it.
        shard: `K/N`: only every N-th call from the K-th, for several machines.
        meta: facts about the model, for instance `{"family": "llama", "parameters": 7e9}`.
        format: of the predictions files.

    Returns:
        What the run did: `files` (each with its `path`, `condition`, `records` and `statuses`,
        one for every condition), `progress` (calls made and reused, tokens, and why it stopped
        early) and `errors` (the latest different ones).

    Raises:
        ContractError: an option has an unknown value, options do not go together, the folder
            holds another run, or the model cannot be reached or loaded.
        KeyboardInterrupt: after what came back was stored and written.

    Example:
        >>> from opinion_atlas import run_study
        >>> asked = {"steer": "persona", "countries": "DEU,JPN", "questions": ["Q1", "Q2"]}
        >>> session = run_study("mock:steady", "run", **asked)
        >>> [(file.path.name, file.records) for file in session.files]
        [('steady_alignment_verbalized_persona_en.jsonl', 4)]
        >>> session.progress.made
        4
    """
    given = dict(locals())
    from contracts.release.read import Release as Opened
    from elicitation.backends.registry import BackendOptions, split_model
    from elicitation.commands.elicit import ask_model
    from elicitation.commands.options import ElicitOptions
    from elicitation.run.limits import Limits
    from elicitation.study.options import StudyOptions

    split_model(model)
    _check_choices(
        prompts=(prompts, ("auto", "chat", "plain")),
        terminator=(terminator, ("end", "newline", "none")),
        few_shot_shares=(few_shot_shares, ("weighted", "unweighted")),
        personas=(personas or "", ("", "fitted", "respondents")),
        engine=(engine, ("local", "ray")),
    )
    opened = release if isinstance(release, Opened) else None
    options = ElicitOptions(
        release=opened.source if opened else str(release),
        study=_options(StudyOptions, given, wordings=_paths(wording), dilemmas=_paths(dilemmas)),
        backend=_options(BackendOptions, given),
        limits=Limits(
            max_calls=max_calls,
            max_cost=max_cost,
            prompt_price=price_in,
            completion_price=price_out,
        ),
        prompts=prompts,
        engine=engine,
        shard=shard,
        meta=tuple(f"{name}={fact}" for name, fact in (meta or {}).items()),
        allow_remote_microdata=allow_remote_microdata,
        suffix=format,
    )
    return ask_model(model, options, Path(out), release=opened)


def _options(kind: type[Options], given: Mapping[str, Any], **chosen: Any) -> Options:
    """An options object from `chosen` and the arguments that are fields of it."""
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name in given and field.name not in chosen:
            argument = given[field.name]
            chosen[field.name] = _names(argument) if isinstance(field.default, tuple) else argument
    return kind(**chosen)


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    """Names as a tuple; one text holds one name, or several with commas."""
    if isinstance(given, str):
        return tuple(part.strip() for part in given.split(",") if part.strip())
    return tuple(str(name) for name in given)


def _paths(given: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    """Paths as a tuple; one text is one path."""
    return (Path(given),) if isinstance(given, str | Path) else tuple(map(Path, given))


def _check_choices(**choices: tuple[str, Sequence[str]]) -> None:
    """Whether each argument has one of its values; every problem is raised at once."""
    from contracts.errors import ContractError, unknown_values

    problems = [
        unknown_values(name, choice, allowed)
        for name, (choice, allowed) in choices.items()
        if choice not in allowed
    ]
    if problems:
        raise ContractError(problems, subject="arguments of run_study")


def render_question(
    question_id: str,
    *,
    form: Literal["options", "rating", "agree"] = "options",
    language: str = "en",
    wording: Wording | None = None,
    order: Sequence[int] | None = None,
    labels: Literal["numbers", "letters"] = "numbers",
    reverse: bool = False,
    volunteered: bool = False,
    anchors: Literal["ends", "all"] = "ends",
) -> RenderedQuestion:
    """A question with its answers as text, the same for the same arguments.

    Args:
        question_id: a value question, for instance `Q1`.
        form: `options` lists the answers; `rating` names a scale of numbers before the question;
            `agree` lists the answers below a statement (agreement scales only).
        language: language of the project's wording: en, de, es, ja, ko, pt, ru, vi or zh.
        wording: texts to take in place of the project's (`codebook.wordings.files`).
        order: raw codes in the order to show, a permutation of those on offer, length K.
        labels: `numbers` or `letters`.
        reverse: turn the scale round: the labels run from its other end.
        volunteered: also offer the answers that interviewers did not read out.
        anchors: for ratings, name both `ends` of the scale or `all` its numbers.

    Returns:
        The question: `text` is what to show, `code_by_label` maps a reply's label to a raw code.

    Raises:
        ContractError: there is no wording in the language.
        RenderError: there is no such question or no text for it, or arguments do not go together.

    Example:
        >>> from opinion_atlas import render_question
        >>> question = render_question("Q1", order=[4, 3, 2, 1], labels="letters")
        >>> print(question.text.splitlines()[-1])
        D) Very important
        >>> question.code_by_label["D"]
        1
    """
    from codebook.render.question import render_question as render
    from codebook.wordings.wording import wording as texts_in

    return render(
        question_id,
        form=form,
        wording=wording or texts_in(language),
        order=order,
        labels=labels,
        reverse=reverse,
        volunteered=volunteered,
        anchors=anchors,
    )
