"""What the child process does with one upload. Everything it says is plain JSON."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.digests import sha256_file
from contracts.errors import ContractError, Problem, fail
from contracts.predictions.meta import require_no_microdata
from contracts.predictions.read import Predictions, read_predictions
from contracts.release.read import Release, open_release
from contracts.report import Report, write_report
from contracts.specs import kind_spec
from space.board.untrusted_text import seen
from space.intake.limits import Limits
from space.intake.normalise import stated_meta, write_normalised
from space.intake.precheck import check_size, check_upload, read_json, too_deep
from space.intake.self_reported import read_self_reported
from space.intake.texts import lacking, lacking_problem, meta_problems, plain_problems

if TYPE_CHECKING:
    from contracts.predictions.meta import PredictionsMeta

#: What the child writes into the job's folder.
RESULT, REPORT, NORMALISED = "result.json", "report.json", "predictions.jsonl"

#: Exit code of a child that has no memory left even to say so.
OUT_OF_MEMORY = 77

#: Exit code of a child that cannot write what it found.
OUT_OF_ROOM = 78


def run_job(folder: Path, job: Mapping[str, Any]) -> None:
    """Read the upload in `folder` as `job` says, and write what was found beside it.

    Every way in which reading can fail ends as problems in `result.json`.
    """
    limits = Limits(**job["limits"])
    name = Path(job["file"]).name
    outcome_fields: dict[str, Any] = {"problems": [], "problem_count": 0}
    try:
        work = _report_job if job["kind"] == "report" else _predictions_job
        outcome_fields |= work(folder, job, limits)
    except ContractError as error:
        shown = too_little_room() if lacks_room(error) else error
        outcome_fields |= _problems(shown, folder, limits)
    except RecursionError:
        outcome_fields |= _problems(too_deep(name, limits), folder, limits)
    except MemoryError:
        outcome_fields |= _problems(too_much_memory(name, limits), folder, limits)
    except UnicodeError as error:
        outcome_fields |= _problems(_no_unicode(name, error), folder, limits)
    except Exception as error:
        if lacks_memory(error):
            outcome_fields |= _problems(too_much_memory(name, limits), folder, limits)
        elif lacks_room(error):
            outcome_fields |= _problems(too_little_room(), folder, limits)
        else:
            outcome_fields |= _problems(_unreadable(name, error), folder, limits)
    text = json.dumps(outcome_fields, ensure_ascii=True, allow_nan=False)
    (folder / RESULT).write_text(text, encoding="ascii")


def lacks_room(error: BaseException) -> bool:
    """Whether an error, or what led to it, says that the disk is full."""
    one: BaseException | None = error
    while one is not None:
        if getattr(one, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return True
        one = one.__cause__ or one.__context__
    return False


def too_little_room() -> ContractError:
    """The error where an upload cannot be read because the server's disk is full."""
    return fail(
        "no-room",
        "the server has no room to read the file at the moment",
        hint="Nothing was stored; try again later.",
    )


def lacks_memory(error: BaseException) -> bool:
    """Whether an error, or what led to it, says that there was no more memory."""
    one: BaseException | None = error
    while one is not None:
        if isinstance(one, MemoryError) or getattr(one, "errno", None) == errno.ENOMEM:
            return True
        if "allocate memory" in str(one):  # a library that cannot be loaded says it in words
            return True
        one = one.__cause__ or one.__context__
    return False


def too_much_memory(name: str, limits: Limits) -> ContractError:
    """The error of an upload that needs more memory than it may take."""
    return fail(
        "too-much-memory",
        "reading the file takes too much memory",
        where=name,
        allowed=f"{limits.memory_bytes >> 20} MB",
        hint="Leave out columns and texts that are no answers, or score it on your own machine.",
    )


def _no_unicode(name: str, error: UnicodeError) -> ContractError:
    return fail(
        "not-unicode",
        "a text in the file holds what is no character (half of a surrogate pair)",
        where=name,
        found=seen(str(error), longest=120),
        hint="Write the file again as UTF-8.",
    )


