"""Sub-commands of `opinion-atlas`: elicit, read, translate, wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from contracts.command_line import (
    MODEL,
    OUTPUT,
    QUESTIONS,
    FileFormat,
    Json,
    flag,
    names,
    pairs,
)
from contracts.errors import fail
from elicitation.advice.options import WORDING_ONLY, AdviceReading
from elicitation.backends.registry import (
    BackendOptions,
    BaseUrl,
    Device,
    NumberFormat,
    Revision,
    split_model,
)
from elicitation.commands.options import ElicitOptions
from elicitation.commands.robustness_options import NO_ROBUSTNESS, RobustnessOptions
from elicitation.commands.wording_cli import wording as wording

DEFAULT_OPTIONS = ElicitOptions()


def elicit(
    model: Annotated[
        str,
        Parameter(
            help="hf:ORG/NAME or hf:FOLDER (transformers, on this machine), vllm:ORG/NAME or "
            "vllm:FOLDER (vLLM, likewise), openai:NAME (any "
            "OpenAI-compatible server, see --base-url), hub:ORG/NAME (a hosted inference "
            "provider), or mock:steady (no model, for testing)."
        ),
    ],
    /,
    *,
    out: Annotated[
        Path,
        Parameter(
            help="Folder of the run. Repeat the command with the same folder to resume.",
            group=OUTPUT,
        ),
    ],
    options: ElicitOptions = DEFAULT_OPTIONS,
    robustness: RobustnessOptions = NO_ROBUSTNESS,
    dry_run: Annotated[
        bool,
        flag(
            "Show the number of calls, tokens, time, cost and three sample prompts; call no model.",
            group=OUTPUT,
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Administer the survey to a model and write its answers as predictions files.

    Every response is stored unparsed in calls.sqlite before it is parsed; repeating the command
    makes only the missing calls. API keys are read from the environment: OPENAI_API_KEY for
    openai:, HF_TOKEN for hub:. Exits with 1 if any call
    failed permanently or under half of the answers can be read.

    For example, without a model; on this machine; on a server, with an estimate first:

        opinion-atlas elicit mock:steady --out trial --countries DEU,JPN --questions Q1,Q46
        opinion-atlas elicit hf:ORG/NAME --protocol judgments --out run
        opinion-atlas elicit openai:NAME --base-url http://localhost:8000/v1 --out run --dry-run
        opinion-atlas elicit hub:ORG/NAME --steer none,persona --languages en,own --out run
        opinion-atlas elicit hf:ORG/NAME --protocol persons --questions trust --persons 50 --out run
        opinion-atlas elicit hf:ORG/NAME --robustness --max-calls 2000 --out run
    """
    from elicitation.commands.elicit import ask, dry

    split_model(model)
    if robustness.robustness:
        from elicitation.commands.robustness import ask_robustness, dry_robustness

        if dry_run:
            dry_robustness(model, options, robustness, json=json)
            return 0
        return ask_robustness(model, options, robustness, out, json=json)
    if robustness != NO_ROBUSTNESS:
        raise fail(
            "no-robustness",
            "--factors and --forms belong to a set of forms",
            hint="Give --robustness as well.",
        )
    if dry_run:
        dry(model, options, json=json)
        return 0
    return ask(model, options, out, json=json)


