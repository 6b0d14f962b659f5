"""Push a store to the Hub in the background, as the environment says."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from contracts.errors import ContractError
from contracts.release.hub import HubRepo
from space.submissions.hub import ENV_CONTACTS, ENV_PRIVATE, ENV_PUBLIC, HubMirror
from space.submissions.hub_changes import PUSHED, Key
from space.submissions.layout import Layout, default_private_root

#: Seconds between commits to a repo. The Hub takes 128 commits an hour, and a round makes up to
#: two commits to the private repo.
EVERY_SECONDS = 60.0
#: With this many files waiting a round does not wait for its time.
MOST_FILES = 50
#: Without any sign of a change all files are looked at this often, in seconds: what a run writes
#: into its own folder shows no other way.
LOOK_SECONDS = 30.0

log = logging.getLogger("space.submissions")


class Pusher:
    """Pushes what waits of a mirror: at once after a quiet time, else in batches.

    Args:
        mirror: the mirror.
        every: seconds between rounds.
        most_files: with so many files waiting a round begins early.
    """

    def __init__(
        self, mirror: HubMirror, *, every: float = EVERY_SECONDS, most_files: int = MOST_FILES
    ) -> None:
        self.mirror = mirror
        self._every, self._most_files = every, most_files
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; push what still waits, as far as that succeeds."""
        self._stop.set()
        self._thread.join(timeout=60)
        if self._try(self.mirror.waiting):
            self._try(self._prepare_and_push)

    def _work(self) -> None:
        pushed = looked = float("-inf")
        quiet: tuple[int, ...] = ()
        while not self._stop.wait(min(2.0, self._every)):
            touched, now = self._touched(), time.monotonic()
            if touched == quiet and now - looked < LOOK_SECONDS:
                continue
            looked = now
            waiting = self._try(self.mirror.waiting)
            if waiting == 0:
                quiet = touched
            elif now - pushed >= self._every or (waiting or 0) >= self._most_files:
                pushed = now
                self._try(self._prepare_and_push)

    def _touched(self) -> tuple[int, ...]:
        """Times of the folders: whatever comes or goes changes one of them."""
        folders = [side.root / top for side in self.mirror.sides for top in PUSHED[side.key]]
        return tuple(folder.stat().st_mtime_ns for folder in folders if folder.exists())

    def _prepare_and_push(self) -> int:
        self.mirror.prepare()
        return self.mirror.push()

    def _try(self, action: Callable[[], int]) -> int | None:
        """What an action returns; None where it failed, which is logged."""
        try:
            return action()
        except ContractError as error:
            log.error("the Hub does not take the store yet", extra={"problem": str(error)[:500]})
        except Exception:  # whatever it is, the next round has to come
            log.exception("the store could not be pushed")
        return None


def mirror_from_environment(
    layout: Layout, environment: Mapping[str, str] = os.environ
) -> HubMirror | None:
    """The mirror that the environment names; None where it names none.

    `OPINION_ATLAS_HUB_STORE` and `OPINION_ATLAS_HUB_PRIVATE` name the two repos (ORG/NAME),
    `OPINION_ATLAS_HUB_CONTACTS` a third one; HF_TOKEN is the token that may write to them.

    Raises:
        ContractError: only one of the two is named.
    """
    named: Sequence[tuple[Key, str]] = (
        ("public", environment.get(ENV_PUBLIC, "")),
        ("private", environment.get(ENV_PRIVATE, "")),
        ("contacts", environment.get(ENV_CONTACTS, "")),
    )
    token = environment.get("HF_TOKEN") or None
    repos: dict[Key, HubRepo] = {key: HubRepo(name, token=token) for key, name in named if name}
    return HubMirror(layout, repos) if repos else None


def begin_mirror(store_root: Path, environment: Mapping[str, str] = os.environ) -> Pusher | None:
    """Fetch the store if this machine is new, then push in the background.

    Args:
        store_root: folder of the store, which need not be there.
        environment: names the repos; see `mirror_from_environment`.

    Returns:
        What pushes, or None where the environment names none.

    Raises:
        ContractError: the folders are empty and the Hub cannot be reached: to begin with an
            empty board would be wrong. Once there are records here, the Hub may be away.
    """
    if not environment.get(ENV_PUBLIC) and not environment.get(ENV_PRIVATE):
        return None
    mirror = mirror_from_environment(
        Layout(store_root, default_private_root(store_root)), environment
    )
    if mirror is None:
        return None
    mirror.restore()
    pusher = Pusher(mirror)
    pusher.start()
    return pusher
