"""Coroutines run to their end from code that is not asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_coroutine(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """What `coroutine` returns.

    Where the calling thread already runs an event loop, as every cell of a notebook does,
    `asyncio.run` refuses to start a second one: the coroutine then gets a loop in a thread of its
    own. Otherwise it runs in the calling thread, which receives Ctrl-C.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
