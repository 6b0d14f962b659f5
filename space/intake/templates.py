"""Templates to download: one whole, valid file per kind and format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, get_args

from codebook.batteries import batteries
from codebook.dilemmas.dilemma import dilemmas
from codebook.questions import question_set, value_questions
from codebook.wordings.wording import wording
from contracts.predictions.meta import Kind, PredictionsMeta
from contracts.predictions.read import sidecar_path, write_predictions
from contracts.release.read import REFERENCE, open_release

KINDS: tuple[Kind, ...] = get_args(Kind)

_COUNTRIES = ("DEU", "JPN")
_QUESTIONS = 3

#: Fewer persons of a country are not scored.
_PERSONS = 30


def write_template(folder: Path, *, kind: Kind, suffix: str) -> Path:
    """Write a template: its metadata whole and inside the file, a few records of equal shares.

    Args:
        folder: where to.
        kind: `distribution`, `rating`, `persons` or `advice`.
        suffix: `.jsonl`, `.csv`, `.tsv` or `.parquet`.

    Returns:
        The file, `template-<kind><suffix>`.
    """
    target = folder / f"template-{kind}{suffix}"
    write_predictions(target, _records(kind), meta=template_meta(kind), kind=kind)
    sidecar = sidecar_path(target)
    if sidecar.exists():  # one file is easier to hand on than two
        header = json.dumps(json.loads(sidecar.read_text(encoding="utf-8")), ensure_ascii=False)
        table = target.read_text(encoding="utf-8")
        target.write_text(f"# {header}\n{table}", encoding="utf-8")
        sidecar.unlink()
    return target


@lru_cache(maxsize=8)
def template_meta(kind: Kind) -> PredictionsMeta:
    """Metadata of a template: every field that a board asks for."""
    ways = {
        "distribution": ("alignment", "verbalized", "persona"),
        "rating": ("worldvaluesbench", "rating", "persona"),
        "persons": ("persons", "rating", "persona"),
        "advice": ("advice", "forced_choice", "persona"),
    }
    protocol, method, steering = ways[kind]
    return PredictionsMeta.model_validate(
        {
            "name": "My model",
            "model": "ORG/NAME",
            "revision": "main",
            "protocol": protocol,
            "method": method,
            "steering": steering,
            "language": "en",
            "prompt_version": "1",
            "wording": "atlas",
            "wording_digest": wording("en").digest,
            "release": open_release(REFERENCE).digest,
            "trained_on_wvs": False,
            "family": "NAME",
            "parameters": 7e9,
            "chat": True,
            "open_weights": True,
            **({"coding": "worldvaluesbench"} if kind == "rating" else {}),
        }
    )


def _records(kind: Kind) -> Iterator[Mapping[str, Any]]:
    if kind == "advice":
        prompts = list(dilemmas())[:_QUESTIONS]
        for prompt in prompts:
            for country in _COUNTRIES:
                yield {
                    "prompt_id": prompt,
                    "country": country,
                    "approach": "persona",
                    "language": "en",
                    "option_order": "high-first",
                    "repeat": 0,
                    "side": "high",
                }
        return
    if kind == "persons":
        yield from _persons()
        return
    known = value_questions()
    asked = [name for name in question_set("alignment") if name in known][:_QUESTIONS]
    for name in asked:
        scale = known[name].scale
        codes = scale.codes if scale is not None else ()
        if kind == "rating":
            yield from ({"question_id": name, "sample": i, "score": codes[0]} for i in range(2))
        else:
            shares = dict.fromkeys(codes, 1 / len(codes))
            yield from ({"question_id": name, "country": c, "shares": shares} for c in _COUNTRIES)


def _persons() -> Iterator[Mapping[str, Any]]:
    """As many persons as correlations need, whose answers go round the scale."""
    names = batteries()["gender"].questions[:_QUESTIONS]
    for person, (place, name) in product(range(_PERSONS), enumerate(names)):
        scale = value_questions()[name].scale
        codes = scale.codes if scale is not None else (1,)
        yield {
            "person_id": f"p{person}",
            "country": _COUNTRIES[0],
            "group": "sex=female" if person % 2 else "sex=male",
            "question_id": name,
            "code": codes[(person // (place + 1)) % len(codes)],
        }
