"""Which way a question's codes run: as in the questionnaire, or turned round."""

from __future__ import annotations

from collections.abc import Mapping

from codebook import Scale, value_questions
from contracts.errors import ContractError, fail
from dataset_builder.reading.coding import UNKNOWN
from dataset_builder.reading.labels import code_of_label

#: Labels of the two poles alone do not tell what became of the points between.
_POLES = 2


def direction_of(
    question_id: str, *, value_labels: Mapping[int, str], inverted: bool, header: str
) -> dict[int, int]:
    """Code of the questionnaire by code of the file; empty where they are the same.

    The file's own labels decide, where it has them. Without labels a column named `Q1P` is the
    mirror image of Q1.

    Args:
        question_id: the question.
        value_labels: label of each code, as the file has them; empty if it has none.
        inverted: whether the column is named `Q1P`.
        header: the column's header, for messages.

    Raises:
        ContractError: it cannot be told how the codes were turned round.
    """
    scale = value_questions()[question_id].scale
    assert scale is not None
    new_codes = renumbered(question_id, value_labels)
    if new_codes and set(new_codes.values()) - set(scale.codes):
        # Missing answers were numbered, too: this is no matter of the scale's direction.
        return _others_unknown(new_codes, scale)
    meant = _meant_codes(question_id, value_labels, scale)
    moved = {code: known for code, known in meant.items() if code != known}
    if meant and not moved and not _poles_unknown(meant, scale):
        return {}
    if not moved and not inverted:
        return {}
    mirror = mirror_of(scale)
    if mirror is not None and all(mirror.get(code) == known for code, known in meant.items()):
        return mirror
    if set(meant) == set(scale.codes) == set(meant.values()):
        return moved
    if new_codes and (0 in new_codes or len(new_codes) > _POLES):
        return _others_unknown(new_codes, scale)
    raise _unclear(question_id, header)


def _others_unknown(new_codes: Mapping[int, int], scale: Scale) -> dict[int, int]:
    """The renumbered codes; a code of the scale that bears no label then means nothing."""
    return {code: int(UNKNOWN) for code in scale.codes if code not in new_codes} | dict(new_codes)


def renumbered(variable: str, value_labels: Mapping[int, str]) -> dict[int, int]:
    """Code of wave 7 by code of the file, where a program renumbered the labels; else empty.

    R's factors and the categories of pandas, saved as SPSS or Stata, bear the numbers 1..m or
    0..m-1 in the order of the alphabet or of the levels, missing answers among them: the sexes
    change places. Only where all labels are known and no two mean one code.
    """
    codes = sorted(value_labels)
    if codes not in (list(range(len(codes))), list(range(1, len(codes) + 1))):
        return {}
    meant = {code: _code_of_category(variable, label) for code, label in value_labels.items()}
    known = {code: new for code, new in meant.items() if new is not None}
    if len(known) < len(meant) or len(set(known.values())) < len(known):
        return {}
    return known if any(code != new for code, new in known.items()) else {}


def _code_of_category(variable: str, label: str) -> int | None:
    """Code of a label or, for the points between two poles, of a number."""
    text = label.strip()
    return int(text) if text.lstrip("-").isdigit() else code_of_label(variable, text)


def mirror_of(scale: Scale) -> dict[int, int] | None:
    """The mirror image of an ordinal scale with codes 1..K; None where there is none.

    A scale that starts at 0 or whose codes are out of order holds an answer beside the order
    ("hard to say", "against democracy"), so that its mirror image is no matter of course.
    """
    codes = scale.codes
    if not scale.is_ordinal or list(codes) != list(range(1, len(codes) + 1)):
        return None
    return {code: codes[0] + codes[-1] - code for code in codes}


def _meant_codes(question_id: str, value_labels: Mapping[int, str], scale: Scale) -> dict[int, int]:
    """Code of the questionnaire by code of the file, as far as labels that are words tell."""
    meant_codes = {}
    for code, label in value_labels.items():
        if code in scale.codes and not label.strip().isdigit():
            known = code_of_label(question_id, label)
            if known is not None and known in scale.codes:
                meant_codes[code] = known
    return meant_codes


def _poles_unknown(meant: Mapping[int, int], scale: Scale) -> bool:
    """Whether labels say nothing about either end of the scale."""
    return scale.codes[0] not in meant and scale.codes[-1] not in meant


def _unclear(question_id: str, header: str) -> ContractError:
    return fail(
        "inverted",
        f"the codes of {question_id} are turned round or changed in a way that cannot be undone",
        column=header.strip(),
        allowed=f"{question_id} with the questionnaire's codes",
        hint="Take the release of the file that is not inverted.",
    )
