"""An opened survey file read whole, block by block, into a `Survey`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codebook import country_by_wvs_code, value_questions
from codebook.questions import MissingKind
from contracts.errors import ContractError, Problem, fail
from dataset_builder.reading.assembly import ID_ROLES, TEXT_ROLES, Assembly
from dataset_builder.reading.blocks import Progress, TabularFile, Wanted
from dataset_builder.reading.coding import Coder, demographic_coder, question_coder
from dataset_builder.reading.direction import direction_of, renumbered
from dataset_builder.reading.identity import identity_notes, respondent_ids
from dataset_builder.reading.labels import code_of_label
from dataset_builder.reading.layout import Layout, find_layout
from dataset_builder.reading.provenance import synthetic_source
from dataset_builder.reading.source_file import source_file
from dataset_builder.reading.unknown_share import unknown_notes, unknown_shares, withhold
from dataset_builder.reading.variables import ON_REQUEST, WAVE
from dataset_builder.survey import Survey

#: Questions that a note names one by one.
_MOST_NAMED = 5


def read_tabular(
    file: TabularFile, path: Path, *, allow_unknown: bool, progress: Progress | None
) -> Survey:
    """Read an opened file whole.

    Raises:
        ContractError: see `dataset_builder.reading.read_survey`.
    """
    layout = find_layout(file.headers, where=path.name)
    assembly = Assembly(layout=layout, where=path.name, coders=_coders(layout, file))
    strange = strange_labels(layout, file)
    above = 0
    for block in file.blocks(_wanted(layout)):
        assembly.add_people(block, file.headers, above=above)
        above += block.rows
        if progress is not None:
            progress(block.done, file.total)
    if not assembly.rows:
        raise fail("no-rows", "the file has column names but no people", where=path.name)
    refuse(problems_of([assembly], allow_unknown), where=path.name)
    survey = _survey(assembly, file, path)
    return replace(survey, notes=(*survey.notes, *strange))


def problems_of(assemblies: Sequence[Assembly], allow_unknown: bool) -> list[Problem]:
    """All that is wrong with the rows of a file.

    Args:
        assemblies: rows of the file, by wave.
        allow_unknown: whether codes that the codebook lacks pass; unknown countries never do.
    """
    problems = [problem for part in assemblies for problem in part.row_problems.problems()]
    for part in assemblies:
        if not allow_unknown or part.unlisted.has("B_COUNTRY"):
            problems += part.unlisted.problems(
                where=part.where, coders=part.coders, name=country_name
            )
    return problems


def refuse(problems: Sequence[Problem], *, where: str) -> None:
    """Raise one error of all problems, if there are any."""
    if problems:
        codes = all(problem.code == "unknown-code" for problem in problems)
        what = "codes that the codebook lacks" if codes else "rows that cannot be read"
        raise ContractError(problems, subject=f"{where}: {what}")


def _coders(layout: Layout, file: TabularFile) -> dict[str, Coder]:
    coders = {
        question: question_coder(
            question,
            mirror=direction_of(
                question,
                value_labels=file.value_labels.get(place, {}),
                inverted=question in layout.inverted,
                header=file.headers[place],
            ),
        )
        for question, place in layout.questions.items()
    }
    labels = file.value_labels
    coders |= {
        variable: demographic_coder(variable, mirror=renumbered(variable, labels.get(place, {})))
        for variable, place in layout.demographics.items()
    }
    coders.setdefault("B_COUNTRY", demographic_coder("B_COUNTRY"))
    waves = renumbered("A_WAVE", labels.get(layout.roles.get("wave", -1), {}))
    coders["A_WAVE"] = Coder("A_WAVE", frozenset({WAVE}), strict=False, mirror=waves)
    coders |= {role: Coder(role, frozenset(), strict=False, numbers=True) for role in ID_ROLES}
    return coders


def _wanted(layout: Layout) -> Wanted:
    text = {layout.roles[r] for r in TEXT_ROLES if r in layout.roles}
    small = set(layout.questions.values()) - text
    whole = set(layout.columns()) - small - text
    return Wanted(small=frozenset(small), whole=frozenset(whole), text=frozenset(text))


def country_name(code: int) -> str:
    """ISO3 code of the survey's code of a country."""
    known = country_by_wvs_code().get(code)
    return known.country if known is not None else "unknown country"


