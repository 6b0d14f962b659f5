"""How files come in: copied, described, digested, before they count."""

from __future__ import annotations

from contracts.atomic import fsync_path
from contracts.digests import sha256_file, sha256_text
from contracts.errors import fail
from contracts.report import Report, report_text
from space.board.store import PREDICTION_SUFFIXES
from space.submissions.files import copy_hashed
from space.submissions.layout import Layout
from space.submissions.record import Payload, Role, StoredFile


def payload_digest(payload: Payload, report: Report) -> str:
    """Digest that is equal for equal uploads, whatever the form says of them.

    With predictions it is theirs, with their sidecar; else that of the report as scored.
    """
    if payload.predictions is None:
        return report.digest
    parts = [sha256_file(payload.predictions)]
    if payload.sidecar is not None:
        parts.append(sha256_file(payload.sidecar))
    return sha256_text("\n".join(parts))


def copy_in(
    layout: Layout, submission_id: str, payload: Payload, report: Report
) -> dict[Role, StoredFile]:
    """Copy the files of a submission into its folder of arrivals, and flush them to disk.

    Args:
        layout: where.
        submission_id: id of the new submission.
        payload: predictions and sidecar to copy.
        report: the report to write, with the details that the submitter stated.
    """
    folder = layout.arriving(submission_id)
    folder.mkdir(mode=0o700)
    text = folder / "report"
    text.write_text(report_text(report), encoding="utf-8")
    sources = {"report": (text, ".json")}
    if payload.predictions is not None:
        sources["predictions"] = (payload.predictions, payload.predictions.suffix.lower())
    if payload.sidecar is not None:
        sources["meta"] = (payload.sidecar, ".meta.json")
    files: dict[Role, StoredFile] = {}
    for role, (source, suffix) in sources.items():
        name = f"{submission_id}{suffix}"
        size, digest = copy_hashed(source, folder / name)
        files[role] = StoredFile(name=name, size=size, sha256=digest)  # type: ignore[index]
    text.unlink()
    fsync_path(folder)
    return files


def check_suffix(payload: Payload) -> None:
    """The store finds predictions by their suffix.

    Raises:
        ContractError: it is another one.
    """
    path = payload.predictions
    if path is not None and path.suffix.lower() not in PREDICTION_SUFFIXES:
        raise fail(
            "suffix",
            "the predictions file has another ending than a store knows",
            found=ascii(path.suffix[:20]),
            allowed=", ".join(PREDICTION_SUFFIXES),
        )
