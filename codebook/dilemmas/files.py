"""Dilemmas in a language of the user's own: a folder like the project's, with its closing question.

The folder holds `language.toml` (`language`, a code; `question`, the form of the closing question
with `{first}` and `{second}`; `choose`, the sentence that calls for one side; and a table
`[persona]` with the sentence that tells who asks, by country) and a file `<dimension>.toml` for
each dimension that there are dilemmas of. Other languages cannot put any two actions into
"Should I ... or ...?", so the form is theirs; every situation closes with it. Who asks is a whole
sentence for each country, since names of countries are inflected in many languages. `choose` and
`[persona]` may be left out where the project has a wording of the language.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from codebook.countries import HOFSTEDE_DIMENSIONS, countries
from codebook.dilemmas.dilemma import Dilemma, DilemmaError, parse_dilemmas

#: File of a folder that says its language.
LANGUAGE_FILE = "language.toml"


@dataclass(frozen=True)
class TranslatedDilemma(Dilemma):
    """A dilemma with the form of its closing question.

    Attributes:
        question_form: holds `{first}` and `{second}`.
    """

    question_form: str

    @property
    def question(self) -> str:
        """The closing question, which names both options."""
        return form_question(self.question_form, self.option_first, self.option_second)

    def swapped(self) -> TranslatedDilemma:
        """The same dilemma with its options in the other order, in the question as well."""
        question = form_question(self.question_form, self.option_second, self.option_first)
        return replace(
            self,
            situation=f"{self.background} {question}",
            option_first=self.option_second,
            option_second=self.option_first,
            high_side="second" if self.high_side == "first" else "first",
        )


class DilemmaFolder(NamedTuple):
    """A user's dilemmas.

    Attributes:
        language: code of their language.
        dilemmas: the dilemmas by id.
        choose: the sentence that calls for one side; empty where the folder has none.
        personas: the sentence that tells who asks, by country, as far as the folder has it.
    """

    language: str
    dilemmas: Mapping[str, TranslatedDilemma]
    choose: str = ""
    personas: Mapping[str, str] = MappingProxyType({})


def form_question(form: str, first: str, second: str) -> str:
    """A closing question from its form."""
    before, _, rest = form.partition("{first}")
    middle, _, after = rest.partition("{second}")
    return f"{before}{first}{middle}{second}{after}"


def form_problem(form: object) -> str:
    """What is wrong with the form of a closing question; empty if nothing is."""
    if not isinstance(form, str):
        return f"question is {form!r}; it must be a text with {{first}} and {{second}}"
    places = form.find("{first}"), form.find("{second}")
    if -1 in places or form.count("{first}") + form.count("{second}") != 2:
        return f"question is {form!r}; it must hold {{first}} and {{second}}, once each"
    return "" if places[0] < places[1] else f"question is {form!r}; {{first}} must come first"


def load_dilemma_folder(path: str | Path) -> DilemmaFolder:
    """Dilemmas of a folder.

    Raises:
        DilemmaError: a file cannot be read or is faulty; the message lists every place.
    """
    folder = Path(path)
    about = _read(folder / LANGUAGE_FILE)
    form, language = about.get("question"), about.get("language")
    problems = [problem for problem in (form_problem(form),) if problem]
    if not isinstance(language, str) or not language:
        problems.append(f"language is {language!r}; it must be a code, for instance ja")
    choose, personas = about.get("choose", ""), about.get("persona", {})
    problems += _sentence_problems(choose, personas)
    if problems:
        raise DilemmaError("\n".join(f"{folder / LANGUAGE_FILE}: {text}" for text in problems))
    files = {d: folder / f"{d}.toml" for d in HOFSTEDE_DIMENSIONS}
    content = {d: _read(file) for d, file in files.items() if file.is_file()}
    if not content:
        raise DilemmaError(f"{folder}: no dilemmas; there are none of {', '.join(files)} (.toml)")
    dilemmas_by_id = {
        one.dilemma_id: TranslatedDilemma(**vars(one), question_form=str(form))
        for one in parse_dilemmas(content, source=str(folder))
    }
    wrong = [
        f"{folder}/{one.dimension}.toml ({name}): the situation must close with {one.question!r}"
        for name, one in dilemmas_by_id.items()
        if not one.situation.endswith(one.question)
    ]
    if wrong:
        raise DilemmaError("\n".join(wrong))
    return DilemmaFolder(
        str(language), MappingProxyType(dilemmas_by_id), choose.strip(), MappingProxyType(personas)
    )


def _sentence_problems(choose: object, personas: object) -> list[str]:
    problems = []
    if not isinstance(choose, str):
        problems.append(f"choose is {choose!r}; it must be a sentence")
    if not isinstance(personas, dict):
        return [*problems, f"persona is {personas!r}; it must be a table of sentences by country"]
    for country, sentence in personas.items():
        if country not in countries():
            problems.append(f"persona: {country!r} is no country; write ISO3 codes such as ALB")
        if not isinstance(sentence, str) or not sentence.strip():
            problems.append(f"persona: {country} is {sentence!r}; it must be a sentence")
    return problems


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DilemmaError(f"{path}: there is no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DilemmaError(f"{path}: it is no TOML ({error})") from None
