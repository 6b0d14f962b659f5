"""The texts that people are described with, by key: what a language has to have, and what it lacks.

They stand in two files of `data/`: `demographics_<language>.toml` (questions and answers) and
`demographics_persons_<language>.toml` (answers as parts of a sentence). Their keys join the tables
they stand in: `demographic:question.Q260.text`, `person:category.sex.female.sentence`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from codebook.resources import read_toml, resource

#: Kind of a text, the first part of its key -> the name of its file.
PERSON_FILES: Mapping[str, str] = {
    "demographic": "data/demographics_{language}.toml",
    "person": "data/demographics_persons_{language}.toml",
}

#: Tables that a language has or not, as its grammar needs them.
_OWN_TABLES = ("country",)

#: What is no text: the order of a sentence's parts.
_NO_TEXTS = ("sentence.order",)


def person_source_texts(language: str) -> dict[str, str]:
    """All texts of the two files by key, in the files' order; of a file that is not there, none."""
    found: dict[str, str] = {}
    for kind, name in PERSON_FILES.items():
        path = name.format(language=language)
        if resource(path).is_file():
            found |= {f"{kind}:{key}": text for key, text in _flat(read_toml(path))}
    return found


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, entry in table.items():
        key = f"{prefix}{name}"
        if isinstance(entry, Mapping):
            yield from _flat(entry, f"{key}.")
        elif isinstance(entry, list):
            yield from ((f"{key}.{i}", text) for i, text in enumerate(entry, start=1)
                        if key not in _NO_TEXTS)  # fmt: skip
        elif isinstance(entry, str) and entry.strip():
            yield key, entry


def missing_person_texts(language: str) -> list[str]:
    """Keys of the texts that English has and a language lacks; empty when it is complete."""
    present = person_source_texts(language)
    return [
        key
        for key in person_source_texts("en")
        if key not in present and key.split(":", 1)[1].split(".")[0] not in _OWN_TABLES
    ]
