"""A study as a task of inspect_ai."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, GenerateConfig, Model, ModelOutput, get_model
from inspect_ai.scorer import (
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    grouped,
    mean,
    metric,
    scorer,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver

from contracts.errors import fail
from elicitation.interop.aggregate import SCORES, STDERR, aggregate_scores, scores_or_nothing
from elicitation.interop.exported import (
    RECORD_KEY,
    failed,
    min_label_mass,
    read_about,
    read_items,
    record_of,
    scored,
    written,
)
from elicitation.interop.inspect_options import option_logprobs
from elicitation.interop.naming import TAG
from elicitation.prompts.plan import Plan
from elicitation.run.gather import answer_of
from elicitation.run.store import StoredItem
from elicitation.study.methods import METHODS

#: How labels are scored: read off the likely first tokens; as the prompt's last tokens; or the
#: first, and where a label is not listed, the second.
Scoring = Literal["auto", "listed", "prompt"]

#: Most next tokens that servers list.
TOP_LOGPROBS = 20

#: As many as inspect_ai's own local models list: they have no such limit, and a label that is not
#: among them has next to no probability.
LOCAL_TOP_LOGPROBS = 1000

#: Where the solver leaves the scores of the options.
_STORE_KEY = f"{TAG}_option_logprobs"

_MODULE_TEXT = '''"""Run with `inspect eval`; the installed opinion-atlas scores."""

from pathlib import Path

from inspect_ai import Task, task

from elicitation.interop.inspect_side import survey_task


@task
def {name}(
    questions: str = "", countries: str = "", scoring: str = "auto", top_logprobs: int = 0
) -> Task:
    """{about}

    Args:
        questions: ids of the questions to ask, with commas (Q1,Q46); empty asks all.
        countries: ISO 3166-1 alpha-3 codes of the countries to ask for; empty asks all.
        scoring: how labels are scored: auto, listed or prompt.
        top_logprobs: next tokens that are listed; 0 for what the model's provider lists.
    """
    return survey_task(
        Path(__file__).resolve().parent,
        questions=questions,
        countries=countries,
        scoring=scoring,
        top_logprobs=top_logprobs,
    )
'''


def write_task(plan: Plan, folder: Path, name: str) -> Path:
    """Write the module of a folder that holds exported items.

    Args:
        plan: the plan of the study.
        folder: the folder with the items.
        name: name of the task.

    Returns:
        The module.
    """
    about = f"{plan.study.how.about[0].upper()}{plan.study.how.about[1:]}."
    path = folder / f"{name}.py"
    path.write_text(_MODULE_TEXT.format(name=name, about=about), encoding="utf-8")
    return path


def survey_task(
    folder: Path,
    *,
    questions: str = "",
    countries: str = "",
    scoring: str = "auto",
    top_logprobs: int = 0,
) -> Task:
    """The task of an exported folder.

    Whole options are scored as the last tokens of the prompt, which needs a server that returns
    `prompt_logprobs`; labels by `scoring`; other methods read the reply.

    Args:
        folder: the folder.
        questions: ids of the questions to ask, with commas; empty asks all.
        countries: ISO 3166-1 alpha-3 codes, likewise.
        scoring: how labels are scored: `listed` reads them off the likely first tokens, where a
            label that is not among them stays unknown, and with it the answer; `prompt` scores
            each as the prompt's last tokens; `auto` does the first, and the second where a label
            is not listed.
        top_logprobs: tokens listed; 0 for 1000 of inspect_ai's own local models and 20 of servers.

    Raises:
        ContractError: an argument has no such value, or leaves nothing to ask.
    """
    about = read_about(folder)
    how: Scoring = _checked(scoring)
    docs = _chosen(list(read_items(folder)), questions, countries, folder)
    kind = METHODS[about["meta"]["method"]].request_kind
    return Task(
        dataset=MemoryDataset([_sample(doc) for doc in docs], name=folder.name),
        solver=survey_solver(
            kind=kind, chat=about["meta"]["chat"], scoring=how, top_logprobs=top_logprobs
        ),
        scorer=survey_answer(min_mass=min_label_mass(about)),
        metrics=[
            survey_scores(folder=str(folder)),
            mean(),
            grouped(mean(), "country", all=False, name_template="answered_{group_name}"),
        ],
        config=_config(about["meta"]),
        name=folder.name,
        version=about["version"],
        tags=[TAG, f"{TAG}_{about['meta']['protocol']}"],
        headline_metric="alignment",
        metadata={RECORD_KEY: {**about, "items": about["items"]}},
    )


def _checked(scoring: str) -> Scoring:
    for known in get_args(Scoring):
        if scoring == known:
            return known  # type: ignore[no-any-return]
    raise fail(
        "scoring", "no such way to score labels", column="scoring", found=repr(scoring),
        allowed=", ".join(get_args(Scoring)),
    )  # fmt: skip


def _chosen(
    docs: list[dict[str, Any]], questions: str, countries: str, folder: Path
) -> list[dict[str, Any]]:
    for column, named in (("question_id", questions), ("country", countries)):
        wanted = {name.strip() for name in named.split(",") if name.strip()}
        there = {doc[column] for doc in docs}
        if wanted - there:
            raise fail(
                "not-exported",
                "the task does not ask this",
                where=folder.name,
                column=column,
                found=", ".join(sorted(wanted - there)),
                allowed=", ".join(sorted(there - {""})) or "none: its items name no country",
            )
        docs = [doc for doc in docs if not wanted or doc[column] in wanted]
    return docs


def _config(meta: Mapping[str, Any]) -> GenerateConfig:
    if METHODS[meta["method"]].request_kind != "generate":
        # The temperature stays the server's: the listed probabilities are wanted at 1.
        return GenerateConfig(max_tokens=1)
    decoding = meta["decoding"]
    return GenerateConfig(
        max_tokens=decoding["max_tokens"],
        temperature=decoding["temperature"],
        top_p=decoding["top_p"] if decoding["top_p"] < 1 else None,
        seed=decoding["seed"],
        stop_seqs=decoding["stop"] or None,
    )


def _sample(doc: Mapping[str, Any]) -> Sample:
    return Sample(
        input=[ChatMessageUser(content=doc["prompt"])],
        id=record_of(doc).item_id,
        metadata={
            "choices": list(doc["choices"]),
            "country": doc["country"] or "nobody",
            RECORD_KEY: doc[RECORD_KEY],
        },
    )


@solver
def survey_solver(kind: str, chat: bool, scoring: Scoring, top_logprobs: int) -> Solver:
    """Asks one item: a reply, the listed first tokens, or the options one after another.

    Args:
        kind: `generate`, `score_labels` or `score_options`.
        chat: whether prompts are chats.
        scoring: how labels are scored, see `survey_task`.
        top_logprobs: tokens listed; 0 for the provider's own number.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        choices = state.metadata["choices"]
        if kind == "generate":
            return await generate(state)
        if kind == "score_labels" and scoring != "prompt":
            model = get_model()
            state = await generate(state, logprobs=True, top_logprobs=top_logprobs or _top(model))
            listed = _first_token(state.output)
            if scoring == "listed" or all(label in listed for label in choices):
                return state
            if not _returns_prompt_logprobs(model):
                return state
        state.store.set(_STORE_KEY, await _prompt_scores(state, choices, chat=chat))
        return state

    return solve


