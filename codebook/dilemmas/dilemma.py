"""The advice protocol's dilemmas: first-person situations that end in a choice of two.

250 of them, 50 for each of Hofstede's five dimensions, written for this project. The idea of a
dilemma whose two sides stand for the two ends of a dimension is that of Kharchenko, Roosta, Chadha
and Shah, "How Well Do LLMs Represent Values Across Cultures?" (2024); no text of theirs is used.
Each dimension has a file `dilemmas/<language>/<dimension>.toml`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from codebook.countries import HOFSTEDE_DIMENSIONS
from codebook.resources import read_toml, resource
from codebook.review import text_digest

Setting = Literal["family_friends", "work", "study", "society"]
Side = Literal["high", "low"]
Place = Literal["first", "second"]

#: Settings in which a dilemma may take place.
SETTINGS: tuple[Setting, ...] = get_args(Setting)

#: What advice on either side means, by dimension: (high, low).
SIDES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "individualism": (
            "follow one's own wish, judgement or privacy",
            "follow the group one belongs to",
        ),
        "mas": (
            "compete, achieve, win or show success",
            "care, live pleasantly, stay modest or seek consensus",
        ),
        "uncertainty_avoidance": (
            "prefer rules, plans, experts and certainty",
            "be at ease with the open, the ambiguous and the improvised",
        ),
        "power_distance": (
            "defer to rank, age or office",
            "treat people as equals and question those above",
        ),
        "long_term_orientation": (
            "save, persevere, invest for later or adapt tradition",
            "keep tradition and obligations, seek quick results or live in the present",
        ),
    }
)


class DilemmaError(ValueError):
    """Dilemma files that cannot be read; the message lists every place that is wrong."""


@dataclass(frozen=True)
class Dilemma:
    """One dilemma.

    Attributes:
        dilemma_id: for instance `ind-01`; the `prompt_id` of an advice predictions file.
        dimension: one of `HOFSTEDE_DIMENSIONS`.
        setting: one of `SETTINGS`.
        situation: the whole text, 60-120 words, with the closing question that names both options
            in their order.
        option_first: the option that the question names first, a short action.
        option_second: the other one.
        high_side: which of the two stands for the high end of the dimension.
        described_first: whose side the situation tells of first, as its author reads it. It
            stays as it is when the options are swapped.
    """

    dilemma_id: str
    dimension: str
    setting: Setting
    situation: str
    option_first: str
    option_second: str
    high_side: Place
    described_first: Side

    @property
    def question(self) -> str:
        """The closing question, which names both options."""
        return choice_question(self.option_first, self.option_second)

    @property
    def background(self) -> str:
        """The situation without its closing question."""
        return self.situation.removesuffix(self.question).rstrip()

    @property
    def options(self) -> tuple[str, str]:
        """Both options in the order of the question."""
        return (self.option_first, self.option_second)

    @property
    def high_option(self) -> str:
        """The option on the high side of the dimension."""
        return self.options[0 if self.high_side == "first" else 1]

    @property
    def low_option(self) -> str:
        """The option on the low side of the dimension."""
        return self.options[1 if self.high_side == "first" else 0]

    @property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the sha256 over all fields; any change changes it."""
        return text_digest(json.dumps(asdict(self), sort_keys=True, ensure_ascii=False))

    def swapped(self) -> Dilemma:
        """The same dilemma with its options in the other order, in the question as well."""
        question = choice_question(self.option_second, self.option_first)
        return replace(
            self,
            situation=f"{self.background} {question}",
            option_first=self.option_second,
            option_second=self.option_first,
            high_side="second" if self.high_side == "first" else "first",
        )


def choice_question(first: str, second: str) -> str:
    """The question with which an English situation closes."""
    return f"Should I {first} or {second}?"


_ALLOWED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "dimension": HOFSTEDE_DIMENSIONS,
        "setting": SETTINGS,
        "high_side": get_args(Place),
        "described_first": get_args(Side),
    }
)
#: Field of `Dilemma` -> key in the files.
_KEYS = {f.name: "id" if f.name == "dilemma_id" else f.name for f in fields(Dilemma)}


