"""What `opinion-atlas elicit --robustness` does: a design of forms, and a run for each method.

A run holds one method and one way of thinking, so the forms of a design are asked in one folder
for each; `report robustness` takes the folder that holds them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from rich.console import Console
from rich.table import Table

from contracts.atomic import write_text
from contracts.digests import pretty_json
from contracts.errors import ContractError, fail, unknown_values
from contracts.release.read import Release, open_release
from contracts.specs import protocol_spec
from elicitation.backends.registry import split_model
from elicitation.commands.elicit import ask_telling, exit_code, plan_of, session_json
from elicitation.commands.options import ElicitOptions
from elicitation.commands.robustness_options import RobustnessOptions
from elicitation.commands.terminal import plan_json, say, say_json, say_plan, say_session
from elicitation.prompts.plan import Plan
from elicitation.run.estimate import estimate
from elicitation.run.session import Session
from elicitation.study.conditions import Condition
from elicitation.study.methods import METHODS
from elicitation.study.robustness import (
    EXAMPLES,
    FACTORS,
    LABELS,
    ORDERS,
    PERSONAS,
    THINKING,
    Design,
    Form,
    candidates,
    make_design,
)

#: File of a run's folder that holds its design.
DESIGN_NAME = "robustness.json"

#: Factors that vary unless others are named: those that no model refuses.
USUAL_FACTORS = ("method", "order", "labels", "language", "steering", "persona", "retest")

#: Models on this machine, which give the likelihood of every label.
_SCORED_SCHEMES = ("hf", "mock")

#: Method beside a protocol's own, for models that give likelihoods.
_SECOND_METHOD = "label_likelihood"


class Part(NamedTuple):
    """Forms of one method and one way of thinking: one run.

    Attributes:
        folder: name of its folder.
        options: what is asked.
        forms: its forms.
        conditions: names of their conditions, in the same order.
    """

    folder: str
    options: ElicitOptions
    forms: tuple[Form, ...]
    conditions: tuple[str, ...]


def dry_robustness(
    model: str, options: ElicitOptions, robustness: RobustnessOptions, *, json: bool
) -> None:
    """Show the design and what each part would ask; no model is opened."""
    release = open_release(options.release)
    design, parts = plan_robustness(model, options, robustness, release)
    plans = [plan_of(model, p.options, chat=p.options.prompts != "plain", release=release)
             for p in parts]  # fmt: skip
    estimates = [estimate(plan, limits=options.limits) for plan in plans]
    if json:
        shown = [
            {"folder": part.folder, **plan_json(plan, estimated)}
            for part, plan, estimated in zip(parts, plans, estimates, strict=True)
        ]
        say_json({**design_json(design, parts), "parts": shown})
        return
    say_design(design, parts)
    for part, plan, estimated in zip(parts, plans, estimates, strict=True):
        say(f"\n{part.folder}:")
        say_plan(plan, estimated, part.options.limits)


def ask_robustness(
    model: str, options: ElicitOptions, robustness: RobustnessOptions, out: Path, *, json: bool
) -> int:
    """Print the design, then ask part after part; the highest exit code of them."""
    release = open_release(options.release)
    design, parts = plan_robustness(model, options, robustness, release)
    out.mkdir(parents=True, exist_ok=True)
    _same_design(out, design, parts)
    if not json:
        say_design(design, parts)
    done: list[dict[str, Any]] = []
    code = 0
    for part in parts:
        folder = out / part.folder

        def tell(session: Session, folder: Path = folder) -> None:
            if json:
                done.append({"folder": folder.name, **session_json(session, folder)})
            else:
                say_session(session, model=model, release=options.release)

        session = ask_telling(model, part.options, folder, tell=tell, json=json)
        code = max(code, exit_code(session))
    if json:
        say_json({**design_json(design, parts), "parts": done})
    else:
        say(f"next: opinion-atlas report robustness {out} --out {out}/report")
    return code


def _same_design(out: Path, design: Design, parts: Sequence[Part]) -> None:
    """Note the design in the folder, or check that it is the one of an earlier call.

    Raises:
        ContractError: the folder holds another design.
    """
    path, text = out / DESIGN_NAME, pretty_json(design_json(design, parts))
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise fail(
            "other-design",
            "the folder holds a run with another set of forms",
            where=str(path),
            hint="Repeat the command with the same options, or choose another --out.",
        )
    write_text(path, text)


def plan_robustness(
    model: str, options: ElicitOptions, robustness: RobustnessOptions, release: Release
) -> tuple[Design, list[Part]]:
    """The design that the options ask for, and its runs.

    Raises:
        ContractError: an option is wrong, the forms differ in nothing, or too few calls are
            allowed.
    """
    _check(options, robustness)
    chosen = robustness.factors or USUAL_FACTORS
    levels = factor_levels(model, options, chosen)
    forms = candidates(levels)
    sizes = _sizes(model, options, forms, release)
    design = make_design(
        forms,
        sizes,
        count=robustness.forms,
        max_calls=options.limits.max_calls,
        retest="retest" in chosen,
    )
    return design, list(_parts(options, design))


def _check(options: ElicitOptions, robustness: RobustnessOptions) -> None:
    problems = [unknown_values("--factors", name, FACTORS) for name in robustness.factors
                if name not in FACTORS]  # fmt: skip
    problems += [unknown_values("--method", name, METHODS) for name in _methods_named(options)
                 if name not in METHODS]  # fmt: skip
    if problems:
        raise ContractError(problems, subject="study")
    spec = protocol_spec(options.study.protocol)
    if spec.dilemmas or spec.kind != "distribution":
        raise fail(
            "wrong-protocol",
            "forms are compared by answer distributions",
            column="--protocol",
            found=options.study.protocol,
            allowed="alignment, judgments",
        )
    given = [option for option, is_given in (
        ("--vary", options.study.vary != ("default",)),
        ("--only", bool(options.study.only)),
        ("--shard", options.shard != "1/1"),
    ) if is_given]  # fmt: skip
    if given:
        raise fail(
            "robustness-options",
            "--robustness chooses the forms itself, and asks them on one machine",
            found=", ".join(given),
            hint="Leave these options out, or --robustness.",
        )


def _methods_named(options: ElicitOptions) -> tuple[str, ...]:
    return tuple(name.strip() for name in options.study.method.split(",") if name.strip())


def factor_levels(
    model: str, options: ElicitOptions, chosen: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Levels of every factor; a factor that is not chosen keeps its usual level."""
    study = options.study
    methods = _methods_named(options)
    if not methods:
        own = protocol_spec(study.protocol).method
        second = split_model(model)[0] in _SCORED_SCHEMES and own != _SECOND_METHOD
        methods = (own, *([_SECOND_METHOD] if second else []))
    steering = study.steer or ("none",)
    every = {
        "method": methods,
        "order": ORDERS,
        "labels": _with_first(LABELS, METHODS[methods[0]].labels),
        "language": study.languages,
        "steering": steering,
        "persona": PERSONAS if set(steering) != {"none"} else PERSONAS[:1],
        "thinking": THINKING if "thinking" in chosen else ("",),
        "examples": EXAMPLES,
    }
    return {name: levels if name in chosen else levels[:1] for name, levels in every.items()}


