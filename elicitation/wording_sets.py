"""The wordings that a study asks in: the project's own, and those that a user holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from codebook import value_questions
from codebook.steering import few_shot_ids
from codebook.templates import TEMPLATE_SPECS
from codebook.wording_files import load_wording_folder
from codebook.wording_texts import WordingError
from codebook.wordings import Wording, languages, wording
from contracts.digests import sha256_text
from contracts.errors import ContractError, Problem

if TYPE_CHECKING:
    from elicitation.study import Study

#: Lacking texts that a message names.
_SHOWN = 8


@cache
def study_wordings(folders: tuple[str, ...]) -> Mapping[str, Wording]:
    """Wordings by language: the project's, and those of folders (or CSV files), in their place.

    Raises:
        ContractError: a folder is faulty, or two are of one language; the message lists all.
    """
    own: dict[str, Wording] = {}
    problems = []
    for folder in folders:
        try:
            opened = load_wording_folder(folder)
        except WordingError as error:
            problems.append(Problem("bad-wording", str(error), where=folder, column="--wording"))
            continue
        if opened.language in own:
            problems.append(
                Problem(
                    "same-language",
                    f"two wordings are in {opened.language}; give one of them",
                    where=folder,
                    column="--wording",
                )
            )
        own[opened.language] = opened
    if problems:
        raise ContractError(problems, subject="wordings")
    return MappingProxyType({**{code: wording(code) for code in languages()}, **own})


def wordings_digest(folders: tuple[str, ...]) -> str:
    """Digest over all wordings of folders; empty without any."""
    if not folders:
        return ""
    own = study_wordings(folders)
    return sha256_text(" ".join(f"{code}:{own[code].digest}" for code in sorted(own)))


def lacking_texts(study: Study) -> Iterator[Problem]:
    """A problem for each of the user's wordings that lacks what the study's prompts need."""
    project = set(languages())
    for language, texts in study_wordings(study.wording_folders).items():
        if language in project and texts is wording(language):
            continue
        if not {language, "own"} & set(study.languages):
            continue
        present = set(texts.texts())
        lacking = [key for key in _needed(study) if key not in present]
        if lacking:
            more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
            yield Problem(
                "wording-lacks",
                f"the wording {texts.name} ({language}) lacks texts that the study asks for",
                column="--wording",
                found=", ".join(lacking[:_SHOWN]) + more,
                hint="opinion-atlas wording check --folder FOLDER lists all.",
            )


def _needed(study: Study) -> Iterator[str]:
    shown = [key for c in (None, *study.countries) for key in few_shot_ids(c)]
    asked = [key for key in dict.fromkeys((*study.questions, *shown)) if key in value_questions()]
    yield from (f"stem:{key}" for key in asked)
    scales = {question.scale for key in asked if (question := value_questions()[key])}
    for scale in sorted((s for s in scales if s is not None), key=lambda s: s.scale_id):
        yield from (f"label:{scale.scale_id}:{code}" for code in scale.labelled_codes)
    yield from (f"template:{name}" for name in TEMPLATE_SPECS)
    yield from (f"country:{country}" for country in study.countries)
