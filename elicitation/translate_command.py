"""What `opinion-atlas translate` does."""

from __future__ import annotations

import csv
import io
import json as json_format
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from codebook.countries import HOFSTEDE_DIMENSIONS
from codebook.dilemma_files import LANGUAGE_FILE, form_question, load_dilemma_folder
from codebook.dilemmas import Dilemma, dilemmas
from contracts.atomic import write_text
from contracts.errors import fail
from elicitation.backends.registry import BackendOptions, open_backend, split_model
from elicitation.terminal import say, say_json
from elicitation.translation import (
    SEGMENTS,
    Translated,
    Translation,
    chrf,
    language_name,
    prompt_version,
    translate_dilemmas,
)

#: Files beside the dilemmas.
STORE_FILE, CHECK_FILE = "translations.sqlite", "check.csv"


def chosen_dilemmas(names: tuple[str, ...]) -> list[Dilemma]:
    """Dilemmas by id or dimension; all without names.

    Raises:
        ContractError: a name is neither.
    """
    everything = dilemmas()
    unknown = [n for n in names if n not in everything and n not in HOFSTEDE_DIMENSIONS]
    if unknown:
        raise fail(
            "unknown-dilemma",
            "this is no dilemma",
            column="--questions",
            found=", ".join(unknown),
            allowed=f"ids such as ind-01; {', '.join(HOFSTEDE_DIMENSIONS)}",
        )
    return [
        one
        for name, one in everything.items()
        if not names or name in names or one.dimension in names
    ]


def translate_to_folder(
    model: str,
    out: Path,
    *,
    language: str,
    name: str = "",
    questions: tuple[str, ...] = (),
    options: BackendOptions | None = None,
    threshold: float = 50.0,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Translate, write the folder, and say what has to be looked at; 1 where something failed."""
    chosen, target = chosen_dilemmas(questions), name or language_name(language)
    split_model(model)
    if dry_run:
        calls = (2 * len(SEGMENTS)) * len(chosen) + 1
        say(f"{len(chosen)} dilemmas into {target}: at most {calls} calls (there and back)")
        return 0
    chrf("a", "a")  # a lacking package is found before a call is paid for
    backend = open_backend(model, options or BackendOptions())
    try:
        out.mkdir(parents=True, exist_ok=True)
        found = translate_dilemmas(
            chosen, backend, out / STORE_FILE, target=target, threshold=threshold
        )
    finally:
        backend.close()
    write_folder(found, out, language=language, model=model)
    told = _told(found, out, threshold)
    if json:
        say_json(told)
    else:
        _say(told)
    return 1 if told["failed"] else 0


def write_folder(found: Translation, out: Path, *, language: str, model: str) -> None:
    """Write what was translated as a folder of dilemmas, and check that it can be loaded."""
    about = {
        "language": language,
        "question": found.form,
        "translated_by": model,
        "prompt_version": prompt_version(),
    }
    write_text(out / LANGUAGE_FILE, _table(about))
    for dimension in HOFSTEDE_DIMENSIONS:
        rows = [
            "[[dilemma]]\n" + _table(_row(one, found.form))
            for one in found.items
            if one.texts and one.dilemma.dimension == dimension
        ]
        if rows:
            write_text(out / f"{dimension}.toml", "\n".join(rows))
        else:
            (out / f"{dimension}.toml").unlink(missing_ok=True)
    write_text(out / CHECK_FILE, _check(found.items))
    if any(one.texts for one in found.items):
        load_dilemma_folder(out)


def _row(one: Translated, form: str) -> dict[str, str]:
    first, second = one.texts["option_first"], one.texts["option_second"]
    return {
        "id": one.dilemma.dilemma_id,
        "dimension": one.dilemma.dimension,
        "setting": one.dilemma.setting,
        "situation": f"{one.texts['background']} {form_question(form, first, second)}".strip(),
        "option_first": first,
        "option_second": second,
        "high_side": one.dilemma.high_side,
        "described_first": one.dilemma.described_first,
    }


def _table(fields: Mapping[str, str]) -> str:
    """Texts as TOML: a JSON string is a basic string of TOML, save for the sign DEL."""
    lines = (
        f"{key} = {json_format.dumps(text, ensure_ascii=False)}\n" for key, text in fields.items()
    )
    return "".join(lines).replace("\x7f", "\\u007f")


def _check(items: Iterable[Translated]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id", "chrf", "flags"))
    for one in items:
        score = "" if one.chrf is None else f"{one.chrf:.1f}"
        writer.writerow((one.dilemma.dilemma_id, score, " ".join(one.flags)))
    return text.getvalue()


def _told(found: Translation, out: Path, threshold: float) -> dict[str, Any]:
    scores = sorted(one.chrf for one in found.items if one.chrf is not None)
    return {
        "folder": str(out),
        "translated": sum(bool(one.texts) for one in found.items),
        "failed": [one.dilemma.dilemma_id for one in found.items if not one.texts],
        "flagged": {
            one.dilemma.dilemma_id: list(one.flags)
            for one in found.items
            if one.flags and one.texts
        },
        "threshold": threshold,
        "median_chrf": scores[len(scores) // 2] if scores else None,
        "question": found.form,
        "question_translated": found.form_translated,
    }


def _say(told: dict[str, Any]) -> None:
    middle = told["median_chrf"]
    score = "none" if middle is None else f"{middle:.1f}"
    say(f"{told['translated']} dilemmas translated; median chrF of the way back: {score}")
    if not told["question_translated"]:
        say(f"the closing question was not translated; edit it in {LANGUAGE_FILE}, and everywhere")
    flagged = told["flagged"]
    say(f"to look at: {len(flagged)} (threshold {told['threshold']:g}); see {CHECK_FILE}")
    if told["failed"]:
        say(f"failed: {', '.join(told['failed'])}; the same command asks for them again")
    say(f"written: {told['folder']}")
