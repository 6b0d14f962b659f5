"""The items of an exported study: all that a harness asks and all that a reader needs later."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from contracts.digests import pretty_json
from contracts.errors import fail
from contracts.predictions.meta import PredictionsMeta
from elicitation.backends.base import Response
from elicitation.prompts.plan import Call, Plan
from elicitation.prompts.prompts import Shown
from elicitation.run.provenance import condition_meta
from elicitation.run.runner import item_record
from elicitation.run.store import ItemRecord, StoredItem
from elicitation.study.conditions import Condition

#: Version of the exported files.
EXPORT_VERSION = 2

#: Names the items of an exported study among the documents of a harness.
RECORD_KEY = "opinion_atlas"

ABOUT_NAME = "about.json"
ITEMS_NAME = "items.jsonl"


def export_items(plan: Plan, condition_name: str, folder: Path) -> int:
    """Write the items of one condition to `folder`: `items.jsonl` and `about.json`.

    `version` in `about.json` names the prompt and the digest of the items: it changes with any
    text that a model is shown.

    Returns:
        The number of items.
    """
    condition = next(c for c in plan.conditions if c.name == condition_name)
    count, digest = 0, sha256()
    with (folder / ITEMS_NAME).open("w", encoding="utf-8") as handle:
        for call in plan.calls(condition):
            language = plan.language(condition, call.item.target)
            line = json.dumps(document(call, language), ensure_ascii=False) + "\n"
            handle.write(line)
            digest.update(line.encode())
            count += 1
    meta = exported_condition_meta(plan, condition)
    about = {
        "export_version": EXPORT_VERSION,
        "condition": condition_name,
        "version": f"{meta.prompt_version}+{digest.hexdigest()[:8]}",
        "items": count,
        "meta": meta.model_dump(mode="json"),
        "release": lasting_release(plan.study.release),
    }
    (folder / ABOUT_NAME).write_text(pretty_json(about), encoding="utf-8")
    return count


def exported_condition_meta(plan: Plan, condition: Condition) -> PredictionsMeta:
    """Metadata of a condition before it is known which model answers."""
    return condition_meta(plan, condition, backend={"model": "unknown"}, environment={}, stated={})


def lasting_release(source: str) -> str:
    """The release's name or folder as it is found from every working folder."""
    folder = Path(source)
    return str(folder.resolve()) if folder.is_dir() else source


def document(call: Call, language: str) -> dict[str, Any]:
    """One item as a document: flat fields for the harness, the record for the reader."""
    request, record = call.request, item_record(call.item, call, language)
    ending = "\n" if request.kind == "score_options" and request.terminator == "newline" else ""
    return {
        "prompt": request.messages[-1].content if request.is_chat else request.prompt,
        "choices": [option + ending for option in request.options],
        "target": 0,
        "question_id": record.spec["question_id"],
        "country": record.spec.get("country", ""),
        "group": record.spec.get("group", ""),
        RECORD_KEY: json.dumps(
            {
                "item_id": record.item_id,
                "condition": record.condition,
                "spec": dict(record.spec),
                "shown": record.shown.to_json(),
            },
            ensure_ascii=False,
        ),
    }


def record_of(doc: Mapping[str, Any], *, where: str = "") -> ItemRecord:
    """The record in a document.

    Raises:
        ContractError: the document was not exported from here.
    """
    if RECORD_KEY not in doc:
        raise fail(
            "foreign-task",
            "the log holds answers to a task that `opinion-atlas export` did not write",
            where=where,
            found=", ".join(sorted(doc)[:8]),
            hint="Only logs of exported tasks say which question and country an answer is to.",
        )
    fields = json.loads(doc[RECORD_KEY])
    return ItemRecord(
        fields["item_id"], fields["condition"], fields["spec"], Shown.from_json(fields["shown"])
    )


def scored(
    doc: Mapping[str, Any], logprobs: Iterable[float | None], *, where: str = ""
) -> StoredItem:
    """An item answered by log-probabilities of its options."""
    record = record_of(doc, where=where)
    response = Response(
        record.item_id, "ok", option_logprobs=tuple(logprobs), logprobs_kind="exact"
    )
    return StoredItem(record, response, None)


def written(
    doc: Mapping[str, Any], text: str, *, truncated: bool = False, where: str = ""
) -> StoredItem:
    """An item answered by a reply."""
    record = record_of(doc, where=where)
    status = "truncated" if truncated else "ok"
    return StoredItem(record, Response(record.item_id, status, texts=(text,)), None)  # type: ignore[arg-type]


def read_items(folder: Path) -> Iterator[dict[str, Any]]:
    """The documents of an exported folder."""
    with (folder / ITEMS_NAME).open(encoding="utf-8") as handle:
        for line in handle:
            yield json.loads(line)


def read_about(folder: Path) -> dict[str, Any]:
    """What an exported folder says of itself."""
    about: dict[str, Any] = json.loads((folder / ABOUT_NAME).read_text(encoding="utf-8"))
    return about


def min_label_mass(about: Mapping[str, Any]) -> float:
    """Least probability that all labels or options of an item must hold together."""
    return float(about["meta"]["decoding"].get("min_label_mass") or 0.0)


def failed(doc: Mapping[str, Any], error: str, *, where: str = "") -> StoredItem:
    """An item whose call failed."""
    record = record_of(doc, where=where)
    return StoredItem(record, Response(record.item_id, "error", error=error), None)
