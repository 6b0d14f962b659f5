"""What an upload may cost: bytes, rows, memory, time."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Caps of one upload; those of the first block are checked before anything is expanded.

    Attributes:
        file_bytes: size of the file.
        sidecar_bytes: size of a metadata sidecar.
        report_bytes: size of a report; as we write it, it may take three times as much.
        page_characters: size of the page that the board shows of a report.
        rows: rows of a table, or lines.
        columns: columns of a table.
        line_bytes: length of a line; it bounds every cell of a text file as well.
        cell_characters: length of a cell or a text.
        expanded_bytes: what a Parquet file says it takes when unpacked.
        footer_bytes: size of a Parquet footer.
        row_groups: row groups of a Parquet file.
        depth: how deep JSON may be nested.
        memory_bytes: address space of the child beyond what it starts with.
        cpu_seconds: processor time of the child.
        wall_seconds: time after which the child is killed.
        output_bytes: largest file that the child may write.
        open_files: files that the child may hold open.
        problems: problems that are listed; further ones are counted.
    """

    file_bytes: int = 64 * MEGABYTE
    sidecar_bytes: int = MEGABYTE // 4
    report_bytes: int = 16 * MEGABYTE
    page_characters: int = 3_000_000
    rows: int = 1_000_000
    columns: int = 64
    line_bytes: int = 100_000
    cell_characters: int = 10_000
    expanded_bytes: int = 512 * MEGABYTE
    footer_bytes: int = 4 * MEGABYTE
    row_groups: int = 2_000
    depth: int = 32
    memory_bytes: int = 1536 * MEGABYTE
    cpu_seconds: int = 120
    wall_seconds: float = 180.0
    output_bytes: int = 256 * MEGABYTE
    open_files: int = 64
    problems: int = 500
