"""BibTeX of the citations that a release asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: `AUTHORS (eds.). YEAR. TITLE. PUBLISHER. doi:DOI`, as the survey prints its citations.
_CITATION = re.compile(
    r"(?P<authors>.+?) \(eds\.\)\.? (?P<year>\d{4})\. (?P<title>.+?)\. (?P<publisher>.+?)\.? "
    r"doi:\s?(?P<doi>\S+?)\.?"
)

#: Where one author ends: a comma behind an initial, or an ampersand.
_BETWEEN_AUTHORS = re.compile(r"(?<=\.), | & ")


def bibtex_entries(citations: Sequence[str]) -> list[str]:
    """One `@misc` entry per citation; what cannot be taken apart stands in `note` whole."""
    return [_entry(citation, number) for number, citation in enumerate(citations, 1)]


def _entry(citation: str, number: int) -> str:
    match = _CITATION.fullmatch(citation.strip())
    if match is None:
        return f"@misc{{opinion-atlas-source-{number},\n  note = {{{_escaped(citation)}}}\n}}"
    authors, _, _ = match["authors"].partition(" et al.")
    people = _BETWEEN_AUTHORS.split(authors)
    key = f"{people[0].split(',')[0].lower()}{match['year']}wvs{number}"
    fields = {
        "editor": " and ".join(people + (["others"] if "et al." in match["authors"] else [])),
        "title": f"{{{match['title']}}}",
        "year": match["year"],
        "publisher": match["publisher"],
        "doi": match["doi"],
    }
    lines = ",\n".join(f"  {name} = {{{_escaped(text)}}}" for name, text in fields.items())
    return f"@misc{{{key},\n{lines}\n}}"


def _escaped(text: str) -> str:
    return text.replace("&", "\\&")
