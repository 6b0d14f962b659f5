"""Whatever a server says, it follows from published figures alone.

Two private releases differ in the answers of a few respondents, so little that their published
tables are the same. Then every address of the server, every function behind a page and every
endpoint has to give the same answer over both, to the byte: nothing that they show can depend on
an exact figure. New routes are covered: the whole table is walked, and an unknown part of a path
fails the test until it has a sample here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.routing import APIRoute
from gradio.context import Context
from made_surveys import make_survey
from starlette.routing import Mount

from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.write import write_predictions
from contracts.release.read import Release, open_release
from dataset_builder.build import build_release
from dataset_builder.options import BuildOptions
from dataset_builder.survey import Survey
from scoring.baselines.distributions import write_baselines
from space.board.public import public_release
from space.board.seed import add_predictions
from space.board.store import open_store
from space.board.survey_answers import People

#: Values for the parts of paths; a route with another part has to get one here.
SAMPLES = {
    "kind": ["csv", "json", "parquet", "distribution", "rating", "advice"],
    "suffix": ["jsonl", "csv"],
    "row_id": ["uniform", "world-average"],
    "name": ["index.html", "data.js", "board.js"],
    "submission_id": ["sub-none"],
    "country": ["DEU", "JPN"],
    "question": ["Q1", "Q46"],
}

#: Arguments of the endpoints for programs; a new one has to get some here. Those that take a file
#: are called with one.
ENDPOINTS: dict[str, list[Any]] = {
    "board": [""],
    "model": ["uniform"],
    "question": ["Q1", "DEU", 7],
    "score": ["uniform", "Q1", "DEU"],
    "dry_run": [],
    "submit": [],
    "status": ["sub-none"],
    "withdraw": ["sub-none", "", ""],
}

#: What pages are asked with.
QUERIES = (
    {},
    {"country": "DEU", "question": "Q1", "wave": "7"},
    {"country": "JPN", "other": "DEU", "question": "Q46", "wave": "7"},
    {"row": "uniform", "country": "DEU", "question": "Q1"},
    {"rows": "uniform,world-average", "row": "world-average"},
)

#: Respondents of whom one gives another answer in the second release.
CHANGED = np.arange(3, 400, 7)

#: Parts of answers that tell of the moment, not of the content.
_PASSING = re.compile(
    r'"(?:duration|average_duration|seconds_up|app_id)": ?[^,}]*'
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?Z?|/tmp/[^\"' ]*"
)


def with_answers(survey: Survey, changes: list[tuple[int, str, int]]) -> Survey:
    """The survey with answers changed: (respondent, question, code)."""
    answers = survey.answers.copy(order="F")
    for respondent, question, code in changes:
        answers[respondent, survey.questions.index(question)] = code
    return replace(survey, answers=answers)


def base_survey() -> Survey:
    """Respondents of three countries, all of weight one; few of them chose some options."""
    survey = make_survey(people=1500, seed=11, synthetic=False)
    survey = replace(survey, weight=np.ones(len(survey)))
    rng = np.random.default_rng(1)
    answers = survey.answers.copy(order="F")
    for question in ("Q1", "Q46"):
        column = survey.questions.index(question)
        answers[:, column] = rng.choice([1, 2, 3], len(survey))
        answers[0, column] = 4  # one respondent of the first country alone
    # Those whose answer is changed answered nothing else: no correlation rests on it.
    others = [place for place, name in enumerate(survey.questions) if name != "Q1"]
    answers[np.ix_(CHANGED, others)] = -1
    return replace(survey, answers=answers)


def published(release: Release) -> list[Any]:
    """What the public view holds of the answers."""
    return [release.protected().table(name) for name in ("distributions", "correlations")]


@pytest.fixture(scope="module")
def releases(tmp_path_factory) -> dict[str, Release]:
    """`first` and `second` have the same published tables, `other` has not."""
    root = tmp_path_factory.mktemp("figures")
    first = base_survey()

    def build(name: str, survey: Survey) -> Release:
        build_release([survey], root / name, BuildOptions(name="survey"), force=True)
        return open_release(root / name)

    found = {"first": build("first", first)}
    table = published(found["first"])
    changes: list[tuple[int, str, int]] = []
    for respondent in CHANGED.tolist():
        # From one option to the one that a single respondent chose ...
        wanted = (respondent, "Q1", 4)
        if published(build("second", with_answers(first, [wanted]))) == table:
            changes.append(wanted)
            break
    assert changes, "no change leaves the published tables as they are"
    # ... and from one kind of missing answer to another.
    column = first.questions.index("Q2")
    missing = np.flatnonzero(first.answers[:500, column] == -1)[:2]
    changes += [(int(respondent), "Q2", -2) for respondent in missing]
    found["second"] = build("second", with_answers(first, changes))
    many = [(respondent, "Q1", 4) for respondent in range(0, 500, 3)]
    found["other"] = build("other", with_answers(first, many))
    return found


def test_the_releases_differ_in_what_is_not_public(releases) -> None:
    first, second, other = (releases[name] for name in ("first", "second", "other"))
    assert not first.table("distributions").equals(second.table("distributions"))
    assert published(first) == published(second)
    assert published(first) != published(other)
    assert public_release(first).digest == public_release(second).digest


def fill(root: Path, release: Release) -> Path:
    """A store with baselines scored on the release as a server scores them."""
    store = open_store(root / "store", create=True)
    shown = public_release(release)
    names = ("uniform", "world-average")
    for written in write_baselines(shown, root / "baselines", names=names):
        assert written.path is not None
        add_predictions(store, written.path, release=shown, row_class="verified")
    for path in store.root.rglob("*"):  # boards say when a row was last updated
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return store.root


def requests_of(server: Any) -> Iterator[str]:
    """Every GET address of the server, with samples for the parts of its path."""
    for route in server.routes:
        if isinstance(route, Mount):
            continue
        assert isinstance(route, APIRoute), f"a route of another kind: {route}"
        assert route.methods == {"GET"}, f"{route.path} takes {route.methods}: add it here"
        paths = [route.path]
        for part in re.findall(r"{(\w+)}", route.path):
            assert part in SAMPLES, f"add a sample for {part!r} of {route.path}"
            paths = [
                path.replace(f"{{{part}}}", value) for path in paths for value in SAMPLES[part]
            ]
        yield from paths


def plain(text: str) -> str:
    return _PASSING.sub("", text)


def walk(client: Any, server: Any, upload: Path) -> dict[str, str]:
    """Every answer of the server, by request."""
    found: dict[str, str] = {}
    pages = client.get("/config").json()["pages"]
    for path in [*requests_of(server), *(f"/{page[0]}" for page in pages)]:
        for query in QUERIES:
            answer = client.get(path, params=query, follow_redirects=False)
            found[f"GET {path} {query}"] = f"{answer.status_code} {answer.content!r}"
    config = client.get("/config").json()
    boxes = {box["id"]: box["props"] for box in config["components"]}
    for one in config["dependencies"]:
        if not one["backend_fn"]:
            continue
        defaults = [boxes[box].get("value") for box in one["inputs"]]
        for query in QUERIES:
            given = [_argument(boxes[box], query) for box in one["inputs"]]
            for data in [defaults, given] if given != defaults else [defaults]:
                call = {"data": data, "fn_index": one["id"], "session_hash": "any"}
                answer = client.post("/gradio_api/run/predict", json=call, params=query)
                found[f"CALL {one['id']} {one['api_name']} {query} {data}"] = answer.text
        if one["api_visibility"] == "public":
            assert one["api_name"] in ENDPOINTS, f"add arguments for {one['api_name']}"
    for name, arguments in ENDPOINTS.items():
        if arguments:
            answer = client.post(f"/gradio_api/run/{name}", json={"data": arguments})
            found[f"endpoint {name}"] = answer.text
    with upload.open("rb") as handle:
        sent = client.post("/gradio_api/upload", files={"files": (upload.name, handle)})
    file = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
    answer = client.post("/gradio_api/run/dry_run", json={"data": [file, None, {}]})
    found["dry run"] = answer.text
    return {request: plain(answer) for request, answer in found.items()}


def _argument(box: dict[str, Any], query: dict[str, str]) -> Any:
    """A value of the query for a box that can hold it."""
    for value in query.values():
        choices = [choice[1] for choice in box.get("choices") or []]
        if value in choices:
            return [value] if box.get("multiselect") else value
        label = str(box.get("label") or "").lower()
        if label and label in query:
            return query[label]
    return box.get("value")


@pytest.fixture(scope="module")
def answers(releases, board_here, tmp_path_factory) -> dict[str, dict[str, str]]:
    """All answers of the servers over the three releases."""
    records = [
        {"question_id": name, "country": country, "shares": {"1": 0.5, "2": 0.3, "3": 0.2}}
        for name in ("Q1", "Q46", "Q2")
        for country in ("", "DEU")
    ]
    upload = tmp_path_factory.mktemp("upload") / "answers.jsonl"
    meta = PredictionsMeta(name="model", model="org/model", method="verbalized")
    write_predictions(upload, records, meta=meta, kind="distribution")
    found = {}
    for name, release in releases.items():
        root = tmp_path_factory.mktemp(name)
        Context.id = 0  # the framework numbers the boxes of all apps of a process
        with board_here(fill(root, release), People(release)) as client:
            found[name] = walk(client, client.app, upload)
    return found


def test_answers_follow_from_published_figures(answers) -> None:
    first, second = answers["first"], answers["second"]
    assert first.keys() == second.keys()
    different = [request for request in first if first[request] != second[request]]
    assert different == []


def test_the_walk_sees_figures_of_respondents(answers) -> None:
    """Where published tables differ, so do endpoints, pages, downloads and scores."""
    first, other = answers["first"], answers["other"]
    different = {request for request in first if first[request] != other.get(request)}
    seen = ("GET /board.json", "GET /download/report/uniform.json", "dry run", "endpoint model")
    for kind in (*seen, "endpoint question", "endpoint score"):
        assert any(request.startswith(kind) for request in different), kind
    pages = {request for request in different if request.startswith("CALL")}
    assert any("Valid answers" in first[request] for request in pages)
    assert any("Everybody&#" in first[request] for request in pages)
    assert '"alignment"' in first["dry run"], first["dry run"][:500]
