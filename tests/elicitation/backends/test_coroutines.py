"""Coroutines run with and without an event loop around."""

from __future__ import annotations

import asyncio
import threading

import pytest

from elicitation.backends.coroutines import run_coroutine


async def _thread_name() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


async def _fails() -> None:
    raise ValueError("no answer")


def test_runs_in_the_calling_thread() -> None:
    assert run_coroutine(_thread_name()) == threading.current_thread().name


def test_runs_beside_a_running_loop() -> None:
    async def cell() -> str:
        return run_coroutine(_thread_name())

    assert asyncio.run(cell()) != threading.current_thread().name


def test_errors_pass_through_beside_a_running_loop() -> None:
    async def cell() -> None:
        run_coroutine(_fails())

    with pytest.raises(ValueError, match="no answer"):
        asyncio.run(cell())