def _survey(assembly: Assembly, file: TabularFile, path: Path) -> Survey:
    countries, country = country_index(np.concatenate(assembly.country))
    ids = {role: np.concatenate(parts) for role, parts in assembly.ids.items()}
    answers = stacked(assembly.answers, len(assembly.layout.questions))
    assembly.answers.clear()
    questions = tuple(assembly.layout.questions)
    shares = unknown_shares(assembly.unlisted, answers, questions, country, countries, country_name)
    withhold(shares, answers, questions, country, countries)
    demographics = {v: np.concatenate(parts) for v, parts in assembly.demographics.items()}
    respondent_id, id_source = respondent_ids(
        ids.get("person"), ids.get("interview"), assembly.rows
    )
    interview = ids.get("interview", np.full(assembly.rows, int(MissingKind.MISSING), np.int64))
    notes = identity_notes(
        ids.get("person"), ids.get("interview"), [answers, *demographics.values()]
    )
    synthetic, note = synthetic_source(
        path, versions=assembly.provenance["version"], dois=assembly.provenance["doi"]
    )
    return Survey(
        source=source_file(
            assembly,
            file,
            path,
            wave=WAVE,
            seen=_seen(assembly),
            id_source=id_source,
            synthetic=synthetic,
        ),
        wave=WAVE,
        respondent_id=respondent_id,
        interview_id=interview,
        country=country,
        countries=countries,
        weight=np.concatenate(assembly.weight),
        answers=answers,
        questions=questions,
        demographics=demographics,
        row_number=np.arange(assembly.rows, dtype=np.int64),
        unlisted=assembly.unlisted.listing(country_name),
        unknown_shares=shares,
        notes=(*unknown_notes(shares, wave=WAVE), *_notes(assembly), *notes, *note),
        synthetic=synthetic,
        psu=assembly.joined_design("psu"),
        region=assembly.joined_design("region"),
    )


def stacked(blocks: list[NDArray[np.int8]], width: int) -> NDArray[np.int8]:
    """Blocks of rows one below the other, shape (n, width), stored column by column."""
    whole = np.empty((sum(len(b) for b in blocks), width), np.int8, order="F")
    start = 0
    for block in blocks:
        whole[start : start + len(block)] = block
        start += len(block)
    return whole


def country_index(codes: NDArray[np.int64]) -> tuple[tuple[str, ...], NDArray[np.int16]]:
    """ISO3 codes in order of appearance, and the index into them of each person."""
    distinct, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int16)
    rank[order] = np.arange(len(order), dtype=np.int16)
    return tuple(country_name(int(distinct[i])) for i in order), rank[inverse]


def _notes(assembly: Assembly) -> list[str]:
    notes = []
    if "weight" not in assembly.layout.roles:
        notes.append("The file has no design weight; everyone has weight 1.")
    turned = [q for q in assembly.layout.questions if _is_turned(assembly, q)]
    changed = [v for v, c in assembly.coders.items() if c.mirror and v not in turned]
    if changed:
        notes.append(
            "A program had renumbered the answers; the file's own labels gave back the survey's "
            f"codes of {', '.join(changed)}."
        )
    if assembly.layout.set_aside:
        notes.append(
            f"Columns {', '.join(assembly.layout.set_aside)} are not read, though their names "
            "begin like a question's. Rename those that are meant to its name alone (Q1)."
        )
    if assembly.blank_rows:
        notes.append(
            f"{assembly.blank_rows} rows without a country or any answer were passed over (blank "
            "lines, notes below the table)."
        )
    if turned:
        notes.append(
            "The file is an inverted release; these questions were turned back to the "
            f"questionnaire's direction: {', '.join(turned)}."
        )
    return notes


def _is_turned(assembly: Assembly, question: str) -> bool:
    """Whether a question's scale was turned round, as inverted releases have it."""
    scale = value_questions()[question].scale
    mirror = assembly.coders[question].mirror
    return (
        bool(mirror)
        and scale is not None
        and set(mirror) | set(mirror.values()) <= set(scale.codes)
    )


def strange_labels(layout: Layout, file: TabularFile) -> list[str]:
    """A note on questions whose codes bear labels in the file that are not known, if there are any.

    They are in another language, as a rule; or the question was recoded, and the codes no longer
    mean what they mean in the questionnaire.
    """
    unknown_labels = []
    for question, place in layout.questions.items():
        scale = value_questions()[question].scale
        assert scale is not None
        words = {
            code: text
            for code, text in file.value_labels.get(place, {}).items()
            if code in scale.codes and re.search(r"[^\W\d]", text)
        }
        if words and all(code_of_label(question, text) is None for text in words.values()):
            code, text = next(iter(words.items()))
            unknown_labels.append(f"{question} ({code} = {text!r})")
    if not unknown_labels:
        return []
    more = (
        f" and {len(unknown_labels) - _MOST_NAMED} more"
        if len(unknown_labels) > _MOST_NAMED
        else ""
    )
    return [
        f"None of the file's labels are known for {', '.join(unknown_labels[:_MOST_NAMED])}{more}. "
        "Their codes were read as the questionnaire's; check that the columns were not recoded."
    ]


def _seen(assembly: Assembly) -> dict[str, str]:
    """What the manifest says of files of wave 7 alone."""
    layout = assembly.layout
    turned = [q for q in layout.questions if _is_turned(assembly, q)]
    labels = any(coder.used_labels for coder in assembly.coders.values())
    seen = {"headers": layout.header_style, "answers": "labels and codes" if labels else "codes"}
    if any(coder.used_decimals for coder in assembly.coders.values()):
        seen["numbers"] = "with decimals (-3.0)"
    seen["direction"] = "inverted, turned back" if turned else "questionnaire"
    seen["demographics"] = str(len(set(layout.demographics) - set(ON_REQUEST)))
    return seen
