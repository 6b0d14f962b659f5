"""What an exported study needs to be proposed to a harness: README, licence, checks."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from contracts.specs import protocol_spec
from elicitation.interop.exported import read_about
from elicitation.interop.naming import TAG, group_name
from elicitation.interop.options import Harness
from elicitation.prompts.plan import Plan
from elicitation.run.provenance import package_version

_TEMPLATES = files("elicitation.interop") / "data"


def write_proposal(plan: Plan, folder: Path, names: Sequence[str], harness: Harness) -> None:
    """Write `README.md`, `LICENSE` and `test_tasks.py` beside the folders of the tasks.

    Args:
        plan: the plan of the study.
        folder: the folder that holds a folder of each task.
        names: names of the tasks.
        harness: which harness they are for.
    """
    facts = _facts(plan, folder, names, harness)
    test = "test_lm_eval.py.jinja" if harness == "lm-eval" else "test_inspect.py.jinja"
    for template, name in (
        ("readme.md.jinja", "README.md"),
        ("licence.txt.jinja", "LICENSE"),
        (test, "test_tasks.py"),
    ):
        (folder / name).write_text(_filled(template, facts), encoding="utf-8")


def how_to_run(harness: Harness, folder: Path, name: str, plan: Plan) -> str:
    """The command line that runs a task, or a group of tasks.

    Args:
        harness: which harness.
        folder: folder of the task, or of all.
        name: name of the task or group.
        plan: the plan of the study.
    """
    chat = plan.study.chat
    if harness == "inspect":
        # The harness takes a path from the root only with the name of the task behind it.
        if name == group_name(plan):
            return f"cd {folder} && inspect eval . {_inspect_model(plan)}"
        return f"inspect eval {folder / name}.py@{name} {_inspect_model(plan)}"
    template = " --apply_chat_template" if chat else ""
    return (
        f"lm_eval run --model hf --model_args pretrained=ORG/NAME --include_path {folder} "
        f"--tasks {name} --log_samples --output_path logs{template}"
    )


def _inspect_model(plan: Plan) -> str:
    """The model's provider: plain text needs a completion end point, whole options a server."""
    if not plan.study.chat:
        return "--model vllm-completions/ORG/NAME"
    if plan.study.how.request_kind == "score_options":
        return "--model vllm/ORG/NAME"
    return "--model hf/ORG/NAME -M do_sample=false"


def _facts(plan: Plan, folder: Path, names: Sequence[str], harness: Harness) -> dict[str, Any]:
    study, spec = plan.study, protocol_spec(plan.study.protocol)
    abouts = [(name, read_about(folder / name)) for name in names]
    tasks = [
        {"name": name, "version": about["version"], "asked": about["items"]}
        | {key: about["meta"][key] for key in ("steering", "language")}
        for name, about in abouts
    ]
    shows = any(about["meta"]["steering"] == "few-shot" for _, about in abouts)
    return {
        "title": f"Opinion Atlas: {study.protocol}, {study.method}",
        "protocol": study.protocol,
        "about": spec.about,
        "method": study.method,
        "method_about": study.how.about,
        "version": package_version(),
        "tasks": tasks,
        "group": group_name(plan) if harness == "lm-eval" else "",
        "tags": f"`{TAG}`, `{TAG}_{study.protocol}`",
        "run": how_to_run(harness, Path(), group_name(plan), plan),
        "citations": plan.release.manifest.citations,
        "prompt_version": study.prompt_version,
        "shows_answers": shows,
        "rights": "Prompts show shares of the survey's respondents, see there."
        if shows
        else "No answer of the survey's respondents is in these files.",
    }


def _filled(template: str, facts: dict[str, Any]) -> str:
    from jinja2 import Environment, StrictUndefined

    # What is filled in is Markdown and code, not HTML.
    environment = Environment(
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
        keep_trailing_newline=True,
    )
    text = (_TEMPLATES / template).read_text(encoding="utf-8")
    return environment.from_string(text).render(facts)
