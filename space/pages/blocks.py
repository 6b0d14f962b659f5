"""The framework's app, with errors reported as plain sentences.

Anybody can call any function of an app with anything. The framework answers with the text of
whatever Python error came of it, and writes a traceback to the log for every wrong argument.
"""

from __future__ import annotations

import inspect
import logging
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import gradio as gr
from gradio.components.api_component import Api
from gradio.routes import App

from contracts.errors import ContractError

FAILED = "the server could not do this; what went wrong is in its log"

#: Bound of the numbers that a box may hold.
LARGEST_NUMBER = 1e15

#: Folders of an absolute path; what follows a colon or a word is the rest of a web address.
_FOLDERS = re.compile(r"(?<![\w:/.])/(?:[^\s/'\"]+/)+")

log = logging.getLogger("space.server.web")


@contextmanager
def without_servers() -> Iterator[None]:
    """While pages are laid out, no server is made.

    The framework makes a whole one, with a hundred routes, at the end of every page, and throws
    it away for the next; what answers is the one that mounting makes.
    """
    made = App.create_app
    App.create_app = staticmethod(lambda *_, **__: None)  # type: ignore[assignment]
    try:
        yield
    finally:
        App.create_app = made  # type: ignore[method-assign]


class PlainBlocks(gr.Blocks):
    """Blocks whose errors are sentences."""

    def get_block_name(self) -> str:
        """Name that browsers and clients know."""
        return "blocks"

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        """See that a call has as many arguments as its function takes.

        Raises:
            gr.Error: it has more or fewer.
        """
        if len(inputs) != len(block_fn.inputs):
            raise plain_error(
                f"{_name(block_fn)} takes {_counted(len(block_fn.inputs), 'argument')}, "
                f"not {len(inputs)}{_listed(block_fn)}"
            )

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any
    ) -> list[Any]:
        """The arguments of a call, as its function takes them.

        Raises:
            gr.Error: one is not of the kind that its box says.
        """
        if len(inputs) == len(block_fn.inputs):
            for box, given in zip(block_fn.inputs, inputs, strict=True):
                _check_kind(block_fn, box, given)
            inputs = [
                "" if given is None and isinstance(box, gr.Textbox) else given
                for box, given in zip(block_fn.inputs, inputs, strict=True)
            ]
        try:
            return await super().preprocess_data(block_fn, inputs, *args, **kwargs)
        except gr.Error as error:
            raise plain_error(error.message) from None
        except Exception as error:
            log.info("wrong arguments", extra={"call": _name(block_fn), "why": str(error)[:300]})
            raise plain_error(
                f"the arguments of {_name(block_fn)} are not of the kind that it takes"
                f"{_listed(block_fn)}"
            ) from None

    async def call_function(self, block_fn: Any, *args: Any, **kwargs: Any) -> Any:
        """What the function gives."""
        try:
            return await super().call_function(block_fn, *args, **kwargs)
        except gr.Error as error:
            raise plain_error(error.message) from None
        except ContractError as error:
            raise plain_error(without_folders(str(error))) from None
        except Exception:
            log.exception("a call failed", extra={"call": _name(block_fn)})
            raise plain_error(FAILED) from None


def plain_error(message: str) -> gr.Error:
    """An error that visitors and programs see; what a visitor wrote into it is no markup."""
    return gr.Error(escape(message, quote=False), print_exception=False)


def without_folders(text: str) -> str:
    """A message without the folders of this machine that stand before names of files."""
    return _FOLDERS.sub("", text)


def _check_kind(block_fn: Any, box: Any, given: Any) -> None:
    """Check that an argument is of the kind that its component holds.

    Raises:
        gr.Error: it is not.
    """
    for kind, can_hold, allowed in _KINDS:
        if isinstance(box, kind):
            if given is not None and not can_hold(box, given):
                label = box.label or "a box without a label"
                raise plain_error(f"{_name(block_fn)}: {label} takes {allowed}")
            return


def _is_text(_: Any, given: Any) -> bool:
    return isinstance(given, str)


def _is_choice(box: Any, given: Any) -> bool:
    if not getattr(box, "multiselect", isinstance(box, gr.CheckboxGroup)):
        return isinstance(given, str)
    return isinstance(given, list) and all(isinstance(one, str) for one in given)


def _is_number(_: Any, given: Any) -> bool:
    return (
        isinstance(given, (int, float))
        and not isinstance(given, bool)
        and (isinstance(given, int) or math.isfinite(given))
        and abs(given) < LARGEST_NUMBER
    )


#: Kinds of boxes: whether such a box can hold something, and what it takes in words.
_KINDS: tuple[tuple[Any, Callable[[Any, Any], bool], str], ...] = (
    ((gr.Dropdown, gr.CheckboxGroup, gr.Radio), _is_choice, "a choice (several: a list of texts)"),
    ((gr.Textbox, gr.Button, gr.HTML), _is_text, "a text"),
    ((gr.Number, gr.Timer), _is_number, "a number"),
    (gr.Checkbox, lambda _, given: isinstance(given, bool), "true or false"),
)


def _name(block_fn: Any) -> str:
    return f"/{block_fn.api_name}" if block_fn.api_name else "this call"


def _listed(block_fn: Any) -> str:
    """The arguments by name, where the call is one for programs."""
    if block_fn.api_visibility != "public" or not block_fn.inputs:
        return ""
    labels = [str(box.label or "?") for box in block_fn.inputs]
    if any(isinstance(box, Api) for box in block_fn.inputs):  # whose labels only count
        labels = list(inspect.signature(block_fn.fn).parameters)
    return ": " + ", ".join(labels)


def _counted(number: int, unit: str) -> str:
    return f"{number or 'no'} {unit}{'' if number == 1 else 's'}"