def _with_first(names: Sequence[str], first: str) -> tuple[str, ...]:
    """The names in their order, but for one that comes first: a method's own labels."""
    return tuple(sorted(names, key=lambda name: name != first))


def _options(options: ElicitOptions, method: str, thinking: str) -> ElicitOptions:
    """The options of one part: each order is a form of its own, so none is averaged."""
    scored = METHODS[method].reader == "scores"
    study = replace(options.study, method=method, orders=1 if scored else None)
    backend = options.backend
    if thinking:
        backend = replace(backend, thinking=cast(Literal["on", "off"], thinking))
    return replace(options, study=study, backend=backend)


def _by_part(forms: Sequence[Form]) -> dict[tuple[str, str], list[Form]]:
    forms_by_part: dict[tuple[str, str], list[Form]] = {}
    for form in forms:
        forms_by_part.setdefault((form.method, form.thinking), []).append(form)
    return forms_by_part


def _asked(options: ElicitOptions, forms: Sequence[Form], *, only: bool) -> ElicitOptions:
    """Options that ask these forms of one part, and with `only` no other combination."""
    study = replace(
        options.study,
        steer=tuple(dict.fromkeys(form.steering for form in forms)),
        languages=tuple(dict.fromkeys(form.language for form in forms)),
        vary=tuple(dict.fromkeys(form.variant for form in forms)),
        only=tuple(map(condition_name, forms)) if only else (),
    )
    return replace(options, study=study)


def condition_name(form: Form) -> str:
    """Name of the condition that asks a form."""
    from elicitation.study.conditions import parse_variant

    return Condition(form.steering, form.language, parse_variant(form.variant)).name


def _sizes(
    model: str, options: ElicitOptions, forms: Sequence[Form], release: Release
) -> Mapping[Form, int]:
    """Calls of every candidate."""
    sizes_by_form: dict[Form, int] = {}
    for (method, thinking), some in _by_part(forms).items():
        asked = _asked(_options(options, method, thinking), some, only=True)
        plan: Plan = plan_of(model, asked, chat=options.prompts != "plain", release=release)
        by_name = {condition.name: plan.size(condition) for condition in plan.conditions}
        sizes_by_form |= {form: by_name[condition_name(form)] for form in some}
    return sizes_by_form


def _parts(options: ElicitOptions, design: Design) -> Iterator[Part]:
    sizes = dict(zip(design.forms, design.calls, strict=True))
    for (method, thinking), forms in _by_part(design.forms).items():
        asked = _asked(_options(options, method, thinking), forms, only=True)
        if options.limits.max_calls is not None:
            # Each form fits; what is asked a second time because it cannot be read may not.
            most = sum(sizes[form] for form in forms)
            asked = replace(asked, limits=replace(options.limits, max_calls=most))
        folder = method + (f"-thinking-{thinking}" if thinking else "")
        yield Part(folder, asked, tuple(forms), asked.study.only)


def design_json(design: Design, parts: Sequence[Part]) -> dict[str, Any]:
    """The design as JSON types."""
    where = {form: (part.folder, name) for part in parts
             for form, name in zip(part.forms, part.conditions, strict=True)}  # fmt: skip
    return {
        "calls": sum(design.calls),
        "balance": design.balance,
        "forms": [
            {**form._asdict(), "folder": where[form][0], "condition": where[form][1], "calls": n}
            for form, n in zip(design.forms, design.calls, strict=True)
        ],
    }


def say_design(design: Design, parts: Sequence[Part]) -> None:
    """Print the forms, their calls, and how often each level is asked."""
    shown = design_json(design, parts)
    table = Table("folder", "condition", "calls", box=None, pad_edge=False)
    for form in shown["forms"]:
        table.add_row(form["folder"], form["condition"], f"{form['calls']:,}")
    say(f"{len(design.forms)} forms, {shown['calls']:,} calls:")
    Console(width=200, soft_wrap=True).print(table)
    for factor, levels in design.balance.items():
        say(f"{factor}: " + ", ".join(f"{level} {count}" for level, count in levels.items()))
