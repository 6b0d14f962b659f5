"""A store on the Hub: the folders here are the journal, repos follow in batched commits."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from contracts.atomic import PARTIAL_PREFIX
from contracts.digests import pretty_json
from contracts.errors import ContractError, fail
from contracts.release.hub import REPO_TYPE, HubRepo, hub_errors
from space.submissions.files import move_file, write_durable
from space.submissions.hub_changes import (
    PUSHED,
    Change,
    Key,
    Side,
    change_of,
    copy_whole,
    sides_of,
    stamps,
)
from space.submissions.layout import Layout
from space.submissions.quotas import load_accounts, save_accounts
from space.submissions.records import Records

ATTEMPTS = 6
#: What may pass by itself.
PASSING = frozenset({"no-connection", "conflict", "rate-limit", "hub-error"})

ENV_PUBLIC = "OPINION_ATLAS_HUB_STORE"
ENV_PRIVATE = "OPINION_ATLAS_HUB_PRIVATE"
ENV_CONTACTS = "OPINION_ATLAS_HUB_CONTACTS"

log = logging.getLogger("space.submissions")


class HubMirror:
    """Pushes a store and its private folder to repos on the Hub, and fetches them back.

    The folders here are the journal: what is acknowledged lies there, and stays waiting until
    the Hub has it, however often the machine or the connection breaks. A round commits in an
    order in which the Hub as a whole always holds every file: what comes into the private repo
    first, then the public one, then what leaves the private one.

    Args:
        layout: the folders.
        repos: the public repo, the private one (records and files that are not public), and
            optionally a second private one for contacts, which else stay on this machine.
        sleep: how to wait between attempts, in seconds.
    """

    def __init__(
        self,
        layout: Layout,
        repos: Mapping[Key, HubRepo],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not {"public", "private"} <= set(repos):
            raise fail(
                "hub-repos",
                "a store on the Hub needs two repos: one for the board, one for what is private",
                hint=f"Name them with {ENV_PUBLIC} and {ENV_PRIVATE}.",
            )
        names = [repo.name for repo in repos.values()]
        if len(set(names)) < len(names):
            raise fail("hub-repos", "every part of the store needs a repo of its own")
        self.layout = layout
        layout.prepare()
        self.sides = sides_of(layout, repos)
        self._records = Records(layout.records)
        self._writers = FileLock(layout.lock, timeout=60)
        self._alone = FileLock(layout.private / "hub.lock", timeout=0)
        self._sleep = sleep
        self._prepared = False

    # What waits.

    def waiting(self) -> int:
        """Number of files that the Hub lacks, or has too many."""
        return sum(len(one.add) + len(one.delete) for one in self._changes().values())

    def _changes(self) -> dict[Key, Change]:
        save_accounts(self.layout.private, self._limits)
        records = {one.id: one for one in self._records.every()}
        pushed = self._pushed()
        return {side.key: change_of(side, pushed.get(side.key, {}), records) for side in self.sides}

    # There.

    def prepare(self) -> None:
        """Make repos that are not there, private ones; refuse a private part that is public.

        Looks only once.

        Raises:
            ContractError: there is no login, no permission, or a repo that must be private is
                public.
        """
        if self._prepared:
            return
        for side in self.sides:
            repo_state = side.repo.state() or side.repo.create(private=True)
            if side.must_be_private and not repo_state.private:
                raise fail(
                    "visibility",
                    f"the repo for what is {side.key} is public; nothing was uploaded",
                    where=side.repo.name,
                    hint="Make it private in its settings, or name another one.",
                )
        self._prepared = True

    def push(self) -> int:
        """Commit all that waits; return the number of files.

        Raises:
            ContractError: the Hub refuses for good, or after all attempts; everything that was
                not pushed goes on waiting. Or another process is pushing.
        """
        with self._workshop() as folder:
            changes = self._snapshot(folder)
            private = [side for side in self.sides if side.must_be_private]
            public = [side for side in self.sides if not side.must_be_private]
            for side in private:
                self._commit(side, Change(changes[side.key].add, ()), folder)
            for side in public:
                self._commit(side, changes[side.key], folder)
            for side in private:
                self._commit(side, Change({}, changes[side.key].delete), folder)
            return sum(len(one.add) + len(one.delete) for one in changes.values())

    @contextmanager
    def _workshop(self) -> Iterator[Path]:
        """A folder for copies, and the right to push; what a kill left there is removed first."""
        try:
            self._alone.acquire()
        except Timeout:
            raise fail(
                "busy", "another process is pushing this store", hint="Let it finish."
            ) from None
        try:
            folder = self.layout.private / f"{PARTIAL_PREFIX}hub"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            yield folder
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            self._alone.release()

    def _snapshot(self, folder: Path) -> dict[Key, Change]:
        """Copy what waits, all of one moment: no writer moves a file under our hands."""
        with self._writers:
            changes = self._changes()
            for side in self.sides:
                for name in changes[side.key].add:
                    copy_whole(side.root / name, folder / side.key / name)
        return changes

    def _commit(self, side: Side, change: Change, folder: Path) -> None:
        if not change:
            return
        again = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=2, max=120),
            retry=retry_if_exception(_may_pass),
            before_sleep=_log_attempt,
            sleep=self._sleep,
            reraise=True,
        )
        again(self._commit_once, side, change, folder)
        pushed = self._pushed()
        known = {**pushed.get(side.key, {}), **change.add}
        for name in change.delete:
            known.pop(name, None)
        self._remember({**pushed, side.key: known})
        log.info("pushed", extra={"repo": side.repo.name, "files": len(change.add)})

    def _commit_once(self, side: Side, change: Change, folder: Path) -> None:
        state = side.repo.state()
        if state is None:
            raise fail("no-repo", "the repo has gone, or the token may not see it any more")
        if side.must_be_private and not state.private:
            raise fail("visibility", "the repo was made public", where=side.repo.name)
        side.repo.commit(
            {name: folder / side.key / name for name in change.add},
            message=f"Submissions: {len(change.add)} files in, {len(change.delete)} out",
            parent=state.head,
            delete=[name for name in change.delete if name in state.files],
        )

    # Back.

    def restore(self) -> int:
        """Fetch what is on the Hub into folders that are empty; return the number of files.

        For a machine whose disk does not last. Folders that hold records are left alone: they
        are the journal. A restore that was broken off is begun again.

        Raises:
            ContractError: the Hub refuses or cannot be reached.
        """
        mark = self.layout.private / "restoring"
        if any(self.layout.records.glob("*.json")) and not mark.exists():
            return 0
        mark.touch()
        with self._workshop() as folder:
            fetched = sum(self._fetch(side, folder / side.key) for side in self.sides)
        load_accounts(self.layout.private, self._limits)
        self._remember({side.key: stamps(side) for side in self.sides})
        mark.unlink()
        log.info("restored", extra={"files": fetched})
        return fetched

    def _fetch(self, side: Side, folder: Path) -> int:
        if side.repo.state() is None:
            return 0
        patterns = [f"{top}/*" for top in PUSHED[side.key]]
        with hub_errors(side.repo.name, "fetch the store"):
            side.repo.api.snapshot_download(
                side.repo.name, repo_type=REPO_TYPE, local_dir=folder, allow_patterns=patterns
            )
        names = [
            path.relative_to(folder)
            for top in PUSHED[side.key]
            for path in sorted((folder / top).rglob("*"))
            if path.is_file()
        ]
        for name in names:
            move_file(folder / name, side.root / name)
        return len(names)

    # What was pushed.

    @property
    def _limits(self) -> Path:
        return self.layout.private / "limits" / "accounts.json"

    @property
    def _journal(self) -> Path:
        return self.layout.private / "pushed.json"

    def _pushed(self) -> dict[str, dict[str, str]]:
        """Stamps by repo, of this mirror's repos only: another repo has been given nothing yet."""
        try:
            journal = json.loads(self._journal.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        names = {side.key: side.repo.name for side in self.sides}
        return {key: journal[name] for key, name in names.items() if name in journal}

    def _remember(self, pushed: Mapping[str, Mapping[str, str]]) -> None:
        names = {side.key: side.repo.name for side in self.sides}
        write_durable(
            self._journal,
            pretty_json({names[key]: dict(known) for key, known in pushed.items()}),  # type: ignore[index]
        )


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, ContractError) and all(one.code in PASSING for one in error.problems)


def _log_attempt(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("commit tried again", extra={"attempt": state.attempt_number, "why": str(error)})
