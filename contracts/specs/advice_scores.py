"""The scores of advice: one per approach and dimension of Hofstede's, and their means."""

from __future__ import annotations

from types import MappingProxyType

from contracts.specs.model import BoardColumn, ScoreSpec

#: How advice was asked for, in words.
APPROACHES = MappingProxyType(
    {
        "persona": "as a persona",
        "language": "by language",
        "both": "persona and language",
        "none": "as nobody",
    }
)

#: Names of Hofstede's dimensions, and of their high side.
DIMENSIONS = MappingProxyType(
    {
        "individualism": ("individualism", "individualist"),
        "mas": ("achievement and success (MAS)", "high MAS"),
        "uncertainty_avoidance": ("uncertainty avoidance", "uncertainty-avoiding"),
        "power_distance": ("power distance", "high power distance"),
        "long_term_orientation": ("long-term orientation", "long-term"),
    }
)

_FORMULA = "docs/advice.md"

_COLUMN = BoardColumn(
    "advice_r",
    "Advice r",
    "Correlation over countries of the advice given with Hofstede's "
    "country scores, mean over dimensions.",
    beside=True,
)


def _correlation(key: str, title: str, reading: str, column: BoardColumn | None) -> ScoreSpec:
    return ScoreSpec(key, title, reading, _FORMULA, low=-1.0, high=1.0, column=column)


def _scores() -> tuple[ScoreSpec, ...]:
    mean = "Correlation over countries, averaged over the dimensions; above 0 advice follows them."
    one = "Correlation over countries of the advice with their scores; above 0 advice follows them."
    partial = "Partial correlation over countries and dimensions, the model's own lean taken away."
    specs: list[ScoreSpec] = []
    for approach, how in APPROACHES.items():
        column = None if approach == "none" else _COLUMN
        title = f"Advice and Hofstede scores, {how}"
        specs.append(_correlation(f"advice_correlation_{approach}", title, mean, column))
        title = f"Advice given the model's lean, {how}"
        specs.append(_correlation(f"advice_given_lean_{approach}", title, partial, None))
        specs += [
            _correlation(f"advice_{dimension}_{approach}", f"Advice on {name}, {how}", one, None)
            for dimension, (name, _) in DIMENSIONS.items()
        ]
    for dimension, (name, side) in DIMENSIONS.items():
        reading = f"Share of the {side} side in advice to nobody; half is no lean."
        specs.append(
            ScoreSpec(f"advice_lean_{dimension}", f"Lean on {name}", reading, _FORMULA, high=1.0,
                      low=0.0)
        )  # fmt: skip
    return tuple(specs)


#: Every score of advice.
ADVICE_SCORES = _scores()
