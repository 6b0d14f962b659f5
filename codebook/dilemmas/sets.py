"""A set of dilemmas in one language, with the sentences around them: what advice is asked with.

The project's own sets stand on `codebook/dilemmas` and the wording of the language; a user's stands
on a folder (`codebook.dilemmas.files`). What a folder does not say is taken from the project's
wording of its language, where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

from codebook.dilemmas.dilemma import Dilemma, DilemmaError, dilemma_languages, dilemmas
from codebook.dilemmas.files import LANGUAGE_FILE, load_dilemma_folder
from codebook.review import text_digest
from codebook.wordings.fill import fill
from codebook.wordings.wording import languages, wording


@dataclass(frozen=True)
class DilemmaSet:
    """Dilemmas of one language.

    Attributes:
        language: code of the language.
        dilemmas: the dilemmas by id.
        choose: the sentence that calls for one side.
        personas: by country, the sentence that tells who asks.
        source: the folder; empty for the project's own.
    """

    language: str
    dilemmas: Mapping[str, Dilemma]
    choose: str
    personas: Mapping[str, str]
    source: str = ""

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits over everything that prompts are made of."""
        lines = [f"language {self.language}", f"choose {self.choose}"]
        lines += [f"persona {country} {text}" for country, text in sorted(self.personas.items())]
        lines += [f"{name} {one.digest}" for name, one in sorted(self.dilemmas.items())]
        return text_digest("\n".join(lines))


@cache
def project_set(language: str) -> DilemmaSet:
    """The project's own set of a language.

    Raises:
        KeyError: the project holds no dilemmas in it.
    """
    return DilemmaSet(
        language, dilemmas(language), wording_choose(language), wording_personas(language)
    )


def project_sets() -> dict[str, DilemmaSet]:
    """All of the project's own sets, by language."""
    spoken = set(dilemma_languages()) & set(languages())
    return {language: project_set(language) for language in sorted(spoken)}


def wording_choose(language: str) -> str:
    """The call for one side in the project's wording of a language; empty without one."""
    return fill(wording(language), "advice_choose") if language in languages() else ""


def wording_personas(language: str) -> Mapping[str, str]:
    """Who asks, by country, in the project's wording of a language; empty without one."""
    if language not in languages():
        return MappingProxyType({})
    texts = wording(language)
    return MappingProxyType(
        {
            country: fill(texts, "advice_persona", country=name)
            for country, name in texts.countries.items()
        }
    )


def folder_set(path: str | Path) -> DilemmaSet:
    """The set of a folder.

    Raises:
        DilemmaError: the folder is faulty, or lacks the call for one side.
    """
    dilemma_folder = load_dilemma_folder(path)
    choose = dilemma_folder.choose or wording_choose(dilemma_folder.language)
    if not choose:
        raise DilemmaError(
            f"{Path(path) / LANGUAGE_FILE}: choose is missing: the sentence, "
            f"in {dilemma_folder.language}, that calls for one of the two"
        )
    personas = {**wording_personas(dilemma_folder.language), **dilemma_folder.personas}
    return DilemmaSet(
        dilemma_folder.language,
        dilemma_folder.dilemmas,
        choose,
        MappingProxyType(personas),
        str(path),
    )


def set_folders(paths: Iterable[str | Path]) -> tuple[Path, ...]:
    """Folders of sets: each path is one, or holds one folder for each language.

    Raises:
        DilemmaError: a path is neither; the message lists every such path.
    """
    folders: list[Path] = []
    problems = []
    for path in map(Path, paths):
        if (path / LANGUAGE_FILE).is_file():
            folders.append(path)
            continue
        inner = sorted(p.parent for p in path.glob(f"*/{LANGUAGE_FILE}"))
        if not inner:
            problems.append(f"{path}: no dilemmas; neither it nor a folder in it has a "
                            f"{LANGUAGE_FILE}")  # fmt: skip
        folders += inner
    if problems:
        raise DilemmaError("\n".join(problems))
    return tuple(folders)


def load_sets(paths: Iterable[str | Path]) -> dict[str, DilemmaSet]:
    """Sets by language: the project's own, and those of folders, which take their place.

    Raises:
        DilemmaError: a folder is faulty, or two are of one language; the message lists all.
    """
    own: dict[str, DilemmaSet] = {}
    problems = []
    for folder in set_folders(paths):
        try:
            one = folder_set(folder)
        except DilemmaError as error:
            problems.append(str(error))
            continue
        if one.language in own:
            there = own[one.language].source
            problems.append(f"{folder}: {there} is in {one.language} too; give one of them")
        own[one.language] = one
    if problems:
        raise DilemmaError("\n".join(problems))
    return {**project_sets(), **own}
