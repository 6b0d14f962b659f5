"""The store of a run: one SQLite file that holds every call before anything is made of it.

Each response is committed on its own, in write-ahead mode: a process that is killed loses at
most the calls that were under way. Tables: `calls` (raw request and response by key), `items`
(which call answers which item, and what its prompt showed), `shown`, `unread` (replies to ask for
once more), `failures` (calls without an answer, which are made again), `facts` (study, backend,
conditions).
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from contracts.digests import sha256_text
from contracts.errors import ContractError, fail
from elicitation.backends.base import Request, Response, response_from_json, response_json
from elicitation.prompts.prompts import Shown

#: Version of the file's tables.
STORE_VERSION = 1

STORE_NAME = "calls.sqlite"

#: What SQLite says where there is no room to write, and where another process writes.
_NO_ROOM = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
)
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (
  key BLOB PRIMARY KEY, status TEXT NOT NULL, request TEXT NOT NULL, response TEXT NOT NULL,
  finished REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS items (
  item_id TEXT PRIMARY KEY, key BLOB NOT NULL, again BLOB, condition TEXT NOT NULL,
  spec TEXT NOT NULL, shown TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS items_by_condition ON items (condition);
CREATE INDEX IF NOT EXISTS items_by_key ON items (key);
CREATE TABLE IF NOT EXISTS unread (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shown (shown TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (
  key BLOB NOT NULL, item_id TEXT NOT NULL, error TEXT NOT NULL, raw TEXT NOT NULL,
  happened REAL NOT NULL
);
"""


class ItemRecord(NamedTuple):
    """What is kept of an item: enough to read its answer without the plan.

    Attributes:
        item_id: its name.
        condition: name of its condition.
        spec: question_id, country, group, participant, repeat, ...: as JSON types.
        shown: what the prompt offered.
    """

    item_id: str
    condition: str
    spec: Mapping[str, Any]
    shown: Shown


class StoredItem(NamedTuple):
    """An item with the response to it, and that to the second try, where there was one."""

    record: ItemRecord
    response: Response
    again: Response | None


