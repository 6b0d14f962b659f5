"""The index: what the board needs of all reports in one SQLite file, built beside and renamed."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from contracts.atomic import atomic_file
from contracts.errors import ContractError, fail
from contracts.predictions.meta import require_no_microdata
from contracts.report import Report, read_report, read_report_apart
from contracts.specs import kind_spec
from space.board import placing
from space.board.columns import FULL_COVERAGE
from space.board.public import public_report_apart
from space.board.ranks.form_ranks import mark_forms
from space.board.ranks.groups import divide, write_groups
from space.board.ranks.ranking import drawn_questions, rank_rows
from space.board.rows import CEILING, EVERYWHERE, grid_of, part_rows, row_fields, score_rows

#: An index of another version is rebuilt from the reports.
INDEX_VERSION = 11

#: Coverage that a report must have for its people's ceiling to stand for all questions.
FULL_COVERAGE_FOR_CEILING = 0.999

log = logging.getLogger("space.board.index")

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE files (row_id TEXT PRIMARY KEY, stamp TEXT, problem TEXT);
CREATE TABLE rows (
  row_id TEXT PRIMARY KEY, kind TEXT, name TEXT, model TEXT, family TEXT, parameters REAL,
  size TEXT, open_weights TEXT, protocols TEXT, method TEXT, steering TEXT, language TEXT,
  thinking TEXT, variant TEXT DEFAULT '',
  wave TEXT, class TEXT, question_set TEXT, mode TEXT, wording TEXT, release TEXT,
  release_digest TEXT, synthetic INTEGER, scorer_version TEXT, trained_on_wvs TEXT,
  warning_count INTEGER, coverage REAL, expected INTEGER, scored INTEGER, link TEXT,
  updated REAL, comparison TEXT, answers TEXT DEFAULT '',
  same_as TEXT DEFAULT '', group_number INTEGER,
  derived INTEGER DEFAULT 0,
  rank INTEGER, rank_low INTEGER, rank_high INTEGER, tie INTEGER, ranked INTEGER,
  holds INTEGER, forms INTEGER);
CREATE TABLE scores (
  row_id TEXT, name TEXT, estimate REAL, low REAL, high REAL, coverage REAL, questions INTEGER,
  PRIMARY KEY (name, row_id)) WITHOUT ROWID;
CREATE TABLE parts (
  row_id TEXT, kind TEXT, name TEXT, estimate REAL, low REAL, high REAL, coverage REAL,
  questions INTEGER, PRIMARY KEY (kind, name, row_id)) WITHOUT ROWID;
CREATE TABLE grids (
  row_id TEXT PRIMARY KEY, countries TEXT, questions TEXT, alignment BLOB);
CREATE TABLE groups (
  number INTEGER PRIMARY KEY, title TEXT, condition TEXT, leader TEXT, countries INTEGER,
  questions INTEGER, size INTEGER);
CREATE INDEX scores_by_row ON scores (row_id);
CREATE INDEX parts_by_row ON parts (row_id, kind);
"""


class ReportFile(NamedTuple):
    """A report file of a store, with what tells that it has changed."""

    row_id: str
    path: Path
    row_class: str
    stamp: str
    updated: float


def signature(files: Iterable[ReportFile]) -> str:
    """A text that changes when a report comes, goes, or changes."""
    listed = [[file.row_id, file.stamp] for file in sorted(files)]
    return json.dumps([INDEX_VERSION, listed])


def index_signature(path: Path) -> str:
    """Signature that an index was built for; "" if there is none that can be read."""
    if not path.exists():
        return ""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            signature_row = db.execute("SELECT value FROM meta WHERE key = 'signature'").fetchone()
    except (sqlite3.Error, UnicodeDecodeError):  # the latter where its own tables are damaged
        return ""
    return str(signature_row[0]) if signature_row else ""


def is_sound(path: Path) -> bool:
    """Whether an index of this version can be read, every page of it."""
    try:
        version = json.loads(index_signature(path))[0]
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            check_row = db.execute("PRAGMA quick_check(1)").fetchone()
    except (sqlite3.Error, ValueError, IndexError, TypeError):
        return False
    return bool(version == INDEX_VERSION and check_row and check_row[0] == "ok")


