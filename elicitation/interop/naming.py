"""Names of exported tasks: what differs between two tasks shows in their names."""

from __future__ import annotations

import re

from elicitation.interop.exported import exported_condition_meta
from elicitation.prompts.plan import Plan

#: Tag of every exported task, by which a harness finds them all.
TAG = "opinion_atlas"


def task_name(plan: Plan, condition_name: str) -> str:
    """Name of a condition's task, fit for a Python function.

    Holds protocol, condition, prompt (method and version) and the start of the wording's digest:
    results of one name were asked in the same words.
    """
    condition = next(c for c in plan.conditions if c.name == condition_name)
    meta = exported_condition_meta(plan, condition)
    parts = ("atlas", meta.protocol, meta.prompt_version, condition_name, _wording(meta.wording,
             meta.wording_digest))  # fmt: skip
    return _plain("_".join(parts))


def group_name(plan: Plan) -> str:
    """Name of the group of all conditions of a study."""
    name = _plain("_".join(("atlas", plan.study.protocol, plan.study.prompt_version)))
    return f"{name}_all"


def _wording(name: str, digest: str) -> str:
    """Short name of a wording: its own, where one language is asked, and its digest's start."""
    return f"{name if '+' not in name else 'several'}_{digest[:6]}"


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
