"""The form of the page Run a model: its boxes, and the choice that they say."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import gradio as gr
from pydantic import ValidationError

from codebook.countries import languages as all_languages
from codebook.wordings.wording import languages
from contracts.errors import ContractError, fail
from contracts.models import validation_problems
from contracts.release.read import Release
from contracts.specs import protocol_spec, protocol_specs
from elicitation.study.advice import advice_countries
from elicitation.study.conditions import OWN_LANGUAGE
from elicitation.study.methods import METHODS
from elicitation.study.resolve import release_countries
from elicitation.study.study import APPROACHES
from space.board.labels import country_name
from space.runs.choice import METHODS_OF, PROVIDERS, RunChoice
from space.runs.rules import Rules

#: Names of the boxes that make the choice, in the order in which events hand them over.
FIELDS = (
    "where", "model", "provider", "base_url", "protocol", "method", "steering", "approaches",
    "countries", "languages", "sample", "repeats", "thinking", "price_in", "price_out", "budget",
)  # fmt: skip

HUB, SERVER = "Hugging Face inference providers", "An OpenAI-compatible server"
_WHERE = {HUB: "hub", SERVER: "server"}

#: Questions that the form proposes: enough to see a difference, few enough to cost little.
SAMPLE = 20


def choice_boxes(rules: Rules, release: Release) -> dict[str, Any]:
    """The boxes of the choice, by field."""
    boxes: dict[str, Any] = {}
    with gr.Row(elem_classes=["oa-facet-row"]):
        boxes["where"] = gr.Radio(
            [HUB] if rules.public else [HUB, SERVER],
            value=HUB,
            label="Where the model answers",
            elem_id="run-where",
            visible=not rules.public,
        )
        boxes["model"] = gr.Textbox(
            label="Model", placeholder="ORG/NAME", elem_id="run-model", max_lines=1
        )
        boxes["provider"] = gr.Dropdown(
            list(PROVIDERS), value="auto", label="Provider", elem_id="run-provider"
        )
        boxes["base_url"] = gr.Textbox(
            label="Address of the server",
            placeholder="http://localhost:8000/v1",
            elem_id="run-url",
            max_lines=1,
            visible=False,
        )
    boxes |= _asking_boxes(release)
    boxes |= _size_boxes()
    return {name: boxes[name] for name in FIELDS}


def _asking_boxes(release: Release) -> dict[str, Any]:
    """What is asked, of whom, in which languages."""
    boxes: dict[str, Any] = {}
    with gr.Row(elem_classes=["oa-facet-row"]):
        boxes["protocol"] = gr.Dropdown(
            list(METHODS_OF), value="alignment", label="Protocol", elem_id="run-protocol",
            info=f"alignment {protocol_spec('alignment').about}",
        )  # fmt: skip
        boxes["method"] = gr.Dropdown(**method_choices("alignment"), elem_id="run-method")
        boxes["steering"] = gr.CheckboxGroup(
            **steering_choices("verbalized"), value=["none"], elem_id="run-steering"
        )
        boxes["approaches"] = gr.CheckboxGroup(
            list(APPROACHES), value=["persona"], label="Approaches", visible=False,
            elem_id="run-approaches",
        )  # fmt: skip
    with gr.Row(elem_classes=["oa-facet-row"]):
        boxes["countries"] = gr.Dropdown(
            country_choices(release, "alignment"), value=["all"], multiselect=True,
            label="Countries that are steered to",
            info="Without steering nobody is named: one answer is compared with all of them.",
            elem_id="run-countries",
        )  # fmt: skip
        boxes["languages"] = gr.Dropdown(
            [(all_languages()[code].name, code) for code in languages()]
            + [("each country's own", OWN_LANGUAGE)],
            value=["en"], multiselect=True, label="Languages of the prompts",
            elem_id="run-languages",
        )  # fmt: skip
    return boxes


def _size_boxes() -> dict[str, Any]:
    """How much is asked, and what it may cost."""
    boxes: dict[str, Any] = {}
    with gr.Row(elem_classes=["oa-facet-row"]):
        boxes["sample"] = gr.Number(
            SAMPLE, label="Questions", precision=0, minimum=0, elem_id="run-sample",
            info="So many of the protocol's questions, drawn at random; 0 is all. Only all of "
            "them take a rank on the board.",
        )  # fmt: skip
        boxes["repeats"] = gr.Number(
            0, label="Repeats", precision=0, minimum=0, elem_id="run-repeats",
            info="Times each question is asked; 0 is the method's own number.",
        )  # fmt: skip
        boxes["thinking"] = gr.Radio(
            [("left to the model", "default"), "on", "off"], value="default",
            label="Thinking", elem_id="run-thinking",
            info="Whether a reasoning model thinks before it answers: a condition of its own.",
        )  # fmt: skip
    with (
        gr.Accordion("Prices and budget", open=False, elem_id="run-prices"),
        gr.Row(elem_classes=["oa-facet-row"]),
    ):
        for name, label in (
            ("price_in", "Price of a million prompt tokens"),
            ("price_out", "Price of a million reply tokens"),
            ("budget", "Stop when so much is spent"),
        ):
            boxes[name] = gr.Number(0, label=label, minimum=0, elem_id=f"run-{name}")
    return boxes


def method_choices(protocol: str) -> dict[str, Any]:
    """Choices of the method of a protocol."""
    known = METHODS_OF.get(protocol, ())
    return {
        "choices": [(name.replace("_", " "), name) for name in known],
        "value": known[0] if known else None,
        "label": "Method",
        "info": METHODS[known[0]].about if known else "",
    }


def steering_choices(method: str) -> dict[str, Any]:
    """Choices of the steering that a method knows."""
    return {"choices": list(METHODS[method].steerings), "label": "Steering"}


def country_choices(release: Release, protocol: str) -> list[tuple[str, str]]:
    """Countries that a protocol can be asked for, by name."""
    known = (
        advice_countries()
        if protocol_spec(protocol).dilemmas
        else release_countries(release, max(release.manifest.waves))
    )
    named = sorted((country_name(code), code) for code in known)
    return [(f"all ({len(known)})", "all"), *named]


def protocol_updates(protocol: str, release: Release) -> list[Any]:
    """Updates of protocol, method, steering, approaches, countries and languages.

    Raises:
        ContractError: there is no such protocol.
    """
    _require("protocol", protocol, METHODS_OF)
    spec = protocol_spec(protocol)
    methods = method_choices(protocol)
    steering = [s for s in spec.steering if s in METHODS[methods["value"]].steerings]
    advice = spec.dilemmas
    return [
        gr.update(info=f"{protocol} {spec.about}"),
        gr.update(**methods),
        gr.update(**steering_choices(methods["value"]), value=steering[:1], visible=not advice),
        gr.update(visible=advice),
        gr.update(choices=country_choices(release, protocol), value=["all"]),
    ]


def method_updates(method: str) -> list[Any]:
    """Updates of method and steering.

    Raises:
        ContractError: there is no such method.
    """
    _require("method", method, METHODS)
    known = METHODS[method]
    return [
        gr.update(info=known.about),
        gr.update(**steering_choices(method), value=[known.steerings[0]]),
    ]


def _require(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise fail(
            f"unknown-{what}",
            f"there is no such {what}",
            column=what,
            found=ascii(name)[:80],
            allowed=", ".join(known),
        )


def choice_of(values: tuple[Any, ...]) -> RunChoice:
    """The choice that the boxes say, in the order of `FIELDS`.

    Raises:
        ContractError: a box holds what can be no choice.
    """
    stated_choice = dict(zip(FIELDS, values, strict=True))
    stated_choice["where"] = _WHERE.get(str(stated_choice["where"]), "hub")
    if stated_choice["where"] == "hub":
        stated_choice["base_url"] = ""
    else:
        stated_choice["provider"] = "auto"
    spec = protocol_specs().get(str(stated_choice["protocol"]))
    if spec is not None and spec.dilemmas:
        stated_choice["steering"] = ()
    else:
        stated_choice["approaches"] = ()
    for name in ("model", "base_url"):
        stated_choice[name] = str(stated_choice[name] or "").strip()
    for name in ("steering", "approaches", "countries", "languages"):
        stated_choice[name] = tuple(stated_choice[name] or ())
    fields = {name: given for name, given in stated_choice.items() if given is not None}
    for name in ("repeats", "budget"):
        if fields.get(name) == 0:
            del fields[name]
    try:
        return RunChoice.model_validate(fields)
    except ValidationError as error:
        raise ContractError(validation_problems(error, where="the form")) from None