def build_index(path: Path, files: Sequence[ReportFile], *, rebuild: bool = False) -> None:
    """Write the index of `files` to `path`.

    A report that cannot be read or shown gets no row; its problem is listed in table `files`.

    Args:
        path: where.
        files: the store's reports.
        rebuild: whether to ignore the existing index; else its unchanged rows are reused if it
            is sound.

    Raises:
        ContractError: the place cannot be written to (full, read-only).
    """
    try:
        _write_index(path, files, keep=not rebuild and is_sound(path))
    except sqlite3.OperationalError as error:  # the disk is full, or cannot be read
        raise fail(
            "cannot-write",
            f"cannot write {path}: {error}",
            hint="Make room on the disk; reports and predictions are as they were.",
        ) from error


def _write_index(path: Path, files: Sequence[ReportFile], *, keep: bool) -> None:
    with atomic_file(path) as partial:
        partial.unlink(missing_ok=True)
        if keep:
            shutil.copyfile(path, partial)
        with closing(sqlite3.connect(partial)) as db:
            # The file counts only once it is whole and flushed: no need to be careful before.
            db.execute("PRAGMA synchronous = OFF")
            db.execute("PRAGMA journal_mode = MEMORY")
            if not keep:
                db.executescript(_SCHEMA + placing.SCHEMA)
            _refresh(db, files)
            _add_ceilings(db)
            _rank(db)
            mark_forms(db)
            _write_meta(db, files)
            # Without it, one row's parts are looked for among the parts of all rows.
            db.execute("ANALYZE")
            db.commit()


def _refresh(db: sqlite3.Connection, files: Sequence[ReportFile]) -> None:
    known = dict(db.execute("SELECT row_id, stamp FROM files"))
    wanted = {file.row_id: file for file in files}
    for row_id in known:
        if row_id not in wanted or wanted[row_id].stamp != known[row_id]:
            _forget(db, row_id)
    for file in files:
        if known.get(file.row_id) != file.stamp:
            _add_file(db, file)


def _forget(db: sqlite3.Connection, row_id: str) -> None:
    for table in ("files", "rows", "scores", "parts", "grids", *placing.TABLES):
        db.execute(f"DELETE FROM {table} WHERE row_id = ?", (row_id,))  # noqa: S608


def _add_file(db: sqlite3.Connection, file: ReportFile) -> None:
    problem = ""
    db.execute("SAVEPOINT report")
    try:
        report, cells = _read(file.path)
        require_no_microdata(report.predictions.meta, where=file.path.name)
        add_report(db, *public_report_apart(report, cells), file)
    except sqlite3.OperationalError:
        raise
    except (ContractError, OSError, UnicodeDecodeError) as error:
        # Pages list what is left out, and not where it lies.
        problem = str(error).replace(f"{file.path.parent}/", "")
        log.warning("report left out", extra={"row": file.row_id, "problem": problem})
    except Exception as error:  # one strange report must not keep all others off the board
        problem = f"the board cannot show this report ({type(error).__name__})"
        log.exception("report left out", extra={"row": file.row_id})
    if problem:
        db.execute("ROLLBACK TO report")
    db.execute("RELEASE report")
    db.execute("INSERT INTO files VALUES (?, ?, ?)", (file.row_id, file.stamp, problem))


def _read(path: Path) -> tuple[Report, list[dict[str, Any]]]:
    """A report and its cells; none of ratings, of which `public_report` takes them out."""
    report, cells = read_report_apart(path)
    if cells and kind_spec(report.predictions.kind).individuals:
        return read_report(path), []
    return report, cells


def add_report(
    db: sqlite3.Connection, report: Report, cells: Sequence[Mapping[str, Any]], file: ReportFile
) -> None:
    """Put a report's row, scores, parts and cells into an open index."""
    fields = row_fields(report, row_id=file.row_id, row_class=file.row_class, updated=file.updated)
    names = ", ".join(f'"{name}"' for name in fields)
    marks = ", ".join("?" for _ in fields)
    db.execute(f"INSERT INTO rows ({names}) VALUES ({marks})", tuple(fields.values()))  # noqa: S608
    db.executemany(
        "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(file.row_id, *score) for score in score_rows(report)],
    )
    db.executemany(
        "INSERT OR IGNORE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(file.row_id, *part) for part in part_rows(report)],
    )
    placing.add_answers(db, report, file.path, file.row_id, cells=cells)
    grid = grid_of(report)
    if grid is not None:
        db.execute(
            "INSERT INTO grids VALUES (?, ?, ?, ?)",
            (
                file.row_id,
                json.dumps(grid.countries),
                json.dumps(grid.questions),
                grid.alignment.astype("<f4").tobytes(),
            ),
        )


