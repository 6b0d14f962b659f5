"""How many answers a source holds, by kind: an independent count beside the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from codebook import MISSING_CODES, MissingKind
from dataset_builder.people import People
from dataset_builder.positions import scale_of
from dataset_builder.splits import TEST


def count_codes(people: People, held_out_questions: Sequence[str] = ()) -> Counter[str]:
    """Valid, off-scale and missing answers of the people of a release, and those held out.

    `answers_valid` = rows of `responses` + `answers_held_out`.
    """
    survey = people.survey
    in_release = people.split >= 0
    trained = in_release & (people.split != TEST)
    total: Counter[str] = Counter()
    for number, question in enumerate(survey.questions):
        codes = survey.answers[:, number]
        scale = scale_of(question)
        valid = np.isin(codes, scale.codes)
        total["answers_valid"] += int((valid & in_release).sum())
        total["answers_off_scale"] += int((np.isin(codes, scale.off_scale) & in_release).sum())
        if question in held_out_questions:
            total["answers_held_out"] += int((valid & trained).sum())
        missing = np.bincount(-codes[in_release & (codes < 0)].astype(np.int64), minlength=6)
        for code in MISSING_CODES:
            total[f"answers_{MissingKind(code).name.lower()}"] += int(missing[-code])
    return total
