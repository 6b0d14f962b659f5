"""Numbers printed in the four papers, as tables: for "as published" rows, and for tests.

Each file of `scoring/published/` holds one printed table in long form:

- `worldvaluesbench.csv`: Wasserstein-1 per question, table 2 of WorldValuesBench (Zhao et al.,
  2024); steering `none` or `demographics`.
- `alignment_steering.csv`: alignment by country, steering and model, tables 1 and 9 of On the
  Alignment of Large Language Models with Global Human Opinion (Liu, Kaneko & Chu); stars of the
  paper's independent t-test as a number.
- `advice.csv`: correlations and best accuracies, tables 2 and 3 of How Well Do LLMs Represent
  Values Across Cultures? (Kharchenko et al., 2024).
- `headlines.csv`: single figures from the papers' text, with their place.

They are the authors' results on the authors' data and rules, and are not comparable to scores
computed here unless a report says so.
"""

from __future__ import annotations

import csv
from importlib import resources
from typing import Literal

Published = Literal["worldvaluesbench", "alignment_steering", "advice", "headlines"]

#: Columns that hold numbers; the others are text.
_NUMBERS = frozenset({"wasserstein", "alignment", "stars", "pearson", "best_accuracy", "value"})


def published(name: Published) -> list[dict[str, str | float]]:
    """The rows of one printed table, numbers as floats."""
    path = resources.files("scoring").joinpath("published", f"{name}.csv")
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    return [
        {key: float(cell) if key in _NUMBERS else cell for key, cell in row.items()} for row in rows
    ]