def _top(model: Model) -> int:
    return LOCAL_TOP_LOGPROBS if str(model).startswith("hf/") else TOP_LOGPROBS


def _returns_prompt_logprobs(model: Model) -> bool:
    """Whether a model's provider passes `prompt_logprobs` on and back."""
    known = ("vllm/", "vllm-completions/", "openai-api-completions/", "openai-api/", "sglang/")
    return str(model).startswith(known)


async def _prompt_scores(state: TaskState, choices: list[str], *, chat: bool) -> list[float | None]:
    system = [message.text for message in state.messages if message.role == "system"]
    return list(
        await option_logprobs(get_model(), system, state.user_prompt.text, choices, chat=chat)
    )


@scorer(metrics=[mean()])
def survey_answer(min_mass: float = 0.0) -> Scorer:
    """1 for an answer that can be read, 0 for one that cannot; the answer is in the metadata.

    Args:
        min_mass: least probability that all labels of an answer must hold together.
    """

    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        stored_scores = state.store.get(_STORE_KEY)
        item = answered_item(state.metadata, state.output, stored_scores)
        answer = answer_of(item.record.shown, item.response, min_mass=min_mass)
        given = {
            "texts": list(item.response.texts),
            "option_logprobs": list(item.response.option_logprobs),
            "truncated": item.response.status == "truncated",
        }
        return Score(
            value=float(answer.is_usable),
            answer=state.output.completion,
            explanation=", ".join((answer.status, *answer.notes)),
            metadata=given,
        )

    return score


@metric
def survey_scores(folder: str) -> Metric:
    """Alignment and skill over all samples, as `opinion-atlas score` has them, each with its
    standard error."""

    def compute(scores: list[SampleScore]) -> dict[str, Any]:
        estimates = scores_or_nothing(
            lambda: aggregate_scores(
                [
                    scored_item(one.sample_metadata or {}, one.score.metadata or {})
                    for one in scores
                ],
                read_about(Path(folder)),
            )
        )
        return {
            f"{name}{end}": estimates[f"{name}{end}"] for name in SCORES for end in ("", STDERR)
        }

    return compute


def answered_item(
    metadata: Mapping[str, Any], output: ModelOutput, option_scores: list[float | None] | None
) -> StoredItem:
    """An answered item from a sample's output.

    Args:
        metadata: the sample's metadata.
        output: what the model gave.
        option_scores: log-probabilities of the options, where they were scored one by one.
    """
    if not metadata["choices"]:
        cut = output.stop_reason == "max_tokens"
        return written(metadata, output.completion, truncated=cut)
    if option_scores is not None:
        return scored(metadata, option_scores)
    listed = _first_token(output)
    return scored(metadata, [listed.get(label) for label in metadata["choices"]])


def scored_item(
    metadata: Mapping[str, Any], given: Mapping[str, Any], *, where: str = ""
) -> StoredItem:
    """An answered item from what the scorer noted of it."""
    if metadata.get("choices"):
        logprobs = given.get("option_logprobs")
        if not isinstance(logprobs, list):
            return failed(metadata, "the log holds no scores of the options", where=where)
        return scored(metadata, logprobs, where=where)
    text = "".join(given.get("texts", ()))
    return written(metadata, text, truncated=bool(given.get("truncated")), where=where)


def _first_token(output: ModelOutput) -> dict[str, float]:
    """Log-probabilities of the first token, by its text; the likelier of two alike."""
    choice = output.choices[0] if output.choices else None
    if choice is None or choice.logprobs is None or not choice.logprobs.content:
        return {}
    logprobs_by_token: dict[str, float] = {}
    for listed in choice.logprobs.content[0].top_logprobs or []:
        logprobs_by_token.setdefault(listed.token, listed.logprob)
    return logprobs_by_token
