"""What is found in the background while someone looks: scores so far, places on the board."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from contracts.release.read import Release
from space.board.seed import RowClass
from space.board.store import Store
from space.runs.book import RunBook
from space.runs.place import Place, board_place, no_place, place_key
from space.runs.record import CALLS, RunRecord
from space.runs.score import PartialScore, partial_scores

#: Seconds between two partial scores of a run that someone looks at.
PARTIAL_EVERY = 10.0

#: Runs whose scores so far, and reports whose places, are remembered.
MOST_PARTIAL, MOST_PLACES = 50, 100

log = logging.getLogger("space.runs")


class Looks:
    """Scores so far and places, one of each kind worked on at a time.

    Args:
        store: the board's store.
        book: records of runs.
        release: scored against.
    """

    def __init__(self, store: Store, book: RunBook, release: Release) -> None:
        self._store, self._book, self._release = store, book, release
        self._partial: dict[str, tuple[float, tuple[PartialScore, ...]]] = {}
        self._places: dict[str, Place] = {}
        self._scoring, self._placing = threading.Lock(), threading.Lock()

    def partial(self, record: RunRecord) -> tuple[PartialScore, ...]:
        """Scores of a run so far: the latest that are there; newer ones are made meanwhile."""
        at, scores = self._partial.get(record.id, (float("-inf"), ()))
        due = time.monotonic() - at > PARTIAL_EVERY and record.counts.done > 0
        if due and self._scoring.acquire(blocking=False):
            threading.Thread(target=self._score, args=(record.id,), daemon=True).start()
        return scores

    def _score(self, run_id: str) -> None:
        scores: tuple[PartialScore, ...] = ()
        try:
            scores = tuple(partial_scores(self._book.path(run_id) / CALLS, self._release))
        except Exception:
            log.exception("no score so far was found", extra={"run": run_id})
        finally:
            self._scoring.release()
        while len(self._partial) >= MOST_PARTIAL:
            self._partial.pop(next(iter(self._partial)))
        self._partial[run_id] = (time.monotonic(), scores)

    def place(self, record: RunRecord, report: Path, *, row_class: RowClass) -> Place | None:
        """The place that a report of a run would take; None while it is being found.

        The board is rebuilt for it, which takes a while; ask again until it is there.
        """
        key = place_key(self._store, report, row_class)
        if key not in self._places and self._placing.acquire(blocking=False):
            arguments = (key, record.id, report, row_class)
            threading.Thread(target=self._find_place, args=arguments, daemon=True).start()
        return self._places.get(key)

    def _find_place(self, key: str, run_id: str, report: Path, row_class: RowClass) -> None:
        try:
            run_place = board_place(self._store, report, row_class=row_class)
        except Exception:
            log.exception("no place was found", extra={"run": run_id})
            run_place = no_place("the board cannot tell now")
        finally:
            self._placing.release()
        while len(self._places) >= MOST_PLACES:
            self._places.pop(next(iter(self._places)))
        self._places[key] = run_place
