"""Visitors' sessions: how many the framework keeps, and how little of each.

No page depends on what its session holds: its address holds its state, and its boxes hand
over what they show. So a session that went leaves an open page working.
"""

from __future__ import annotations

import asyncio
import datetime
import re
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException
from gradio.state_holder import SessionState, StateHolder
from gradio.utils import LRUCache

if TYPE_CHECKING:
    from gradio.blocks import Blocks
    from gradio.routes import App


#: Sessions in memory; beyond it the least recently used one is dropped.
MOST_SESSIONS = 500

#: A session whose page was closed goes after so many seconds.
CLOSED_SECONDS = 600

#: Messages that wait for all visitors together; beyond it the oldest goes.
MOST_MESSAGES = 600

#: Seconds between looks for calls that wait in the queue (most calls do not: `pages.parts.QUICK`),
#: and for progress to tell of.
QUEUE_SECONDS, PROGRESS_SECONDS = 0.1, 0.5

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def bound_sessions(
    app: App, *, most: int = MOST_SESSIONS, most_messages: int = MOST_MESSAGES
) -> None:
    """Make a mounted app keep few sessions, and little of each.

    Args:
        app: the framework's app.
        most: sessions in memory.
        most_messages: messages that wait for all visitors together.
    """
    blocks = app.get_blocks()
    blocks.app = app  # calls that wait in the queue belong to the same sessions
    blocks.state_session_capacity = most
    app.state_holder = Sessions(blocks)
    queue = blocks._queue
    queue.pending_messages_per_session = Mailboxes(most, most_messages)
    # The framework looks for waiting calls a thousand times a second, which takes a twentieth of a
    # core of a server that nobody uses.
    queue.sleep_when_free = QUEUE_SECONDS
    queue.progress_update_sleep_when_free = PROGRESS_SECONDS
    # Call statistics, recomputed after every call, that are shown nowhere here.
    queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
    queue.ANALYTICS_MAX_EVENTS = most


class Sessions(StateHolder):
    """Sessions by name, the one used last at the end."""

    def __init__(self, blocks: Blocks) -> None:
        super().__init__()
        self.set_blocks(blocks)

    def __getitem__(self, session_id: str) -> SessionState:
        if not _NAME.fullmatch(session_id):
            raise HTTPException(422, "session_hash is up to 64 letters and digits")
        with self.lock:
            session = self.session_data.get(session_id)
            if session is None:
                session = self.session_data[session_id] = LeanSession(self.blocks)
            self.session_data.move_to_end(session_id)
            self.time_last_used[session_id] = datetime.datetime.now()
            while len(self.session_data) > self.capacity:
                self._forget(next(iter(self.session_data)))
        return session

    def delete_all_expired_state(self) -> None:
        """Forget sessions whose page was closed a while ago; the framework calls this often."""
        before = datetime.datetime.now() - datetime.timedelta(seconds=CLOSED_SECONDS)
        with self.lock:
            closed = [name for name, one in self.session_data.items() if one.is_closed]
            for name in closed:
                if self.time_last_used[name] < before:
                    self._forget(name)

    def _forget(self, session_id: str) -> None:
        self.session_data.pop(session_id, None)
        self.time_last_used.pop(session_id, None)


class LeanSession(SessionState):
    """A session that knows which components were changed in it, and no more."""

    def __init__(self, blocks: Blocks) -> None:
        super().__init__(_Bare(blocks))  # type: ignore[arg-type]
        self.config_values = _NoConfigs()


class _Bare:
    """An app as a session sees it while it is made: then it copies no component's configuration."""

    def __init__(self, blocks: Blocks) -> None:
        self.default_config = blocks.default_config
        self.blocks: dict[int, Any] = {}


class _NoConfigs(dict[int, dict[str, Any]]):
    """Configurations of a session's components, none of which is stored.

    The framework keeps one of every component of the app, with what it shows, for links that
    restore a whole page; here the address of a page does that.
    """

    def __setitem__(self, key: int, config: dict[str, Any]) -> None:
        return

    def __getitem__(self, key: int) -> dict[str, Any]:
        return {}

    def __contains__(self, key: object) -> bool:
        return True


class Mailboxes(LRUCache[str, Any]):
    """Messages that wait for visitors, by session.

    The framework drops the oldest sessions, but keeps every message of a session until it is
    fetched: a program that asks and never fetches would fill the memory with answers.
    """

    def __init__(self, most_sessions: int, most_messages: int) -> None:
        super().__init__(most_sessions)
        self._most = most_messages
        self._put: deque[_Mailbox] = deque()

    def __setitem__(self, key: str, box: Any) -> None:
        super().__setitem__(key, _Mailbox(self))

    def came(self, box: _Mailbox) -> None:
        """Count a message that was put into a box; drop the oldest where there are too many."""
        self._put.append(box)
        box.counted += 1
        while len(self._put) > self._most:
            oldest = self._put.popleft()
            oldest.counted -= 1
            if oldest.qsize() > oldest.counted:  # not fetched yet
                oldest.get_nowait()


class _Mailbox(asyncio.Queue[Any]):
    """Messages of one session."""

    def __init__(self, boxes: Mailboxes) -> None:
        super().__init__()
        self._boxes, self.counted = boxes, 0

    def _put(self, item: Any) -> None:
        super()._put(item)
        self._boxes.came(self)
