"""Which wordings reports were asked in: no study mixes two of one language unnoticed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from codebook.wordings.wording import OWN_NAME
from codebook.wordings.wording import languages as own_languages
from codebook.wordings.wording import wording as own_wording
from contracts.errors import Problem
from contracts.models import Notice
from contracts.predictions.meta import PredictionsMeta
from contracts.report import Report
from contracts.specs import protocol_spec

#: Digits of a digest that messages show.
_SHOWN = 12

#: Languages that are none: every country in its own.
_SEVERAL = "own"


def wordings_of(meta: PredictionsMeta) -> dict[str, tuple[str, str]]:
    """Name and digest of the wording by language, as far as the metadata tell.

    Predictions that were asked in several languages list them in `extra`, under `wordings`.
    """
    listed = meta.extra.get("wordings")
    if isinstance(listed, dict):
        return {
            str(language): (str(entry.get("name", "")), str(entry.get("digest", "")))
            for language, entry in listed.items()
            if isinstance(entry, dict)
        }
    if not meta.wording_digest or meta.language == _SEVERAL or meta.baseline:
        return {}
    return {meta.language: (meta.wording, meta.wording_digest)}


def wording_text(name: str, digest: str) -> str:
    """A wording in a message."""
    return f"{name or 'unnamed'} {digest[:_SHOWN]}"


def other_wordings(reports: Sequence[Report]) -> dict[str, list[str]]:
    """Languages that were asked in more than one wording: what these are."""
    wordings_by_language: dict[str, dict[tuple[str, str], None]] = {}
    for report in reports:
        for language, wording in wordings_of(report.predictions.meta).items():
            wordings_by_language.setdefault(language, {})[wording] = None
    return {
        language: [wording_text(*wording) for wording in wordings]
        for language, wordings in wordings_by_language.items()
        if len({digest for _, digest in wordings}) > 1
    }


def wording_problems(reports: Sequence[Report]) -> Iterator[Problem]:
    """One problem for each language that was asked in several wordings."""
    for language, wordings in other_wordings(reports).items():
        yield Problem(
            "other-wording",
            f"the reports were asked in different wordings of one language ({language})",
            found="; ".join(wordings),
            hint="A difference between them could be one of wording. Ask again in one wording.",
        )


def wording_notices(reports: Sequence[Report]) -> list[Notice]:
    """The same as a remark, where a difference of wording is what may be looked at."""
    return [
        Notice(
            code="other-wording",
            message=f"The reports were asked in different wordings of one language ({language}): "
            f"{'; '.join(wordings)}. A difference may be one of wording.",
            count=len(wordings),
        )
        for language, wordings in other_wordings(reports).items()
    ]


def drafted_languages(meta: PredictionsMeta) -> list[str]:
    """Languages that were asked in the project's own, machine-drafted wording: those whose digest
    is that of the wording itself. A name alone proves nothing.

    Dilemmas have no wording in the survey's questionnaire that they could differ from.
    """
    if meta.protocol and protocol_spec(meta.protocol).dilemmas:
        return []
    return [
        language for language, (_, digest) in wordings_of(meta).items() if _is_own(language, digest)
    ]


def other_version_languages(meta: PredictionsMeta) -> list[str]:
    """Languages that were asked in a wording of the project's own name with another text: as it
    was before or after a rewording. Files of that name with texts of their own are refused.

    Dilemmas have digests of their own kind.
    """
    if meta.protocol and protocol_spec(meta.protocol).dilemmas:
        return []
    return [
        language
        for language, (name, digest) in wordings_of(meta).items()
        if name == OWN_NAME and language in own_languages() and not _is_own(language, digest)
    ]


def _is_own(language: str, digest: str) -> bool:
    return language in own_languages() and own_wording(language).digest == digest


def drafted_notices(meta: PredictionsMeta) -> list[Notice]:
    """That the wording of predictions is machine-drafted; empty where it is not, or unknown."""
    languages = drafted_languages(meta)
    return [machine_drafted(sorted(languages))] if languages else []


def wording_names(reports: Sequence[Report]) -> list[Notice]:
    """That wordings are machine-drafted, and that reports do not tell theirs."""
    metas = [report.predictions.meta for report in reports if not report.predictions.meta.baseline]
    drafted = {language for meta in metas for language in drafted_languages(meta)}
    notices = [machine_drafted(sorted(drafted))] if drafted else []
    unknown = sum(not wordings_of(meta) for meta in metas)
    if unknown:
        notices.append(
            Notice(
                code="unknown-wording",
                message="Reports do not tell the wording that was asked.",
                count=unknown,
            )
        )
    return notices


def machine_drafted(languages: Sequence[str]) -> Notice:
    """What is said of answers to the project's own wordings."""
    return Notice(
        code="machine-drafted-wording",
        message=f"Machine-drafted wording ({', '.join(languages)}): the questions were asked in "
        "the project's own words, drafted by a machine and reviewed by a second pass, not in "
        "those of the survey's questionnaire.",
    )
