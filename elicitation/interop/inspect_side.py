"""A study as a task of inspect_ai."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, GenerateConfig, ModelOutput
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
from inspect_ai.solver import TaskState, generate

from contracts.errors import fail
from elicitation.interop.aggregate import aggregate_scores
from elicitation.interop.exported import (
    RECORD_KEY,
    read_about,
    read_items,
    record_of,
    scored,
    written,
)
from elicitation.prompts.plan import Plan
from elicitation.run.gather import answer_of
from elicitation.run.store import StoredItem

#: Most next tokens that servers list; a label that is not among them stays unknown.
TOP_LOGPROBS = 20

_MODULE_TEXT = '''"""Run with `inspect eval`; the installed opinion-atlas scores."""

from pathlib import Path

from inspect_ai import Task, task

from elicitation.interop.inspect_side import survey_task


@task
def {name}() -> Task:
    """The questions of this folder."""
    return survey_task(Path(__file__).resolve().parent)
'''


def write_task(plan: Plan, folder: Path, name: str) -> Path:
    """Write the module of a folder that holds exported items.

    Args:
        plan: the plan of the study.
        folder: the folder with the items.
        name: name of the task.

    Returns:
        The module.

    Raises:
        ContractError: inspect_ai has no way to ask so.
    """
    kind = plan.study.how.request_kind
    if kind == "score_options" or not plan.study.chat:
        raise fail(
            "harness-cannot",
            "inspect_ai asks chats, and gives no probability of a whole option",
            column="--to",
            found=f"{plan.study.method}, {'chat' if plan.study.chat else 'plain'} prompts",
            hint="Take --method label_likelihood or verbalized, or --to lm-eval.",
        )
    path = folder / f"{name}.py"
    path.write_text(_MODULE_TEXT.format(name=name), encoding="utf-8")
    return path


def survey_task(folder: Path, *, top_logprobs: int = TOP_LOGPROBS) -> Task:
    """The task of an exported folder.

    Labels are read off the listed probabilities of the first token; other methods read the
    reply.

    Args:
        folder: the folder.
        top_logprobs: tokens listed; a label that is not among them stays unknown, and with it
            the answer.
    """
    about = read_about(folder)
    return Task(
        dataset=MemoryDataset([_sample(doc) for doc in read_items(folder)], name=folder.name),
        solver=generate(),
        scorer=survey_answer(),
        metrics=[
            survey_alignment(folder=str(folder)),
            mean(),
            grouped(mean(), "country", all=False, name_template="answered_{group_name}"),
        ],
        config=_config(about["meta"], top_logprobs),
        name=folder.name,
        metadata={RECORD_KEY: about},
    )


def _config(meta: Mapping[str, Any], top_logprobs: int) -> GenerateConfig:
    if meta["method"] == "label_likelihood":
        # The temperature stays the server's: the listed probabilities are wanted at 1.
        return GenerateConfig(max_tokens=1, logprobs=True, top_logprobs=top_logprobs)
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


@scorer(metrics=[mean()])
def survey_answer() -> Scorer:
    """1 for an answer that can be read, 0 for one that cannot; the answer is in the metadata."""

    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        item = answered_item(state.metadata, state.output)
        answer = answer_of(item.record.shown, item.response)
        kept = {
            "texts": list(item.response.texts),
            "option_logprobs": list(item.response.option_logprobs),
            "truncated": item.response.status == "truncated",
        }
        return Score(
            value=float(answer.is_usable),
            answer=state.output.completion,
            explanation=", ".join((answer.status, *answer.notes)),
            metadata=kept,
        )

    return score


@metric
def survey_alignment(folder: str) -> Metric:
    """1 - W1 / (K - 1) over all samples, as `opinion-atlas score` has it."""

    def compute(scores: list[SampleScore]) -> float:
        items = [
            kept_item(found.sample_metadata or {}, found.score.metadata or {}) for found in scores
        ]
        return aggregate_scores(items, read_about(Path(folder)))["alignment"]

    return compute


def answered_item(metadata: Mapping[str, Any], output: ModelOutput) -> StoredItem:
    """An answered item from a sample's output."""
    if not metadata["choices"]:
        cut = output.stop_reason == "max_tokens"
        return written(metadata, output.completion, truncated=cut)
    listed = _first_token(output)
    return scored(metadata, [listed.get(label) for label in metadata["choices"]])


def kept_item(
    metadata: Mapping[str, Any], kept: Mapping[str, Any], *, where: str = ""
) -> StoredItem:
    """An answered item from what the scorer kept of it."""
    if metadata.get("choices"):
        return scored(metadata, kept["option_logprobs"], where=where)
    text = "".join(kept.get("texts", ()))
    return written(metadata, text, truncated=bool(kept.get("truncated")), where=where)


def _first_token(output: ModelOutput) -> dict[str, float]:
    """Log-probabilities of the first token, by its text; the likelier of two alike."""
    choice = output.choices[0] if output.choices else None
    if choice is None or choice.logprobs is None or not choice.logprobs.content:
        return {}
    found: dict[str, float] = {}
    for listed in choice.logprobs.content[0].top_logprobs or []:
        found.setdefault(listed.token, listed.logprob)
    return found
