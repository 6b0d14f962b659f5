"""The release with single persons that a maintainer attached, for scoring ratings."""

from __future__ import annotations

import logging
import os

from contracts.errors import ContractError
from contracts.release.read import Release, open_release
from space.intake.ratings import probe_questions

#: Names a folder, or a private dataset repo on the Hub as ORG/NAME@tag.
PEOPLE_VARIABLE = "OPINION_ATLAS_PEOPLE"

log = logging.getLogger("space.intake")


def attached_release(source: str | None = None) -> Release | None:
    """The attached release; None where none is, or where it is of no use (the log says why).

    Args:
        source: folder or Hub repo; by default what `OPINION_ATLAS_PEOPLE` names. A private repo
            is read with HF_TOKEN.
    """
    named = os.environ.get(PEOPLE_VARIABLE, "") if source is None else source
    if not named:
        return None
    try:
        release = open_release(named)
        probe_questions(release)
    except ContractError as error:
        log.error("the release for ratings is not used", extra={"why": error.problems[0].code})
        return None
    return release
