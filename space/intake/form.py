"""What the submission form says, as metadata and as details of the submission."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.errors import Problem
from space.submissions.details import FACT_FIELDS, Details

#: Stands for what a submitter leaves open.
NOT_STATED = "not stated"

#: Choices of the form -> what the metadata holds.
YES_NO = {"yes": True, "no": False}
CHAT = {"chat": True, "base": False}

#: Fields that are stated as words and kept as truth values.
_WORDS: Mapping[str, Mapping[str, bool]] = {
    "open_weights": YES_NO,
    "multilingual": YES_NO,
    "synthetic_data": YES_NO,
    "trained_on_wvs": YES_NO,
    "chat": CHAT,
}

#: Whether a reasoning model thought before it answered; kept among the decoding settings.
THINKING = ("on", "off")

#: Fields that are stated in billions.
_BILLIONS = ("parameters", "training_tokens")

TEXT_FIELDS = (
    "name",
    "link",
    "model",
    "revision",
    "family",
    "base_model",
    "notes",
    "method",
    "steering",
    "language",
    "prompt_version",
    "wording_digest",
    "release",
)

#: Everything that may be stated, by the names of the metadata.
FIELDS = (*TEXT_FIELDS, *_WORDS, *_BILLIONS, "thinking")


@dataclass(frozen=True)
class Form:
    """A filled-in form.

    Attributes:
        stated: metadata by field, as typed: texts, words of `YES_NO` and `CHAT`, billions.
        contact: e-mail address, kept apart.
        accepts_licence: the tick.
    """

    stated: Mapping[str, Any] = field(default_factory=dict)
    contact: str = ""
    accepts_licence: bool = False

    def metadata(self) -> dict[str, Any]:
        """What was stated, as fields of `PredictionsMeta`; nothing for what was left open."""
        fields: dict[str, Any] = {}
        for name in FIELDS:
            given = self.stated.get(name)
            if isinstance(given, str):
                given = given.strip()
            if given in (None, "", "unknown", NOT_STATED) or (name in _BILLIONS and given == 0):
                continue
            if name in _WORDS and isinstance(given, str):
                given = _WORDS[name].get(given.lower(), given)
            elif name in _BILLIONS and isinstance(given, (int, float)):
                given = float(given) * 1e9
            if name == "thinking":
                fields["decoding"] = {"thinking": given}
            else:
                fields[name] = given
        return fields

    def unknown(self) -> list[Problem]:
        """Problems for fields that do not exist."""
        return [
            Problem(
                "unknown-field",
                "there is no such field",
                where="the form",
                column=str(name)[:40],
                allowed=", ".join(FIELDS),
            )
            for name in self.stated
            if name not in FIELDS
        ]

    def details(self, meta: Mapping[str, Any]) -> Details:
        """Details of the submission; `meta` is the upload's own where the form says nothing."""
        stated_fields = {
            **{k: v for k, v in meta.items() if v not in (None, "")},
            **self.metadata(),
        }
        unnamed = ("unknown", "")
        facts = {
            k: stated_fields[k]
            for k in FACT_FIELDS
            if stated_fields.get(k) is not None and stated_fields[k] not in unnamed
        }
        return Details(
            name=str(stated_fields.get("name", "")),
            accepts_licence=self.accepts_licence,
            link=str(stated_fields.get("link", "")),
            facts=facts,
            contact=self.contact.strip(),
        )
