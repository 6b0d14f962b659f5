"""Write a synthetic file in the formats that the survey ships."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from dataset_builder.synthesis.columns import CountryFrame
from dataset_builder.synthesis.template import columns


def write_csv(path: Path, frames: Sequence[CountryFrame]) -> None:
    """Comma-separated, codes as numbers, blanks empty, UTF-8, as the pooled file ships."""
    import polars as pl

    with path.open("wb") as handle:
        for number, frame in enumerate(frames):
            series = [_series(column.name, frame.columns[column.name]) for column in columns()]
            pl.DataFrame(series).write_csv(handle, include_header=number == 0)


def _series(name: str, entries: NDArray[np.generic]):  # type: ignore[no-untyped-def]
    import polars as pl

    if entries.dtype == object:
        return pl.Series(name, entries.tolist(), dtype=pl.String).replace("", None)
    series = pl.Series(name, np.ascontiguousarray(entries))
    return series.fill_nan(None) if entries.dtype.kind == "f" else series


#: Writer by ending of the file's name.
WRITERS: Mapping[str, Callable[[Path, Sequence[CountryFrame]], None]] = MappingProxyType(
    {".csv": write_csv}
)
