"""Written amounts as shares of one, or why they are none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from elicitation.reading.answer import Answer, invalid
from elicitation.reading.numbers import Share

#: A sum further than this from one (as a fraction) is noted, and lets no option be missing.
SUM_TOLERANCE = 0.02

#: Sums of shares, as fractions, that are still renormalised.
SUM_LOW, SUM_HIGH = 0.5, 2.0

#: Sums of unmarked amounts above this are no fractions, whatever they are.
FRACTIONS_HIGH = 1.5


def weigh(shares: Mapping[str, Share], labels: Sequence[str]) -> Answer:
    """Written shares as shares of one, or why they are none.

    Amounts are fractions where none is above one and their sum is below `FRACTIONS_HIGH`, else
    percentages. The sum must lie in 50-200 %; an option may be lacking only where the others sum
    to 100 +- 2 %.
    """
    notes = [note for share in shares.values() for note in share.notes]
    amounts, total = _amounts(shares)
    if amounts is None:
        return invalid("mixed-units")
    if not math.isfinite(total) or not SUM_LOW <= total <= SUM_HIGH:
        return Answer("invalid", sum_found=_finite(total), notes=("sum-out-of-range",))
    if len({share.percent for share in shares.values()}) > 1:
        notes.append("percent-sign-lacking")
    lacking = [label for label in labels if label not in amounts]
    off = abs(total - 1) > SUM_TOLERANCE + 1e-9
    if lacking and off:
        return Answer("invalid", sum_found=total, notes=("missing-option",))
    if lacking:
        notes.append("missing-is-zero")
    if off:
        notes.append("sum-off")
    normalised_shares = {label: amounts.get(label, 0.0) / total for label in labels}
    status = "repaired" if notes else "ok"
    return Answer(status, normalised_shares, sum_found=total, notes=tuple(dict.fromkeys(notes)))  # type: ignore[arg-type]


def _finite(total: float) -> float | None:
    return total if math.isfinite(total) else None


def _amounts(shares: Mapping[str, Share]) -> tuple[dict[str, float] | None, float]:
    """Amounts as fractions and their sum; None where units are mixed beyond repair."""
    marked = [share.percent for share in shares.values()]
    raw = math.fsum(share.amount for share in shares.values())
    if any(marked):
        percent = {label: share.amount / 100 for label, share in shares.items()}
        bare_zero = all(s.percent or s.amount == 0 for s in shares.values())
        if not bare_zero and abs(raw - 100) > 100 * SUM_TOLERANCE + 1e-9:
            return None, 0.0
        return percent, raw / 100
    most = max((share.amount for share in shares.values()), default=0.0)
    if raw <= FRACTIONS_HIGH and most <= 1 + SUM_TOLERANCE:
        return {label: share.amount for label, share in shares.items()}, raw
    small = any(0 < share.amount < 1 for share in shares.values())
    if small and abs(raw - 100) > 100 * SUM_TOLERANCE + 1e-9:
        return None, 0.0
    return {label: share.amount / 100 for label, share in shares.items()}, raw / 100