def _unreadable(name: str, error: Exception) -> ContractError:
    return fail(
        "unreadable",
        "the file cannot be read; it is damaged, or no file of this kind",
        where=name,
        found=f"{type(error).__name__}: {seen(str(error), longest=200)}",
        hint="docs/predictions.md shows what a file looks like; templates are on this page.",
    )


def _problems(error: ContractError, folder: Path, limits: Limits) -> dict[str, Any]:
    """Problems as JSON, their texts cleaned, without paths of this machine, capped."""
    root = f"{folder}/"
    listed = [
        {
            key: seen(item.replace(root, ""), longest=500) if isinstance(item, str) else item
            for key, item in problem.to_json().items()
        }
        for problem in error.problems[: limits.problems]
    ]
    return {"problems": listed, "problem_count": _count(error.problems)}


def _count(problems: tuple[Problem, ...]) -> int:
    """How many problems there are, those that the reader only counted included."""
    beyond = [one for one in problems if one.code == "too-many-problems"]
    further = sum(int(one.message.split()[0]) for one in beyond)
    return len(problems) - len(beyond) + further


# Predictions


def _predictions_job(folder: Path, job: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    predictions, meta = _read(folder, job, limits)
    require_no_microdata(meta, where=job["file"])
    outcome_fields: dict[str, Any] = {
        "kind": predictions.kind,
        "rows": predictions.rows,
        "tolerated": predictions.tolerated,
        "notices": [notice.model_dump() for notice in predictions.notices],
        "lacking": list(lacking(meta)),
        "sha256": sha256_file(folder / job["file"]),
        "meta": meta.model_dump(mode="json"),
    }
    if job["board"] and outcome_fields["lacking"]:
        raise ContractError(
            lacking_problem(tuple(outcome_fields["lacking"]), where=job["file"]),
            subject=job["file"],
        )
    if not job["score"]:
        return outcome_fields
    normalised = write_normalised(predictions, meta, folder / NORMALISED)
    report = _score(normalised, job)
    _check_shows(report, limits)
    write_report(report, folder / REPORT)
    return {**outcome_fields, "report": REPORT, "predictions": NORMALISED}


def _read(
    folder: Path, job: Mapping[str, Any], limits: Limits
) -> tuple[Predictions, PredictionsMeta]:
    path = folder / job["file"]
    check_upload(path, limits)
    sidecar = folder / job["sidecar"] if job["sidecar"] else None
    if sidecar is not None:
        fields = read_json(sidecar, allowed_bytes=limits.sidecar_bytes, limits=limits)
        problems = plain_problems(fields, where=sidecar.name, limits=limits)
        if problems:
            raise ContractError(problems, subject=sidecar.name)
    predictions = read_predictions(path, meta_path=sidecar, bad_cells=job["bad_cells"])
    if not predictions.meta.name:
        # The model's name, else the file's, which is one that we gave.
        named = predictions.meta.model_copy(update={"name": predictions.name})
        predictions = replace(predictions, meta=named)
    meta = stated_meta(predictions.meta, job["stated"], where="the form")
    problems = meta_problems(meta, where=job["file"], limits=limits)
    if problems:
        raise ContractError(problems, subject=job["file"])
    return predictions, meta


def _score(predictions: Predictions, job: Mapping[str, Any]) -> Report:
    from scoring.engine import score

    options: dict[str, Any] = {"seed": job["seed"], "replicates": job["replicates"]}
    wave = predictions.meta.wave
    if kind_spec(predictions.kind).individuals:
        return _score_ratings(predictions, job, options)
    release = open_release(job["release"])
    if wave not in release.manifest.waves:
        raise fail(
            "unknown-wave",
            "the release has no people of this wave",
            column="wave",
            found=str(wave),
            allowed=", ".join(map(str, release.manifest.waves)),
        )
    return score(predictions, release, wave=wave, cells=True, **options)


def _score_ratings(
    predictions: Predictions, job: Mapping[str, Any], options: dict[str, Any]
) -> Report:
    from scoring.engine import score
    from space.intake.ratings import no_release

    if not job["people"]:
        raise no_release(public=job["public"])
    release: Release = open_release(job["people"])
    wave = predictions.meta.wave
    return score(predictions, release, wave=wave, protected=job["public"], **options)


# Reports


def _report_job(folder: Path, job: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    path = folder / job["file"]
    check_size(path, limits.report_bytes)
    report = _guarded(read_self_reported(path, limits), job)
    old = report.predictions
    require_no_microdata(old.meta, where=job["file"])
    meta = stated_meta(old.meta, job["stated"], where="the form")
    problems = meta_problems(meta, where=job["file"], limits=limits)
    if problems:
        raise ContractError(problems, subject=job["file"])
    wanting = lacking(meta)
    if job["board"] and wanting:
        raise ContractError(lacking_problem(wanting, where=job["file"]), subject=job["file"])
    named = old.model_copy(update={"meta": meta, "name": meta.name or old.name})
    report = report.model_copy(update={"predictions": named})
    _check_shows(report, limits)
    write_report(report, folder / REPORT)
    # Spread over lines, deeply nested tables take far more than they did.
    check_size(folder / REPORT, 3 * limits.report_bytes)
    return {
        "kind": "report",
        "rows": old.rows,
        "tolerated": {},
        "notices": [notice.model_dump() for notice in report.warnings],
        "lacking": list(wanting),
        "sha256": sha256_file(path),
        "meta": meta.model_dump(mode="json"),
        "report": REPORT,
    }


def _guarded(report: Report, job: Mapping[str, Any]) -> Report:
    """A report of ratings without what may not leave a private release; others as they are.

    At home a check shows all of it; what is stored and shown is cut there too.

    Raises:
        ContractError: it rests on exact figures, and would be seen by others or stored.
    """
    from scoring.protocols.worldvaluesbench.protected_report import protected_report
    from space.board.public import exact_figures
    from space.intake.ratings import check_own_report

    ratings = kind_spec(report.predictions.kind).individuals
    exact = None if ratings else exact_figures(report)
    if exact is not None and (job["public"] or job["board"]):
        raise ContractError(exact, subject=job["file"])

    if not job["public"] or not kind_spec(report.predictions.kind).individuals:
        return report
    check_own_report(report)
    return protected_report(report)


def _check_shows(report: Report, limits: Limits) -> None:
    """Everything that the board does with a report, done once: none of it may fail there.

    Raises:
        ContractError: something does, or the page would be too large.
    """
    from space.board.rows import grid_of, part_rows, row_fields, score_rows
    from space.render.model import head_html
    from space.render.model_tables import tables_html

    steps: tuple[Callable[[], Any], ...] = (
        lambda: row_fields(report, row_id="row", row_class="self-reported", updated=0.0),
        lambda: score_rows(report),
        lambda: list(part_rows(report)),
        lambda: grid_of(report),
        lambda: head_html(report, "row"),
        lambda: tables_html(report, links=True),
    )
    size = 0
    for step in steps:
        try:
            made = step()
        except (MemoryError, RecursionError):
            raise
        except Exception as error:
            raise fail(
                "cannot-show",
                "the board cannot show this report: a table in it is not as our scorer writes it",
                found=f"{type(error).__name__}: {seen(str(error), longest=120)}",
                hint="Make it again with: opinion-atlas score PREDICTIONS --out FILE.json",
            ) from None
        size += len(made) if isinstance(made, str) else 0
    if size > limits.page_characters:
        raise fail(
            "large-page",
            "the page of this report would be too large",
            found=f"{size} characters",
            allowed=f"at most {limits.page_characters}",
        )


def job_fields(limits: Limits, **fields: Any) -> dict[str, Any]:
    """A job with its defaults filled in: what `run_job` takes."""
    defaults: dict[str, Any] = {
        "kind": "predictions",
        "file": "",
        "sidecar": "",
        "release": "reference",
        "people": "",
        "public": False,
        "stated": {},
        "score": True,
        "board": False,
        "seed": 0,
        "replicates": 1000,
        "bad_cells": "refuse",
    }
    return {**defaults, **fields, "limits": asdict(limits)}
