"""Sub-commands of `opinion-atlas`: elicit, read, translate, wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from elicitation.commands.parameters import (
    Countries,
    Forms,
    Groups,
    Languages,
    MaxTokens,
    ReleaseName,
    Seed,
    listed,
)
from elicitation.commands.wording_cli import wording as wording
from elicitation.study.names import split_names

Json = Annotated[
    bool, Parameter(name="--json", negative="", help="Print JSON for programs, not for people.")
]


def elicit(
    model: Annotated[
        str,
        Parameter(
            help="hf:ORG/NAME (or a folder; on this machine), openai:NAME (any OpenAI-compatible "
            "server, see --base-url), hub:ORG/NAME (a hosted provider), mock:steady (no model)."
        ),
    ],
    /,
    *,
    out: Annotated[
        Path, Parameter(help="Folder of the run; a run that was stopped goes on from there.")
    ],
    release: ReleaseName = "reference",
    protocol: Annotated[
        str, Parameter(help="alignment, judgments, worldvaluesbench or advice.")
    ] = "alignment",
    method: Annotated[
        str,
        Parameter(
            help="verbalized, rating, option_likelihood, label_likelihood, sequence, sampling or "
            "forced_choice; the protocol's own by default."
        ),
    ] = "",
    steer: Annotated[
        tuple[str, ...],
        listed("none, persona, few-shot (persona and real distributions); each is a condition."),
    ] = (),
    countries: Countries = ("all",),
    groups: Groups = (),
    questions: Annotated[
        tuple[str, ...],
        listed(
            "Ids (Q1) or sets (alignment, judgments, probe, ...); for advice ids of dilemmas "
            "or dimensions."
        ),
    ] = (),
    languages: Languages = ("en",),
    vary: Forms = ("default",),
    approach: Annotated[tuple[str, ...], listed("For advice: persona, language, both, none.")] = (),
    dilemmas: Annotated[
        tuple[Path, ...],
        Parameter(
            consume_multiple=True,
            negative="",
            help="For advice: folders of dilemmas that `translate` wrote, or of your own, or a "
            "folder that holds one for each language.",
        ),
    ] = (),
    wording: Annotated[
        tuple[Path, ...],
        Parameter(
            consume_multiple=True,
            negative="",
            help="Wordings that you hold, such as the survey's official one: folders or CSV files "
            "as `wording export` writes them. Each takes the place of the project's in its "
            "language; predictions say which was asked.",
        ),
    ] = (),
    demographics: Annotated[
        str,
        Parameter(
            help="For ratings, what is told of a person: remote (country, settlement, education), "
            "main, all; none draws samples of nobody in particular."
        ),
    ] = "",
    on_request: Annotated[
        tuple[str, ...], listed("Sensitive answers told besides: religion, ethnicity, party.")
    ] = (),
    people: Annotated[
        int | None, Parameter(help="For ratings, most people asked about per question.")
    ] = None,
    repeats: Annotated[int | None, Parameter(help="Times each call is made.")] = None,
    temperature: Annotated[float | None, Parameter(help="The method's own by default.")] = None,
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
    wave: Annotated[
        int | None, Parameter(help="Wave whose answers few-shot prompts show; the latest.")
    ] = None,
    prompts: Annotated[
        Literal["auto", "chat", "plain"], Parameter(help="Chat, or plain text for base models.")
    ] = "auto",
    terminator: Annotated[
        Literal["end", "newline", "none"],
        Parameter(help="What ends a scored option; `none` is the papers' variant."),
    ] = "end",
    reask: Annotated[bool, Parameter(help="Ask once more where a reply cannot be read.")] = True,
    engine: Annotated[
        Literal["local", "ray"], Parameter(help="Where hf: models run: here, or on a Ray cluster.")
    ] = "local",
    base_url: Annotated[
        str, Parameter(help="Server of openai:, for instance http://localhost:8000/v1.")
    ] = "",
    provider: Annotated[str, Parameter(help="Inference provider of hub:; auto by default.")] = "",
    revision: Annotated[str, Parameter(help="Revision of the model.")] = "",
    dtype: Annotated[str, Parameter(help="hf: number format, such as float32 or bfloat16.")] = (
        "auto"
    ),
    device: Annotated[str, Parameter(help="hf: device, such as cpu or cuda:0.")] = "auto",
    device_map: Annotated[str, Parameter(help="hf: device map for large models.")] = "",
    batch_tokens: Annotated[int, Parameter(help="hf: most tokens of a batch.")] = 16384,
    scorer: Annotated[str, Parameter(help="hf: auto, tree, cached, padded or naive.")] = "auto",
    concurrency: Annotated[int, Parameter(help="Calls under way at once, over HTTP.")] = 16,
    requests_per_minute: Annotated[
        float | None, Parameter(help="Ceiling of the rate, over HTTP.")
    ] = None,
    timeout: Annotated[float, Parameter(help="Seconds a call may take, over HTTP.")] = 120.0,
    attempts: Annotated[int, Parameter(help="Most tries of a call, over HTTP.")] = 6,
    label_logprobs: Annotated[
        str, Parameter(help="openai: auto, exact, constrained or censored.")
    ] = "auto",
    max_calls: Annotated[int | None, Parameter(help="Stop after so many calls.")] = None,
    max_cost: Annotated[
        float | None, Parameter(help="Stop at so much money; needs the prices.")
    ] = None,
    price_in: Annotated[float, Parameter(help="Price of a million prompt tokens.")] = 0.0,
    price_out: Annotated[float, Parameter(help="Price of a million tokens of replies.")] = 0.0,
    allow_remote_microdata: Annotated[
        bool,
        Parameter(
            negative="",
            help="Tell a model on another machine more of a person than country, settlement and "
            "education. The survey's terms may forbid that.",
        ),
    ] = False,
    shard: Annotated[
        str, Parameter(help="K/N: only every N-th call from the K-th, for several machines.")
    ] = "1/1",
    meta: Annotated[
        tuple[str, ...],
        listed("Facts about the model as KEY=VALUE: family, parameters, training_tokens, ..."),
    ] = (),
    suffix: Annotated[
        str, Parameter(name="--format", help="Of the predictions: jsonl, csv, tsv or parquet.")
    ] = "jsonl",
    dry_run: Annotated[
        bool,
        Parameter(
            negative="", help="Show calls, tokens, time, cost and three prompts; ask nothing."
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Ask a model the survey, and write what it answers as predictions files.

    Every answer is kept, raw, before it is read (calls.sqlite in the folder of the run); the same
    command started again makes only the calls that are lacking. Keys come from the environment:
    OPENAI_API_KEY for openai:, HF_TOKEN for hub:. Ends with 1 where calls failed for good.
    """
    from elicitation.backends.registry import BackendOptions, split_model
    from elicitation.commands.elicit import Asked, ask, dry
    from elicitation.run.runner import Limits
    from elicitation.study.options import said_options

    split_model(model)
    asked = Asked(
        model=model,
        release=release,
        options=said_options(
            protocol=protocol,
            method=method,
            steer=steer,
            countries=countries,
            groups=groups,
            questions=questions,
            languages=languages,
            vary=vary,
            approach=approach,
            dilemmas=dilemmas,
            wordings=wording,
            demographics=demographics,
            on_request=on_request,
            people=people,
            repeats=repeats,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed,
            wave=wave,
            terminator=terminator,
            reask=reask,
        ),
        backend=BackendOptions(
            revision=revision,
            dtype=dtype,
            device=device,
            device_map=device_map,
            batch_tokens=batch_tokens,
            scorer=scorer,
            base_url=base_url,
            provider=provider,
            concurrency=concurrency,
            requests_per_minute=requests_per_minute,
            timeout=timeout,
            attempts=attempts,
            label_logprobs=label_logprobs,
        ),
        limits=Limits(max_calls, max_cost, price_in, price_out),
        prompts=prompts,
        engine=engine,
        shard=shard,
        stated=split_names(meta),
        allow_remote_microdata=allow_remote_microdata,
    )
    if dry_run:
        dry(asked, json=json)
        return 0
    return ask(asked, out, suffix=f".{suffix.lstrip('.')}", json=json)


