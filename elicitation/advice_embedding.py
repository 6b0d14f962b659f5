"""Which side a piece of advice takes, by how near its text lies to either option.

The advice and both options are turned into vectors. The option with the greater cosine
similarity is taken if it is ahead by a margin; else the advice stays inconclusive. Nearness is no
understanding: "do not go" lies near "go". It reads what words leave open where no judge model is
at hand, and its agreement with the words stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from elicitation.advice_judge import Verdict, advice_text
from elicitation.embedders import Embedder
from elicitation.shown import Shown
from elicitation.store import StoredItem

#: Version of this reader; it stands where a judge's prompt version does.
EMBEDDING_VERSION = "embedding-1"

#: Lead in cosine similarity from which the nearer option counts.
MARGIN = 0.05


def embed_items(
    items: Iterable[StoredItem], embedder: Embedder, *, margin: float = MARGIN
) -> dict[str, Verdict]:
    """Verdicts by item id; equal texts are embedded once."""
    asked = [(stored.record.item_id, stored.record.shown, advice_text(stored)) for stored in items]
    texts = dict.fromkeys(
        text
        for _, shown, advice in asked
        for text in (advice, *(option.text for option in shown.options))
    )
    if not texts:
        return {}
    vectors = dict(zip(texts, embedder.embed(tuple(texts)), strict=True))
    return {
        item_id: nearer(
            shown,
            [float(np.dot(vectors[advice], vectors[option.text])) for option in shown.options],
            margin=margin,
        )
        for item_id, shown, advice in asked
    }


def nearer(shown: Shown, similarities: Sequence[float], *, margin: float) -> Verdict:
    """The side of the option that is nearer by the margin at least; the reason has both numbers.

    Args:
        shown: the two options.
        similarities: cosine similarity of the advice with each, in [-1, 1].
        margin: least lead.
    """
    first, second = similarities
    by_side = {str(o.code): s for o, s in zip(shown.options, similarities, strict=True)}
    numbers = f"high={by_side['high']:.4f} low={by_side['low']:.4f}"
    if first == second or abs(first - second) < margin:
        return Verdict("inconclusive", f"embedding-too-close {numbers}")
    side = str(shown.options[0 if first > second else 1].code)
    return Verdict(side, f"embedding {numbers}")
