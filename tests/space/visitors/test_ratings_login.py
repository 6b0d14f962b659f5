"""Ratings on a Space with a private release attached, over HTTP: who may ask, and what they get."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from public_space import SPACE, login_cookie
from toy_people import FIRST_ID, toy_people

from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import write_predictions
from space.intake.attached import PEOPLE_VARIABLE

#: Answers of forty people.
ANSWERS = {"Q1": [1, 2, 3, 4] * 10, "Q46": [1, 2, 2, 3] * 10}


@pytest.fixture(scope="module")
def board(
    sample_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
    board_starting: Callable[..., Any],
) -> Iterator[str]:
    """Address of a board that believes it is a Space."""
    root = tmp_path_factory.mktemp("space")
    shutil.copytree(sample_root, root / "store")
    people = toy_people(root / "people", ANSWERS)
    with pytest.MonkeyPatch.context() as patch:
        for name, text in {**SPACE, PEOPLE_VARIABLE: str(people.root)}.items():
            patch.setenv(name, text)
        with board_starting(root / "store", root / "log.txt") as address:
            yield address


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    """Ratings of all people; the last of each question differ from their answers."""
    records = [
        {"question_id": name, "participant": FIRST_ID + i, "score": min(code, 3)}
        for name, codes in ANSWERS.items()
        for i, code in enumerate(codes)
    ]
    meta = PredictionsMeta(model="ORG/RATER", method="rating", coding="raw")
    return write_predictions(tmp_path / "a.jsonl", records, meta=meta, kind="rating")


def dry_run(board: str, path: Path, account: str, **headers: str) -> dict[str, Any]:
    """A check by the API."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from gradio_client import Client, handle_file
    if account:
        headers["Cookie"] = f"session={login_cookie(account, 'hf_token')}"
    client = Client(board, verbose=False, headers=headers)
    found = client.predict(
        file=handle_file(str(path)), sidecar=None, stated={}, api_name="/dry_run"
    )
    client.close()
    return found


def test_ratings_need_a_login_and_say_nothing_of_single_persons(board, ratings) -> None:
    nobody = dry_run(board, ratings, "")
    assert [problem["code"] for problem in nobody["problems"]] == ["needs-login"]
    found = dry_run(board, ratings, "ann")
    assert found["ok"], found["problems"]
    # 10, 10, 20, 0 against ten each: a quarter over three steps; the other is met throughout.
    questions = found["report"]["questions"]
    assert [one["extra"] for one in questions] == [{"wasserstein": 0.08}, {"wasserstein": 0.0}]
    assert [one["name"] for one in found["report"]["scores"]] == [
        "alignment", "wasserstein", "share_within_0.1", "share_within_0.2",
    ]  # fmt: skip
    assert "accuracy" not in str(found["report"])
