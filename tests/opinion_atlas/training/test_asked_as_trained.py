"""The prompts of training rows are those that `elicit` sends."""

from __future__ import annotations

import pytest

from contracts.release.read import open_release
from dataset_builder.training.options import TrainingOptions
from dataset_builder.training.write import training_rows
from elicitation.prompts.plan import Plan
from elicitation.study.options import StudyOptions
from elicitation.study.resolve import make_study
