"""Interview ids (D_INTERVIEW): how rating files name people, and which of them name nobody."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ambiguous_ids(interview_ids: ArrayLike) -> NDArray[np.int64]:
    """Ids that more than one person bears, so that a rating could not say whose it is.

    In version 5.0 of wave 7 all 1,000 respondents of Uruguay share one. Builder, verifier,
    elicitation and scorer all ask here.

    Args:
        interview_ids: ids of the respondents of one wave, shape (n,).

    Returns:
        The repeated ids, rising.
    """
    ids, counts = np.unique(np.asarray(interview_ids, np.int64), return_counts=True)
    return ids[counts > 1]