def _row_problems(row: Mapping[str, Any], where: str) -> list[str]:
    keys = set(_KEYS.values())
    problems = [f"{where}: {key} is missing" for key in sorted(keys - set(row))]
    problems += [f"{where}: {key} is no key of a dilemma" for key in sorted(set(row) - keys)]
    for key in sorted(keys & set(row)):
        entry, allowed = row[key], _ALLOWED.get(key)
        if not isinstance(entry, str) or not entry.strip():
            problems.append(f"{where}: {key} is {entry!r}; it must be a text that is not empty")
        elif allowed and entry not in allowed:
            problems.append(f"{where}: {key} is {entry!r}; allowed are {', '.join(allowed)}")
    return problems


def parse_dilemmas(rows_by_dimension: Mapping[str, Any], *, source: str) -> tuple[Dilemma, ...]:
    """Dilemmas from the parsed content of their files.

    Args:
        rows_by_dimension: content of each dimension's file, as `{"dilemma": [row, ...]}`.
        source: where they were read, for messages.

    Raises:
        DilemmaError: a key is missing, unknown or has a forbidden content, a dilemma stands in
            another dimension's file, or an id occurs twice; the message lists all such places.
    """
    problems: list[str] = []
    dilemmas_by_id: dict[str, Dilemma] = {}
    for dimension, content in rows_by_dimension.items():
        rows = content.get("dilemma")
        if not isinstance(rows, list):
            problems.append(f"{source}/{dimension}.toml: no [[dilemma]] tables")
            continue
        for number, row in enumerate(rows, start=1):
            where = f"{source}/{dimension}.toml, dilemma {number} ({row.get('id', 'no id')})"
            wrong = _row_problems(row, where)
            if not wrong and row["dimension"] != dimension:
                wrong.append(f"{where}: its dimension is {row['dimension']}; move it to that file")
            if not wrong and row["id"] in dilemmas_by_id:
                wrong.append(f"{where}: the id occurs twice; give one of them another")
            problems += wrong
            if not wrong:
                texts = {name: row[key].strip() for name, key in _KEYS.items()}
                dilemmas_by_id[row["id"]] = Dilemma(**texts)
    if problems:
        raise DilemmaError("\n".join(problems))
    return tuple(dilemmas_by_id.values())


def dilemma_languages() -> tuple[str, ...]:
    """Languages in which the project holds dilemmas."""
    # Folders of the language's own: Python leaves one of its own beside modules.
    folder_names = (e.name for e in resource("dilemmas").iterdir() if (e / "leaks.toml").is_file())
    return tuple(sorted(folder_names))


def language_folder(language: str) -> Traversable:
    """The packaged folder of a language.

    Raises:
        KeyError: the project holds no dilemmas in it; the message lists those there are.
    """
    if language not in dilemma_languages():
        there = ", ".join(dilemma_languages())
        raise KeyError(f"no dilemmas in language {language!r}; there are: {there}")
    return resource(f"dilemmas/{language}")


@cache
def dilemmas(language: str = "en") -> Mapping[str, Dilemma]:
    """All dilemmas of a language by id, dimension after dimension.

    Raises:
        KeyError: the project holds no dilemmas in this language.
        DilemmaError: the files are faulty.
    """
    language_folder(language)
    content = {
        dimension: read_toml(f"dilemmas/{language}/{dimension}.toml")
        for dimension in HOFSTEDE_DIMENSIONS
    }
    parsed = parse_dilemmas(content, source=str(Path("codebook", "dilemmas", language)))
    return MappingProxyType({d.dilemma_id: d for d in parsed})


def dilemmas_digest(language: str = "en") -> str:
    """First 16 hexadecimal digits of the sha256 over ids and digests of all dilemmas, in order."""
    return text_digest("".join(f"{d.dilemma_id} {d.digest}\n" for d in dilemmas(language).values()))
