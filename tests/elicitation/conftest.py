"""Shared by the tests of elicitation."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from contracts.release.read import Release, open_release
from elicitation.prompts.plan import Plan
from elicitation.study.options import StudyOptions
from elicitation.study.resolve import make_study

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))


@pytest.fixture(scope="session")
def reference() -> Release:
    """The embedded reference."""
    return open_release("reference")


@pytest.fixture
def plan_of(reference):
    """Makes a plan over the reference from options."""

    def make(*, chat: bool = True, remote: bool = False, **options) -> Plan:
        study = make_study(StudyOptions(**options), reference, chat=chat, remote=remote)
        return Plan(study, reference)

    return make


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    """No key of the machine's own environment is used."""
    for name in ("OPENAI_API_KEY", "OPINION_ATLAS_API_KEY", "HF_TOKEN", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
