"""Many answers at once as text, column by column, for rows to train on.

numpy and pyarrow are imported by the functions: the codebook itself needs neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import Formatter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from codebook.render.question import Form, Labels, RenderError, label_text, render_question
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


def training_rows(
    question_ids: Any,
    codes: Any,
    person_texts: Any,
    *,
    wording: Wording | None = None,
    form: Form = "options",
    labels: Labels = "numbers",
    answer: Literal["text", "label"] = "text",
) -> pa.Table:
    """Person, question and answer as rows to train on, plain and as chat messages.

    Args:
        question_ids: question of each row, shape (n,).
        codes: raw code of the answer, shape (n,).
        person_texts: what is known about the person, shape (n,): strings.
        wording: the texts; English by default.
        form: form of the question, see `render_question`.
        labels: labels of its answers.
        answer: reply with the answer's `text` or with its `label` (number or letter).

    Returns:
        A table with the columns prompt, completion, text (prompt, a space, completion) and
        messages (list of role and content: user, assistant). Strings have 32-bit offsets: pass
        at most some hundred thousand rows at a time.

    Raises:
        RenderError: columns of unequal length, or codes that are no answers in this form.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = wording or _english()
    pairs = _pairs(question_ids, codes)
    person = _strings(person_texts)
    if len(person) != len(pairs.pair_index):
        raise RenderError(f"{len(person)} person texts for {len(pairs.pair_index)} answers")
    asked = {pairs.question_ids[index] for index in np.unique(pairs.question_index)}
    rendered = {key: render_question(key, form=form, wording=texts, labels=labels) for key in asked}

    def reply(key: str, code: int) -> str:
        for option in rendered[key].options:
            if option.code == code:
                return option.text if answer == "text" else option.label
        if answer == "text":
            return label_text(key, code, wording=texts)
        raise RenderError(f"{key}: code {code} is not among the answers on offer")

    completion = _look_up(pairs, reply)
    by_question = pa.array(
        [rendered[key].text if key in asked else None for key in pairs.question_ids], pa.string()
    )
    question = by_question.take(pa.array(pairs.question_index))
    fields = {"person": person, "question": question}
    prompt = _filled(texts.templates["training_prompt"], fields)
    user = _filled(texts.templates["training_user"], fields)
    text = pc.binary_join_element_wise(prompt, completion, " ")
    columns = [prompt, completion, text, _messages(user, completion)]
    return pa.table(columns, names=["prompt", "completion", "text", "messages"])


def _english() -> Wording:
    return wording("en")


def _strings(column: Any) -> pa.Array:
    import pyarrow as pa

    array = column if isinstance(column, (pa.Array, pa.ChunkedArray)) else pa.array(column)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.string())


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
        found = f"shape {number.shape}, type {number.dtype}"
        raise RenderError(f"codes must be {len(ids)} integers, one for each question; {found}")
    index = ids.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    outside = (number < _LOWEST) | (number >= _LOWEST + _SPAN)
    if outside.any():
        found = ", ".join(str(code) for code in np.unique(number[outside])[:20])
        raise RenderError(f"codes that no question has: {found}")
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


def _filled(template: str, fields: dict[str, pa.Array]) -> pa.Array:
    """A template filled in row by row with columns of text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts: list[Any] = []
    for literal, field, _, _ in Formatter().parse(template):
        if literal:
            parts.append(pa.scalar(literal))
        if field is not None:
            parts.append(fields[field])
    return pc.binary_join_element_wise(*parts, "")


def _messages(user: pa.Array, assistant: pa.Array) -> pa.Array:
    """A list of two messages for each row."""
    import numpy as np
    import pyarrow as pa

    rows = len(user)
    both = pa.concat_arrays([user, assistant])
    turns = np.arange(2 * rows).reshape(2, rows).T.ravel()
    content = both.take(pa.array(turns))
    role = pa.array(["user", "assistant"]).take(pa.array(np.tile([0, 1], rows)))
    turn = pa.StructArray.from_arrays([role, content], names=["role", "content"])
    offsets = pa.array(np.arange(0, 2 * rows + 1, 2, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, turn)


__all__: Sequence[str] = ["answer_texts", "training_rows"]