def _add_ceilings(db: sqlite3.Connection) -> None:
    """One row per release, questions, rules and wave: how well people agree with themselves.

    It is derived from the first report that covers everything: the mean over countries of what
    a second sample of the same people, of the same size, would score.
    """
    for (row_id,) in db.execute("SELECT row_id FROM rows WHERE derived = 1").fetchall():
        _forget(db, row_id)
    sources = db.execute(
        "SELECT MIN(row_id) FROM rows WHERE scored >= ? * expected "
        "AND row_id IN (SELECT row_id FROM parts WHERE kind = ?) "
        "GROUP BY release_digest, question_set, mode, wave, synthetic",
        (FULL_COVERAGE_FOR_CEILING, CEILING),
    ).fetchall()
    for (source,) in sources:
        _add_ceiling(db, source)


def _add_ceiling(db: sqlite3.Connection, source: str) -> None:
    row_id = f"human-ceiling-{source}"
    shared_columns = (
        "protocols, wave, question_set, mode, release, release_digest, synthetic, "
        "scorer_version, updated"
    )
    db.execute(
        f"INSERT INTO rows (row_id, derived, kind, name, model, family, size, open_weights, "  # noqa: S608
        f"method, steering, language, thinking, class, wording, trained_on_wvs, warning_count, "
        f"coverage, link, comparison, {shared_columns}) "
        f"SELECT ?, 1, 'ceiling', 'human ceiling', 'unknown', 'unknown', 'unknown', 'unknown', "
        f"'second sample', 'none', 'none', 'default', 'verified', 'none', 'no', 0, 1.0, '', '', "
        f"{shared_columns} "
        f"FROM rows WHERE row_id = ?",
        (row_id, source),
    )
    # Reports of earlier scorers hold no ceiling over all countries: their mean stands there,
    # without an interval.
    db.execute(
        "INSERT INTO scores SELECT ?, 'alignment', estimate, low, high, 1.0, questions FROM ("
        "SELECT estimate, low, high, questions, 0 AS place FROM parts "
        "WHERE row_id = ? AND kind = ? AND name = ? UNION ALL "
        "SELECT AVG(estimate), NULL, NULL, NULL, 1 FROM parts WHERE row_id = ? AND kind = ?"
        ") ORDER BY place LIMIT 1",
        (row_id, source, CEILING, EVERYWHERE, source, CEILING),
    )
    db.execute(
        "INSERT INTO parts SELECT ?, 'country', name, estimate, low, high, NULL, NULL "
        "FROM parts WHERE row_id = ? AND kind = ? AND name != ?",
        (row_id, source, CEILING, EVERYWHERE),
    )


def _rank(db: sqlite3.Connection) -> None:
    db.execute(
        "UPDATE rows SET rank=NULL, rank_low=NULL, rank_high=NULL, tie=NULL, ranked=NULL, "
        "same_as='', group_number=NULL"
    )
    _mark_same_answers(db)
    alike: dict[str, list[str]] = {}
    listed = db.execute(
        "SELECT row_id, comparison FROM rows WHERE comparison != '' ORDER BY row_id"
    )
    for row_id, comparison in listed:
        alike.setdefault(comparison, []).append(row_id)
    groups = [
        group
        for row_ids in alike.values()
        for group in divide({row_id: read_grid(db, row_id) for row_id in row_ids})
    ]
    write_groups(db, groups)
    rankable = {
        row_id
        for (row_id,) in db.execute(
            "SELECT row_id FROM rows JOIN grids USING (row_id) WHERE coverage >= ? AND same_as=''",
            (FULL_COVERAGE,),
        )
    }
    draws = lru_cache(8)(drawn_questions)  # groups of as many questions share them
    for group in groups:
        row_ids = sorted(row_id for row_id in group.row_ids if row_id in rankable)
        _, questions, grids = common_grids(db, row_ids)
        ranks = rank_rows(grids, counts=draws(len(questions)))
        db.executemany(
            "UPDATE rows SET rank=?, rank_low=?, rank_high=?, tie=?, ranked=? WHERE row_id=?",
            [(*rank, row_id) for rank, row_id in zip(ranks, row_ids, strict=True)],
        )


