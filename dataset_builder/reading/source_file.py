"""What a manifest says of a survey file that was read: its digest, and what was seen in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from contracts.release.manifest import SourceFile, Synthetic
from dataset_builder.reading.assembly import Assembly
from dataset_builder.reading.blocks import TabularFile


def source_file(
    assembly: Assembly,
    file: TabularFile,
    path: Path,
    *,
    wave: int,
    seen: Mapping[str, str],
    id_source: str,
    synthetic: Synthetic | None,
) -> SourceFile:
    """The entry of a file whose rows are assembled.

    Args:
        assembly: its rows.
        file: the opened file.
        path: where it is.
        wave: the wave whose rows these are.
        seen: what was detected of this kind of file alone, by name.
        id_source: where respondent ids come from.
        synthetic: how the people were made up, None for real ones.
    """
    layout = assembly.layout
    weight = layout.roles.get("weight")
    detected = {
        **file.detected,
        "columns": str(len(file.headers)),
        "questions": str(len(layout.questions)),
        **seen,
        "respondent ids": id_source,
        "weight": str(file.headers[weight]).strip() if weight is not None else "none",
        "countries": str(len(np.unique(np.concatenate(assembly.country)))),
    }
    if synthetic is not None:
        detected["synthetic"] = "yes"
    return SourceFile(
        name=path.name,
        sha256=file.sha256(),
        survey=f"WVS wave {wave}" + (" (SYNTHETIC)" if synthetic is not None else ""),
        survey_version=", ".join(assembly.provenance["version"]),
        rows=assembly.rows,
        detected=detected,
    )