class Store:
    """A store, opened for reading and writing.

    Args:
        path: the SQLite file; made where there is none.

    Raises:
        ContractError: the file is no store, or of another version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._known_shown: dict[Shown, str] = {}
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None, timeout=60)
        except sqlite3.DatabaseError as error:
            raise self._unusable(error) from None
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_TABLES)
            self._check_version()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            self._db.close()
            raise self._unusable(error) from None
        except ContractError:
            self._db.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise self._unusable(error) from None

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._db.close()

    def _unusable(self, error: Exception) -> ContractError:
        """The error for a file that is no store, or is one no longer."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without what it says beyond
        if code in _NO_ROOM:
            return fail(
                "no-room",
                f"the store of calls cannot be written ({error})",
                where=str(self.path),
                hint="Stored answers are not lost. Make room, then start again: it goes on "
                "where it stopped.",
            )
        if code in _BUSY:
            return fail(
                "store-busy",
                f"another process holds the store of calls ({error})",
                where=str(self.path),
                hint="Wait for it, then start again.",
            )
        if code == sqlite3.SQLITE_NOTADB:
            return fail(
                "no-store",
                f"this is no store of calls ({error})",
                where=str(self.path),
                hint="Choose another folder for --out.",
            )
        return self._damaged(str(error))

    def _damaged(self, why: str) -> ContractError:
        return fail(
            "damaged-store",
            f"the store of calls is damaged ({why})",
            where=str(self.path),
            hint="Bring it back from a backup, or save what can be read: sqlite3 FILE .recover; "
            "else begin in another folder.",
        )

    def require_sound(self) -> None:
        """See that every page of the file can be read.

        Raises:
            ContractError: one cannot.
        """
        (integrity_report,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if integrity_report != "ok":
            raise self._damaged(" ".join(str(integrity_report).split())[:200])

    def _json(self, text: Any) -> Any:
        """A cell's content.

        Raises:
            ContractError: it is no JSON.
        """
        try:
            return json.loads(text)
        except (ValueError, TypeError, RecursionError):
            raise self._damaged("a cell holds no JSON") from None

    def _shown(self, text: Any) -> Shown:
        fields = self._json(text)
        try:
            return Shown.from_json(fields)
        except (TypeError, KeyError, ValueError, AttributeError):
            raise self._damaged("a cell holds nothing that a prompt showed") from None

    def _response(self, text: Any) -> Response:
        fields = self._json(text)
        try:
            return response_from_json(fields)
        except (TypeError, KeyError, ValueError):
            raise self._damaged("a cell holds no response") from None

    def _check_version(self) -> None:
        stored_version = self.fact("store_version")
        if stored_version is None:
            self.set_fact("store_version", STORE_VERSION)
        elif stored_version != STORE_VERSION:
            raise fail(
                "store-version",
                "the store is of another version",
                where=str(self.path),
                found=str(stored_version),
                allowed=str(STORE_VERSION),
                hint="Read it with the version of opinion-atlas that wrote it.",
            )

    # Facts

    def fact(self, name: str) -> Any:
        """A fact about the run, None where there is none."""
        row = self._db.execute("SELECT content FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else self._json(row[0])

    def set_fact(self, name: str, content: Any) -> None:
        """Note a fact about the run."""
        text = json.dumps(content, ensure_ascii=False)
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, text))

    # Calls

    def finished_keys(self) -> set[bytes]:
        """Keys of all calls that have an answer."""
        return {row[0] for row in self._db.execute("SELECT key FROM calls")}

    def item_keys(self) -> dict[str, bytes]:
        """Key of the call by item, of every item that has one."""
        return dict(self._db.execute("SELECT item_id, key FROM items"))

    def save(
        self,
        key: bytes,
        request: Request,
        response: Response,
        records: Iterable[ItemRecord],
        *,
        unread: bool = False,
    ) -> None:
        """Keep a response, raw, with the items that it answers; committed before this returns.

        A response with status `error` goes to `failures`: it is no answer, and the call is made
        again by the next run. `unread` notes that the reply is to be asked for once more.
        """
        now = time.time()
        if response.status == "error":
            raw = json.dumps(dict(response.raw), ensure_ascii=False)
            rows = [(key, record.item_id, response.error, raw, now) for record in records]
            self._write("INSERT INTO failures VALUES (?, ?, ?, ?, ?)", rows)
            return
        texts = (_text(request.identity()), _text(response_json(response)))
        call = (key, response.status, *texts, now)
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?)", call)
            self._insert_items((record, key) for record in records)
            if unread:
                self._db.execute("INSERT OR IGNORE INTO unread VALUES (?)", (key,))

    def save_items(self, items: Iterable[tuple[ItemRecord, bytes]]) -> None:
        """Note items whose call is finished already."""
        with self._db:
            self._db.execute("BEGIN")
            self._insert_items(items)

    def save_again(
        self, key: bytes, request: Request, response: Response, item_ids: Iterable[str]
    ) -> None:
        """Keep the response to a second try, with the items that it belongs to."""
        if response.status == "error":
            rows = [(key, item_id, response.error, "{}", time.time()) for item_id in item_ids]
            self._write("INSERT INTO failures VALUES (?, ?, ?, ?, ?)", rows)
            return
        texts = (_text(request.identity()), _text(response_json(response)))
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute(
                "INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?)",
                (key, response.status, *texts, time.time()),
            )
            self._db.executemany(
                "UPDATE items SET again = ? WHERE item_id = ?", [(key, i) for i in item_ids]
            )

    def link_again(self, key: bytes, item_ids: Iterable[str]) -> None:
        """Note a second try that is finished already."""
        self._write("UPDATE items SET again = ? WHERE item_id = ?", [(key, i) for i in item_ids])

    def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        with self._db:
            self._db.execute("BEGIN")
            self._db.executemany(statement, rows)

    def _insert_items(self, items: Iterable[tuple[ItemRecord, bytes]]) -> None:
        rows = [
            (r.item_id, key, None, r.condition, _text(r.spec), self._shown_id(r.shown))
            for r, key in items
        ]
        self._db.executemany("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _shown_id(self, shown: Shown) -> str:
        shown_id = self._known_shown.get(shown)
        if shown_id is None:
            content = _text(shown.to_json())
            shown_id = sha256_text(content)[:16]
            self._db.execute("INSERT OR IGNORE INTO shown VALUES (?, ?)", (shown_id, content))
            self._known_shown[shown] = shown_id
        return shown_id

    def unread(self) -> dict[str, Response]:
        """Response by item, of the items that are to be asked once more and were not yet."""
        rows = self._db.execute(
            """SELECT i.item_id, c.response FROM unread u JOIN items i ON i.key = u.key
            JOIN calls c ON c.key = u.key WHERE i.again IS NULL"""
        )
        return {item_id: self._response(response) for item_id, response in rows}

    # Reading

    def conditions(self) -> list[str]:
        """Names of the conditions that have items, in the order in which they were noted."""
        query = "SELECT condition FROM items GROUP BY condition ORDER BY min(rowid)"
        return [row[0] for row in self._db.execute(query)]

    def items(self, condition: str | None = None, *, begin: str = "") -> Iterator[StoredItem]:
        """Answered items in order of their names: of one condition if asked for, and whose names
        begin with a text."""
        shown = {
            key: self._shown(content)
            for key, content in self._db.execute("SELECT shown, content FROM shown")
        }
        conditions = {
            "i.condition = ?": () if condition is None else (condition,),
            "i.item_id >= ? AND i.item_id < ?": (begin, f"{begin}\U0010ffff") if begin else (),
        }
        chosen = {clause: given for clause, given in conditions.items() if given}
        where = f"WHERE {' AND '.join(chosen)}" if chosen else ""
        query = f"""SELECT i.item_id, i.condition, i.spec, i.shown, c.response, a.response
            FROM items i JOIN calls c ON c.key = i.key LEFT JOIN calls a ON a.key = i.again
            {where} ORDER BY i.item_id"""  # noqa: S608 - no outside text in it
        rows = self._db.execute(query, [one for given in chosen.values() for one in given])
        for item_id, name, spec, shown_id, first, second in rows:
            if shown_id not in shown:
                raise self._damaged("what a prompt showed is missing")
            record = ItemRecord(item_id, name, self._json(spec), shown[shown_id])
            again = self._response(second) if second else None
            yield StoredItem(record, self._response(first), again)

    def prompt_of(self, item_id: str) -> str:
        """The prompt that asked an item, a chat's turns below each other.

        Raises:
            KeyError: the item has no answer.
        """
        row = self._db.execute(
            "SELECT c.request FROM items i JOIN calls c ON c.key = i.key WHERE i.item_id = ?",
            (item_id,),
        ).fetchone()
        if row is None:
            raise KeyError(item_id)
        request = self._json(row[0])
        turns = [content for _, content in request.get("messages", ())]
        return "\n\n".join(turns) or str(request["prompt"])

    def counts(self) -> dict[str, int]:
        """Number of finished calls by status, and of noted failures."""
        counts_by_status = dict(
            self._db.execute("SELECT status, count(*) FROM calls GROUP BY status")
        )
        failed = self._db.execute("SELECT count(*) FROM failures").fetchone()[0]
        return {**counts_by_status, "failures": failed}

    def last_errors(self, limit: int = 5) -> list[str]:
        """The latest different errors."""
        query = """SELECT error FROM failures GROUP BY error
            ORDER BY max(happened) DESC LIMIT ?"""
        return [row[0] for row in self._db.execute(query, (limit,))]

    def merge(self, other: str | Path) -> None:
        """Take over the calls and items of another store; what is here already stays.

        Raises:
            ContractError: there is no store, it is damaged, or its facts are of another study.
        """
        if not Path(other).is_file():
            raise fail("no-store", "there is no store of calls", where=str(other))
        with Store(other) as checked:
            checked.require_sound()
            _require_same_run(checked, self)
        self._db.execute("ATTACH DATABASE ? AS other", (str(other),))
        try:
            with self._db:
                self._db.execute("BEGIN")
                for table in ("facts", "calls", "shown", "unread"):
                    self._db.execute(f"INSERT OR IGNORE INTO {table} SELECT * FROM other.{table}")  # noqa: S608
                self._db.execute("INSERT OR IGNORE INTO items SELECT * FROM other.items")
                self._db.execute("INSERT INTO failures SELECT * FROM other.failures")
        finally:
            self._db.execute("DETACH DATABASE other")


def check_same_run(paths: Sequence[Path]) -> None:
    """See that stores hold shards of one run, before any of them is merged.

    Raises:
        ContractError: one is of another study or model.
    """
    with Store(paths[0]) as first:
        for path in paths[1:]:
            with Store(path) as other:
                _require_same_run(other, first)


def _require_same_run(other: Store, first: Store) -> None:
    for name in ("study", "backend"):
        theirs, mine = _comparable(other.fact(name)), _comparable(first.fact(name))
        if mine is not None and theirs != mine:
            raise fail(
                "other-run",
                f"the stores hold runs with another {name}",
                where=str(other.path),
                hint="Merge only stores that shards of one study wrote, of one model.",
            )


def _comparable(fact: Any) -> Any:
    """A fact without the server's address: one model may answer at several."""
    if not isinstance(fact, dict):
        return fact
    return {name: content for name, content in fact.items() if name != "server"}


def _text(content: Any) -> str:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which SQLite does not take
        return json.dumps(content, separators=(",", ":"))
    return text


PREDICTIONS_FOLDER = "predictions"
SUMMARY_NAME = "summary.json"
_LOCK_NAME = ".lock"


def store_path(folder: Path) -> Path:
    """Where the store of a run lies."""
    return folder / STORE_NAME


def existing_store(folder: Path) -> Path:
    """The store of a run that exists.

    Raises:
        ContractError: the folder holds none.
    """
    path = folder if folder.suffix == ".sqlite" else store_path(folder)
    if not path.is_file():
        raise fail(
            "no-run",
            f"{folder} holds no run",
            allowed=f"a folder with a {STORE_NAME}",
            hint="Make one with: opinion-atlas elicit MODEL --out FOLDER",
        )
    return path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's folder for one process; a killed process gives it back by itself.

    Raises:
        ContractError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        yield
        return
    with (folder / _LOCK_NAME).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise fail(
                "run-locked",
                f"another process is writing to {folder}",
                hint="Wait for it, or take another --out and merge the stores afterwards.",
            ) from None
        yield
