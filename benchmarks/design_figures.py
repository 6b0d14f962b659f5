"""What clusters do to the embedded reference: the figures of docs/how-sure-is-a-ranking.md.

    python benchmarks/design_figures.py

Prints design effects by country (the reference's manifest), then human ceilings and widths of
intervals with effective sizes by design and by Kish, for the answers of the average other country.
"""

from __future__ import annotations

import tempfile

import numpy as np
import pyarrow.compute as pc

from contracts.predictions.read import read_predictions
from contracts.release.read import Release, open_release
from contracts.report import Report
from scoring.baselines.distributions import write_baselines
from scoring.engine import score

#: Ends of the rows of effects.
EDGES = (1.3, 2.0, 3.0)


def design_effects(release: Release) -> None:
    """Countries by the median effect over questions, and the median over those with clusters."""
    table = release.table("distributions", columns=["wave", "country", "group", "n_eff_kind"])
    table = table.filter((pc.field("wave") == 7) & (pc.field("group") == ""))
    of_design = table.filter(pc.field("n_eff_kind") == "design")
    named = set(pc.unique(of_design["country"].cast("string")).to_pylist())
    effects = release.manifest.kish_over_n_eff["7"]
    known = sorted((effects[country], country) for country in named)
    print(f"{len(known)} countries with clusters, median {np.median([e for e, _ in known]):.2f}")
    row = np.searchsorted(EDGES, [effect for effect, _ in known], side="right")
    for place in range(len(EDGES) + 1):
        own = [pair for pair, at in zip(known, row, strict=True) if at == place]
        print("  " + ", ".join(f"{country} {effect}" for effect, country in own))


def ceilings_and_widths(release: Release) -> None:
    """Kish beside design: ceiling over all countries, widths of the countries' intervals."""
    with tempfile.TemporaryDirectory() as folder:
        written = write_baselines(release, folder, names=("world-average",))
        predictions = read_predictions(written[0].path)
    kish, design = (score(predictions, release, design=way) for way in ("kish", "design"))
    for name, report in (("Kish", kish), ("design", design)):
        print(f"human ceiling, {name}: {report.score('human_ceiling').value.estimate:.4f}")
    for name, ends in (("sampled", _sampled), ("fixed", _fixed)):
        ratio = ends(design) / ends(kish)
        print(
            f"widths, questions {name}, design / Kish: median {np.median(ratio):.2f}, "
            f"widest {ratio.max():.2f}, {len(ratio)} countries"
        )


def _sampled(report: Report) -> np.ndarray:
    intervals = [one.alignment for one in report.countries if one.alignment.low is not None]
    return np.array([one.high - one.low for one in intervals])


def _fixed(report: Report) -> np.ndarray:
    extras = [one.extra for one in report.countries if one.extra["fixed_low"] is not None]
    return np.array([one["fixed_high"] - one["fixed_low"] for one in extras])


if __name__ == "__main__":
    reference = open_release("reference")
    design_effects(reference)
    ceilings_and_widths(reference)