def read(
    sources: Annotated[
        tuple[Path, ...],
        Parameter(
            help="Folders of runs, or one file of answers from another source: JSON lines, each "
            "with an answer and its options."
        ),
    ],
    /,
    *,
    out: Annotated[
        Path | None,
        Parameter(
            help="Folder for the predictions files. Default: that of the (first) run. For a file "
            "of answers: the predictions file to write.",
            group=OUTPUT,
        ),
    ] = None,
    meta: Annotated[
        tuple[str, ...],
        pairs(
            "For a file of answers: metadata of the predictions as KEY=VALUE: model, method, "
            "prompt_version, ...",
            group=OUTPUT,
        ),
    ] = (),
    bad_cells: Annotated[
        Literal["refuse", "invalid"],
        Parameter(
            help="For a file of answers: treatment of options that the question does not have: the "
            "file is refused, or the answer counts as invalid.",
            group=OUTPUT,
        ),
    ] = "refuse",
    merge_into: Annotated[
        Path | None,
        Parameter(help="Merge the stores of several runs into this folder.", group=OUTPUT),
    ] = None,
    reader: Annotated[
        Literal["shares", "rating", "choice", "sequence", "advice"],
        Parameter(
            help="For a file of answers: the response parser for lines that name none.",
            group=OUTPUT,
        ),
    ] = "shares",
    suffix: FileFormat = "jsonl",
    advice: AdviceReading = WORDING_ONLY,
    json: Json = False,
) -> None:
    """Re-parse stored responses: of a run, of its shards, or of a file from another source.

    The predictions files of a run are rewritten from its stored responses; no model is called. In
    a file, each line is an object such as {"answer": "1: 60%, 2: 40%", "options": {"1": "Yes",
    "2": "No"}}; every line gets a status (ok, repaired, refused, invalid, truncated, error) and
    shares. With --json one object is printed per line. With --out FILE the answers become
    predictions: each line names its question (question_id) and may name country, language, group.

    For example:

        opinion-atlas read run
        opinion-atlas read answers.jsonl --out predictions.jsonl --meta model=ORG/NAME
        opinion-atlas read shard-1 shard-2 --merge-into run
        opinion-atlas read answers.jsonl --reader choice --json
        opinion-atlas read advice-run --judge openai:NAME --judge-url http://localhost:8000/v1
    """
    from elicitation.commands.corpus import read_corpus
    from elicitation.commands.elicit import read_runs

    if len(sources) == 1 and sources[0].is_file() and sources[0].suffix != ".sqlite":
        read_corpus(
            sources[0],
            reader=reader,
            json=json,
            out=out,
            meta=meta,
            bad_cells=bad_cells,
        )
    else:
        ending = f".{suffix.lstrip('.')}"
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
    out: Annotated[
        Path,
        Parameter(
            help="Folder of the language. Repeat the command with the same folder to resume.",
            group=OUTPUT,
        ),
    ],
    language: Annotated[
        str, Parameter(help="Language code, for instance ja or sq.", group=QUESTIONS)
    ],
    language_name: Annotated[
        str,
        Parameter(help="English name of the language, if it is not a known one.", group=QUESTIONS),
    ] = "",
    questions: Annotated[
        tuple[str, ...],
        names("Ids of dilemmas or cultural dimensions. Default: all.", group=QUESTIONS),
    ] = (),
    threshold: Annotated[
        float,
        Parameter(
            help="chrF score (0 to 100) of the back-translation below which an item is flagged.",
            group=QUESTIONS,
        ),
    ] = 50.0,
    base_url: Annotated[BaseUrl, Parameter(group=MODEL)] = "",
    revision: Annotated[Revision, Parameter(group=MODEL)] = "",
    dtype: Annotated[NumberFormat, Parameter(group=MODEL)] = "auto",
    device: Annotated[Device, Parameter(group=MODEL)] = "auto",
    dry_run: Annotated[
        bool, flag("Show the number of calls; call no model.", group=OUTPUT)
    ] = False,
    json: Json = False,
) -> int:
    """Translate the dilemmas of the advice protocol and check them by back-translation.

    All calls are stored in the folder; repeating the command makes only the missing ones. Items
    whose back-translation differs from the English text are flagged in check.csv for human
    review. Exits with 1 if any call failed permanently.

    For example, translate, then ask in the language:

        opinion-atlas translate hub:ORG/NAME --language ja --out dilemmas/ja
        opinion-atlas elicit hub:ORG/NAME --protocol advice --approach language
            --dilemmas dilemmas --countries JPN --out run
    """
    from elicitation.commands.translate import translate_to_folder

    return translate_to_folder(
        model,
        out,
        language=language,
        name=language_name,
        questions=questions,
        options=BackendOptions(base_url=base_url, revision=revision, dtype=dtype, device=device),
        threshold=threshold,
        dry_run=dry_run,
        json=json,
    )