def _mark_same_answers(db: sqlite3.Connection) -> None:
    """Name, of rows with the very same answers by the same rules, the first that came.

    What a file says of itself does not count: neither its model nor its condition or class.
    """
    first: dict[tuple[str, ...], str] = {}
    for row_id, *same in db.execute(
        "SELECT row_id, release_digest, wave, question_set, mode, answers FROM rows "
        "WHERE answers != '' ORDER BY class NOT IN ('verified', 'published'), updated, row_id"
    ).fetchall():
        earlier = first.setdefault(tuple(same), row_id)
        if earlier != row_id:
            db.execute("UPDATE rows SET same_as = ? WHERE row_id = ?", (earlier, row_id))


class CommonGrid(NamedTuple):
    """Grids of several rows laid on one: alignment (countries, questions) each."""

    countries: list[str]
    questions: list[str]
    alignment: list[np.ndarray[Any, Any]]


def common_grids(db: sqlite3.Connection, row_ids: Sequence[str]) -> CommonGrid:
    """The grids of `row_ids` laid on one grid of all their countries and questions.

    Where one of them has means per question only, all are reduced to those.
    """
    grids_by_row = {row_id: read_grid(db, row_id) for row_id in row_ids}
    if any(names == [EVERYWHERE] for names, _, _ in grids_by_row.values()):
        grids_by_row = {row_id: _everywhere(*grid) for row_id, grid in grids_by_row.items()}
    countries = sorted({c for names, _, _ in grids_by_row.values() for c in names})
    questions = sorted({q for _, names, _ in grids_by_row.values() for q in names})
    grids = [grid_on(countries, questions, grid) for grid in grids_by_row.values()]
    return CommonGrid(countries, questions, grids)


def grid_on(
    countries: Sequence[str],
    questions: Sequence[str],
    grid: tuple[list[str], list[str], np.ndarray[Any, Any]],
) -> np.ndarray[Any, Any]:
    """A row's cells laid on a grid of these countries and questions, NaN where it has none.

    What the row has beyond them is left out.
    """
    names, ids, alignment = grid
    out = np.full((len(countries), len(questions)), np.nan)
    at_country = {name: i for i, name in enumerate(names)}
    at_question = {name: i for i, name in enumerate(ids)}
    rows = [i for i, name in enumerate(countries) if name in at_country]
    columns = [i for i, name in enumerate(questions) if name in at_question]
    picked = np.ix_(
        [at_country[countries[i]] for i in rows], [at_question[questions[i]] for i in columns]
    )
    if rows and columns:
        out[np.ix_(rows, columns)] = alignment[picked]
    return out


def _everywhere(
    countries: list[str], questions: list[str], alignment: np.ndarray[Any, Any]
) -> tuple[list[str], list[str], np.ndarray[Any, Any]]:
    """A grid reduced to its means over countries."""
    if countries == [EVERYWHERE]:
        return countries, questions, alignment
    scored = np.isfinite(alignment)
    total = np.where(scored, alignment, 0.0).sum(axis=0)
    number = scored.sum(axis=0)
    means = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return [EVERYWHERE], questions, means[None, :].astype(np.float32)


def read_grid(
    db: sqlite3.Connection, row_id: str
) -> tuple[list[str], list[str], np.ndarray[Any, Any]]:
    """Countries, questions and alignment (countries, questions) of a row; empty without cells."""
    grid_row = db.execute(
        "SELECT countries, questions, alignment FROM grids WHERE row_id = ?", (row_id,)
    ).fetchone()
    if grid_row is None:
        return [], [], np.empty((0, 0), np.float32)
    countries, questions = json.loads(grid_row[0]), json.loads(grid_row[1])
    alignment = np.frombuffer(grid_row[2], "<f4").reshape(len(countries), len(questions))
    return countries, questions, alignment


def _write_meta(db: sqlite3.Connection, files: Sequence[ReportFile]) -> None:
    updated = max((file.updated for file in files), default=0.0)
    entries: Mapping[str, str] = {
        "signature": signature(files),
        "updated": repr(updated),
    }
    db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(entries.items()))
