"""The wordings that a study asks in: the project's own, and those that a user holds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from codebook.wordings.files import load_wording_folder
from codebook.wordings.parse import WordingError
from codebook.wordings.wording import Wording, languages, wording
from contracts.digests import sha256_text
from contracts.errors import ContractError, Problem

if TYPE_CHECKING:
    pass


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
