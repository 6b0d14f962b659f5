"""How the questions are put into words, language by language.

A wording is one folder `wordings/<language>/` of four files, `questions.toml`, `scales.toml`,
`templates.toml` and `countries.toml`. In flat form every text has a key, such as `stem:Q1`,
`statement:Q27`, `label:importance4:1`, `missing:-1`, `template:persona` or `country:USA`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType

from codebook.countries import countries
from codebook.questions import MISSING_CODES, scales, value_questions
from codebook.resources import resource
from codebook.wordings.parse import WordingError, parse_folder, problems_of
from codebook.wordings.templates import TEMPLATE_SPECS

#: Name of the wording that this project ships.
OWN_NAME = "atlas"


@dataclass(frozen=True, eq=False)
class Wording:
    """All texts of one wording in one language; equal wordings have equal digests.

    Attributes:
        language: language code, for instance `en` or `pt`.
        name: name of the wording; `atlas` is the project's own.
        machine_drafted: whether the texts were drafted by a machine.
        stems: the question, by question id.
        statements: the same as a statement, by question id, where the scale is agreement.
        labels: label by scale id, then raw code.
        missing: text of each kind of missing, by code (-5..-1).
        templates: templates by name, see `codebook.wordings.templates.TEMPLATE_SPECS`.
        countries: name by ISO3 code, as it stands in a sentence.
    """

    language: str
    name: str
    machine_drafted: bool
    stems: Mapping[str, str]
    statements: Mapping[str, str]
    labels: Mapping[str, Mapping[int, str]]
    missing: Mapping[int, str]
    templates: Mapping[str, str]
    countries: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        """sha256 over the language and all texts, whatever the file they came from."""
        content = {"language": self.language, "texts": self.texts()}
        canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("utf-8")).hexdigest()

    def texts(self) -> dict[str, str]:
        """All texts by key, in the order of the codebook."""
        texts_by_key = {f"stem:{key}": text for key, text in self.stems.items()}
        texts_by_key |= {f"statement:{key}": text for key, text in self.statements.items()}
        for scale_id, labels in self.labels.items():
            texts_by_key |= {f"label:{scale_id}:{code}": text for code, text in labels.items()}
        texts_by_key |= {f"missing:{code}": text for code, text in self.missing.items()}
        texts_by_key |= {f"template:{name}": text for name, text in self.templates.items()}
        texts_by_key |= {f"country:{country}": text for country, text in self.countries.items()}
        return texts_by_key


def required_keys() -> tuple[str, ...]:
    """Keys of the texts that a complete wording has, in the order of the codebook."""
    asked = value_questions().values()
    keys = [f"stem:{q.question_id}" for q in asked]
    keys += [f"statement:{q.question_id}" for q in asked if q.scale and q.scale.agreement]
    keys += [f"label:{s.scale_id}:{c}" for s in scales().values() for c in s.labelled_codes]
    keys += [f"missing:{code}" for code in MISSING_CODES]
    keys += [f"template:{name}" for name in TEMPLATE_SPECS]
    keys += [f"country:{country}" for country in countries()]
    return tuple(keys)


def wording_of(
    texts: Mapping[str, str], *, language: str, name: str, machine_drafted: bool
) -> Wording:
    """A wording made of texts by key; what is lacking stays lacking, see `missing_texts`.

    Raises:
        WordingError: a key or text is wrong; the message lists all such places.
    """
    problems = problems_of(texts)
    if problems:
        raise WordingError(problems, subject=f"wording {name!r} ({language})")
    known = {key: texts[key] for key in required_keys() if key in texts}

    def part(kind: str) -> dict[str, str]:
        return {k.split(":", 1)[1]: t for k, t in known.items() if k.startswith(f"{kind}:")}

    labels: dict[str, dict[int, str]] = {}
    for key, text in part("label").items():
        scale_id, code = key.split(":")
        labels.setdefault(scale_id, {})[int(code)] = text
    return Wording(
        language=language,
        name=name,
        machine_drafted=machine_drafted,
        stems=MappingProxyType(part("stem")),
        statements=MappingProxyType(part("statement")),
        labels=MappingProxyType({k: MappingProxyType(v) for k, v in labels.items()}),
        missing=MappingProxyType({int(code): text for code, text in part("missing").items()}),
        templates=MappingProxyType(part("template")),
        countries=MappingProxyType(part("country")),
    )


@cache
def languages() -> tuple[str, ...]:
    """Codes of the languages that the project has a wording in, English first."""
    # Folders of the language's own: Python leaves one of its own beside modules.
    language_codes = [
        entry.name
        for entry in resource("wordings").iterdir()
        if (entry / "questions.toml").is_file()
    ]
    return tuple(sorted(language_codes, key=lambda code: (code != "en", code)))


@cache
def wording(language: str = "en", name: str = OWN_NAME) -> Wording:
    """The wording that the project ships in a language.

    Raises:
        WordingError: there is none, or its files hold a wrong key or text.
    """
    if name != OWN_NAME:
        hint = "open a wording of your own with load_wording_folder(path)"
        raise WordingError([f"no wording {name!r}; the project ships {OWN_NAME!r}; {hint}"])
    if language not in languages():
        hint = f"there are: {', '.join(languages())}; a new language is one folder wordings/<code>"
        raise WordingError([f"no wording in language {language!r}; {hint}"])
    about, texts = parse_folder(resource(f"wordings/{language}"))
    if language == "en":  # the codebook's own names, save where a sentence needs another
        texts = {f"country:{c.country}": c.name for c in countries().values()} | texts
    drafted = bool(about.get("machine_drafted", True))
    return wording_of(texts, language=language, name=name, machine_drafted=drafted)


def missing_texts(language: str | Wording) -> list[str]:
    """Keys of the texts that a language (or a wording at hand) lacks; empty when complete.

    A language without a folder lacks everything: the list says what to write.
    """
    if isinstance(language, Wording):
        return _lacking(language.texts())
    return _lacking(wording(language).texts() if language in languages() else ())


def _lacking(present: Iterable[str]) -> list[str]:
    have = set(present)
    return [key for key in required_keys() if key not in have]