def read(
    sources: Annotated[
        tuple[Path, ...],
        Parameter(
            help="Folders of runs, or one file of answers from elsewhere: JSON lines, each with an "
            "answer and its options."
        ),
    ],
    /,
    *,
    out: Annotated[
        Path | None,
        Parameter(help="Folder for the predictions files; that of the (first) run by default."),
    ] = None,
    merge_into: Annotated[
        Path | None, Parameter(help="Take the stores of several runs together in this folder.")
    ] = None,
    reader: Annotated[
        Literal["shares", "rating", "choice", "sequence", "advice"],
        Parameter(help="For a file of answers: what they are, where a line does not say."),
    ] = "shares",
    suffix: Annotated[
        str, Parameter(name="--format", help="Of the predictions: jsonl, csv, tsv or parquet.")
    ] = "jsonl",
    judge: Annotated[
        str,
        Parameter(
            help="For advice: model (as in elicit) that reads, in both orders of the options, what "
            "words leave open."
        ),
    ] = "",
    judge_url: Annotated[str, Parameter(help="Server of an openai: judge.")] = "",
    embedder: Annotated[
        str,
        Parameter(
            help="For advice, in place of a judge: embedding model (hf:ORG/NAME or openai:NAME); "
            "what words leave open goes to the option that lies nearer."
        ),
    ] = "",
    embedder_url: Annotated[str, Parameter(help="Server of an openai: embedder.")] = "",
    margin: Annotated[
        float, Parameter(help="Lead in cosine similarity below which advice stays inconclusive.")
    ] = 0.05,
    judge_sample: Annotated[
        int,
        Parameter(help="Decided pieces that judge or embedder read besides, for Cohen's kappa."),
    ] = 100,
    label_sample: Annotated[
        int, Parameter(help="For advice: write so many pieces to a CSV for a person to label.")
    ] = 0,
    labels: Annotated[
        Path | None, Parameter(help="Labels that came back, for Cohen's kappa with the person.")
    ] = None,
    json: Json = False,
) -> None:
    """Read kept answers anew: of a run, of the shards of one, or of a file from elsewhere.

    A run's predictions files are written again from its raw answers; nothing is asked. For a file,
    each line is an object such as {"answer": "1: 60%, 2: 40%", "options": {"1": "Yes", "2": "No"}};
    every line gets a status (ok, repaired, refused, invalid, truncated, error) and shares. With
    --json one object is printed for every line.
    """
    from elicitation.advice.report import AdviceReading
    from elicitation.commands.elicit import read_corpus, read_runs

    if len(sources) == 1 and sources[0].is_file() and sources[0].suffix != ".sqlite":
        read_corpus(sources[0], reader=reader, json=json)
    else:
        ending = f".{suffix.lstrip('.')}"
        advice = AdviceReading(
            judge=judge,
            judge_url=judge_url,
            embedder=embedder,
            embedder_url=embedder_url,
            margin=margin,
            judge_sample=judge_sample,
            label_sample=label_sample,
            labels=labels,
        )
        read_runs(sources, out=out, merge_into=merge_into, suffix=ending, json=json, advice=advice)


