"""Many answers at once as text, column by column.

numpy and pyarrow are imported by the functions: the codebook itself needs neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from codebook.render.question import RenderError, label_text
from codebook.wordings.wording import Wording, wording

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


#: Raw codes lie in -8..23; a pair (question, code) is one small integer.
_LOWEST, _SPAN = -8, 32


class _Pairs(NamedTuple):
    """Rows as numbers: the questions in them, each row's question, and each row's pair."""

    question_ids: list[str]
    question_index: np.ndarray
    pair_index: np.ndarray


def answer_texts(
    question_ids: Any, codes: Any, *, wording: Wording | None = None
) -> pa.StringArray:
    """The text of every answer, as `label_text` gives it for one.

    Args:
        question_ids: question of each row, shape (n,): list, numpy or Arrow array (a
            dictionary-encoded one is fastest).
        codes: raw code of each row, shape (n,), integers.
        wording: the texts; English by default.

    Returns:
        Texts, shape (n,).

    Raises:
        RenderError: codes that are no answers; the message lists every such pair.
    """
    texts = wording or _english()
    pairs = _pairs(question_ids, codes)
    return _look_up(pairs, lambda key, code: label_text(key, code, wording=texts))


def _english() -> Wording:
    return wording("en")


def _pairs(question_ids: Any, codes: Any) -> _Pairs:
    import numpy as np
    import pyarrow as pa

    ids = question_ids
    if not isinstance(ids, (pa.Array, pa.ChunkedArray)):
        ids = pa.array(ids, pa.string())
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.unify_dictionaries().combine_chunks()
    if not pa.types.is_dictionary(ids.type):
        ids = ids.dictionary_encode()
    if ids.null_count:
        raise RenderError(f"{ids.null_count} of {len(ids)} rows have no question id")
    number = np.asarray(codes) if len(codes) else np.zeros(0, dtype=np.int64)
    if number.shape != (len(ids),) or number.dtype.kind not in "iu":
        observed = f"shape {number.shape}, type {number.dtype}"
        raise RenderError(f"codes must be {len(ids)} integers, one for each question; {observed}")
    index = ids.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    outside = (number < _LOWEST) | (number >= _LOWEST + _SPAN)
    if outside.any():
        observed = ", ".join(str(code) for code in np.unique(number[outside])[:20])
        raise RenderError(f"codes that no question has: {observed}")
    names = ids.dictionary.to_pylist()
    return _Pairs(names, index, index * _SPAN + (number.astype(np.int64) - _LOWEST))


def _look_up(pairs: _Pairs, say: Callable[[str, int], str]) -> pa.Array:
    """`say(question, code)` for every row; it is called once for each pair that occurs."""
    import numpy as np
    import pyarrow as pa

    count = len(pairs.question_ids) * _SPAN
    present = np.flatnonzero(np.bincount(pairs.pair_index, minlength=count))
    texts, problems = [], []
    for pair in present.tolist():
        try:
            texts.append(say(pairs.question_ids[pair // _SPAN], pair % _SPAN + _LOWEST))
        except RenderError as error:
            problems.append(str(error))
    if problems:
        raise RenderError("\n".join(problems))
    slot = np.zeros(count, dtype=np.int64)
    slot[present] = np.arange(len(present))
    return pa.array(texts, pa.string()).take(pa.array(slot[pairs.pair_index]))


__all__: Sequence[str] = ["answer_texts"]
