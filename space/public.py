"""What a board may show of the people in a report: the one disclosure rule, applied on reading."""

from __future__ import annotations

from contracts.disclosure import MINIMUM_CELL, enough
from contracts.report import CellEntry, Notice, Report
from scoring.protected_report import protected_report


def public_report(report: Report) -> Report:
    """The report without cells that would give few people away.

    Kept are cells of everyone in a country with at least `MINIMUM_CELL` valid answers. Cells of
    groups are left out: whether they follow from each other by subtraction cannot be told from
    a report. Scores stay; what was left out is counted in a notice. Of ratings of single persons
    only what `scoring.protected_report` lists stays.
    """
    report = protected_report(report)
    kept = [cell for cell in report.cells if may_show(cell)]
    left_out = len(report.cells) - len(kept)
    if not left_out:
        return report
    notice = Notice(
        code="cells-withheld",
        message=f"single answers are not shown for groups, nor for cells with fewer than "
        f"{MINIMUM_CELL} valid answers",
        count=left_out,
    )
    return report.model_copy(update={"cells": kept, "warnings": [*report.warnings, notice]})


def may_show(cell: CellEntry) -> bool:
    """Whether people's shares of a cell may be shown."""
    return cell.group == "" and bool(enough(cell.n))