def translate(
    model: Annotated[
        str,
        Parameter(
            help="hf:ORG/NAME of a translation model (facebook/nllb-200-distilled-600M), or a chat "
            "model that translates: openai:NAME, hub:ORG/NAME, hf:ORG/NAME."
        ),
    ],
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder of the language; a stopped run goes on there.")],
    language: Annotated[str, Parameter(help="Code of the language, for instance ja or sq.")],
    language_name: Annotated[
        str, Parameter(help="Its name in English, for languages that have none here.")
    ] = "",
    questions: Annotated[
        tuple[str, ...], listed("Ids of dilemmas or dimensions; all by default.")
    ] = (),
    threshold: Annotated[
        float, Parameter(help="chrF, 0 to 100, of the way back below which an item is flagged.")
    ] = 50.0,
    base_url: Annotated[
        str, Parameter(help="Server of openai:, for instance http://localhost:8000/v1.")
    ] = "",
    revision: Annotated[str, Parameter(help="Revision of the model.")] = "",
    dtype: Annotated[str, Parameter(help="hf: number format, such as float32 or bfloat16.")] = (
        "auto"
    ),
    device: Annotated[str, Parameter(help="hf: device, such as cpu or cuda:0.")] = "auto",
    dry_run: Annotated[
        bool, Parameter(negative="", help="Say how many calls it takes; ask nothing.")
    ] = False,
    json: Json = False,
) -> int:
    """Translate the dilemmas of the advice protocol, and check them by translating them back.

    The folder is asked with: opinion-atlas elicit MODEL --protocol advice --approach language
    --dilemmas FOLDER (or the folder that holds one for each language).

    Every call is kept in the folder; the same command again asks only for what is lacking. Items
    whose way back is unlike the English text are flagged in check.csv: a person should read them.
    """
    from elicitation.backends.registry import BackendOptions
    from elicitation.commands.translate import translate_to_folder

    return translate_to_folder(
        model,
        out,
        language=language,
        name=language_name,
        questions=split_names(questions),
        options=BackendOptions(base_url=base_url, revision=revision, dtype=dtype, device=device),
        threshold=threshold,
        dry_run=dry_run,
        json=json,
    )
