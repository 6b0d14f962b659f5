"""Multiple-choice tasks of a public release, and the file that registers them as a benchmark.

Format of the file: `eval.yaml` of a dataset repository, https://huggingface.co/docs/hub/eval-results
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from string import ascii_uppercase
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import yaml  # type: ignore[import-untyped]

from codebook import value_questions
from codebook.render.prompts import BLOCK_SEPARATOR, persona_blocks
from codebook.render.question import RenderError, label_text, render_question
from codebook.wordings.wording import wording
from contracts.release.manifest import Manifest
from contracts.release.tables import TASKS

EVAL_NAME = "eval.yaml"

#: Table of the tasks, and id of the one task that is registered.
TABLE, TASK_ID = "tasks", "modal_accuracy"

_LANGUAGE = "en"

#: Flag of a cell whose figures the survey's own documentation puts in doubt.
_DOUBTFUL = "suspect"

_COLUMNS = ("wave", "country", "question_id", "code", "weighted_share", "flag")


class Offer(NamedTuple):
    """A question and what it offers.

    Attributes:
        stem: the question alone.
        codes: raw codes of the answers read out, in the order of the scale.
        choices: their texts.
    """

    stem: str
    codes: tuple[int, ...]
    choices: tuple[str, ...]


def tasks_table(distributions: pa.Table) -> pa.Table:
    """One task for each published cell: which answer do most people of a country give?

    `shares` are the published shares of the answers on offer, made to add up to 1, in the order
    of `choices`; `target` is the letter of the largest. Of several waves the latest is asked, for
    the question does not say when. Cells whose largest share is held by two
    answers, doubtful cells, and questions that the wording cannot put are left out.

    Args:
        distributions: `distributions` under the disclosure rule.

    Returns:
        Rows of the table `tasks`, in the order of the questionnaire, then by country.
    """
    if not distributions.num_rows:
        return TASKS.empty_table()
    everyone = distributions.filter(
        (pc.field("split") == "all")
        & (pc.field("group") == "")
        & (pc.field("wave") == pc.max(distributions.column("wave")).as_py())
        & pc.field("code").is_valid()
    )
    columns = [everyone.column(name).to_pylist() for name in _COLUMNS]
    cells: dict[tuple[int, str, str], dict[int, float]] = {}
    for wave, country, question_id, code, share, flag in zip(*columns, strict=True):
        if share is not None and _DOUBTFUL not in (flag or ""):
            cells.setdefault((wave, question_id, country), {})[code] = share
    place = {question_id: index for index, question_id in enumerate(value_questions())}
    order = sorted(cells, key=lambda key: (place.get(key[1], -1), key[2]))
    return pa.Table.from_pylist(list(_rows(order, cells)), TASKS)


def _rows(
    order: list[tuple[int, str, str]], cells: dict[tuple[int, str, str], dict[int, float]]
) -> Iterator[dict[str, Any]]:
    texts = wording(_LANGUAGE)
    for key in order:
        wave, question_id, country = key
        offer = _offer(question_id)
        if offer is None or country not in texts.countries:
            continue
        raw_shares = [cells[key].get(code, 0.0) for code in offer.codes]
        total = sum(raw_shares)
        if total <= 0 or raw_shares.count(max(raw_shares)) > 1:
            continue
        blocks = [*persona_blocks(texts, country, ""), offer.stem]
        yield {
            "question_id": question_id,
            "wave": wave,
            "country": country,
            "group": "",
            "language": _LANGUAGE,
            "input": BLOCK_SEPARATOR.join(blocks),
            "choices": list(offer.choices),
            "target": ascii_uppercase[raw_shares.index(max(raw_shares))],
            "shares": [share / total for share in raw_shares],
        }


@cache
def _offer(question_id: str) -> Offer | None:
    """What a question offers; None where it has no answers on offer or no text."""
    question = value_questions().get(question_id)
    if question is None or question.scale is None:
        return None
    texts, codes = wording(_LANGUAGE), question.scale.offered
    try:
        stem = render_question(question_id, wording=texts).stem
        choices = tuple(label_text(question_id, code, wording=texts) for code in codes)
    except RenderError:
        return None
    return Offer(stem, codes, choices) if len(set(choices)) == len(codes) else None


def eval_text(manifest: Manifest) -> str:
    """`eval.yaml`: modal accuracy by inspect_ai's `multiple_choice` and `choice`.

    Accuracy says how often a model names the most frequent answer; how near its whole
    distribution is to people's is told by the tasks of `opinion-atlas export`.
    """
    task = {
        "id": TASK_ID,
        "config": TABLE,
        "split": "data",
        "field_spec": {
            "input": "input",
            "target": "target",
            "choices": "choices",
            "metadata": ["question_id", "country", "wave", "shares"],
        },
        "solvers": [{"name": "multiple_choice"}],
        "scorers": [{"name": "choice"}],
    }
    fields = {
        "name": "Opinion Atlas",
        "description": "Which answer do most people of a country give to a question of the World "
        f"Values Survey, wave {max(manifest.waves)}?",
        "evaluation_framework": "inspect-ai",
        "tasks": [task],
    }
    yaml_text: str = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=100)
    return yaml_text
