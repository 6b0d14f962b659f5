"""What `opinion-atlas translate` does: a folder of dilemmas in another language."""

from __future__ import annotations

import csv
import io
import json as json_format
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codebook.countries import HOFSTEDE_DIMENSIONS
from codebook.dilemmas.dilemma import Dilemma, dilemmas
from codebook.dilemmas.files import LANGUAGE_FILE, form_question, load_dilemma_folder
from contracts.atomic import write_text
from contracts.errors import ContractError, unknown_values
from elicitation.backends.registry import BackendOptions, split_model
from elicitation.commands.terminal import say, say_json
from elicitation.run.store import Store
from elicitation.translation.translate import (
    SEGMENTS,
    Checked,
    Translated,
    Translation,
    chrf,
    sentences_of,
    translate_dilemmas,
)
from elicitation.translation.translators import language_of, open_translator

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
        raise ContractError(
            unknown_values(
                "--questions",
                unknown,
                (*everything, *HOFSTEDE_DIMENSIONS),
                code="unknown-dilemma",
                described=f"ids such as ind-01; {', '.join(HOFSTEDE_DIMENSIONS)}",
            )
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
    chosen, target = chosen_dilemmas(questions), language_of(language, name)
    scheme, _ = split_model(model)
    if dry_run:
        texts = len(SEGMENTS) * len(chosen) + len(sentences_of(language))
        each = " (more where the model translates sentence by sentence)" if scheme == "hf" else ""
        say(
            f"{len(chosen)} dilemmas into {target.name}: at most {2 * texts + 1} calls "
            f"(there and back){each}"
        )
        return 0
    chrf("a", "a")  # a lacking package is found before a call is paid for
    translator = open_translator(model, options or BackendOptions())
    try:
        out.mkdir(parents=True, exist_ok=True)
        translation = translate_dilemmas(
            chosen, translator, out / STORE_FILE, target=target, threshold=threshold
        )
        version = translator.version
    finally:
        translator.close()
    with Store(out / STORE_FILE) as store:
        errors = store.last_errors()
    write_folder(translation, out, language=language, model=model, version=version)
    summary = {**_summary(translation, out, threshold), "errors": errors}
    if json:
        say_json(summary)
    else:
        _say(summary)
    return 1 if summary["failed"] else 0


def write_folder(
    translation: Translation, out: Path, *, language: str, model: str, version: str = ""
) -> None:
    """Write what was translated as a folder of dilemmas, and check that it can be loaded."""
    about = {
        "language": language,
        "question": translation.form,
        "translated_by": model,
        "prompt_version": version,
    }
    written = {name: one.text for name, one in translation.sentences.items() if one.text}
    if choose := written.pop("choose", ""):
        about["choose"] = choose
    personas = {name.removeprefix("persona-"): text for name, text in written.items()}
    table = f"\n[persona]\n{_table(personas)}" if personas else ""
    write_text(out / LANGUAGE_FILE, _table(about) + table)
    for dimension in HOFSTEDE_DIMENSIONS:
        rows = [
            "[[dilemma]]\n" + _table(_row(one, translation.form))
            for one in translation.items
            if one.texts and one.dilemma.dimension == dimension
        ]
        if rows:
            write_text(out / f"{dimension}.toml", "\n".join(rows))
        else:
            (out / f"{dimension}.toml").unlink(missing_ok=True)
    write_text(out / CHECK_FILE, _check(translation))
    if any(one.texts for one in translation.items):
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


def _check(translation: Translation) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id", "chrf", "flags"))
    for name, one in _named(translation):
        score = "" if one.chrf is None else f"{one.chrf:.1f}"
        writer.writerow((name, score, " ".join(one.flags)))
    return text.getvalue()


def _named(translation: Translation) -> Iterator[tuple[str, Translated | Checked]]:
    """Dilemmas and sentences, by name."""
    yield from translation.sentences.items()
    yield from ((one.dilemma.dilemma_id, one) for one in translation.items)


def _summary(translation: Translation, out: Path, threshold: float) -> dict[str, Any]:
    scores = sorted(one.chrf for one in translation.items if one.chrf is not None)
    failed = [name for name, one in _named(translation) if "failed" in one.flags]
    return {
        "folder": str(out),
        "translated": sum(bool(one.texts) for one in translation.items),
        "failed": failed,
        "flagged": {
            name: list(one.flags)
            for name, one in _named(translation)
            if one.flags and name not in failed
        },
        "threshold": threshold,
        "median_chrf": scores[len(scores) // 2] if scores else None,
        "question": translation.form,
        "question_from": translation.form_source,
    }


def _say(summary: dict[str, Any]) -> None:
    middle = summary["median_chrf"]
    score = "none" if middle is None else f"{middle:.1f}"
    say(f"{summary['translated']} dilemmas translated; median chrF of the way back: {score}")
    if summary["question_from"] == "project":
        say("closing question: the project's form for this language")
    elif summary["question_from"] == "neutral":
        say(f"the closing question was not translated; edit it in {LANGUAGE_FILE}, and everywhere")
    flagged = summary["flagged"]
    say(f"to look at: {len(flagged)} (threshold {summary['threshold']:g}); see {CHECK_FILE}")
    if summary["failed"]:
        say(f"failed: {', '.join(summary['failed'])}; the same command asks for them again")
        for error in summary["errors"]:
            say(f"  {error}")
    say(
        f"written: {summary['folder']}; ask it: opinion-atlas elicit MODEL --protocol advice "
        f"--approach language --dilemmas {summary['folder']}"
    )
