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

from codebook import value_questions
from codebook.batteries import batteries
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.write import write_predictions
from contracts.release.read import Release, open_release
from dataset_builder.build import build_release
from dataset_builder.options import BuildOptions
from dataset_builder.survey import Survey
from scoring.baselines.distributions import write_baselines
from space.agents.answers import GivenAnswer
from space.agents.tools import Tools
from space.board.public import public_release
from space.board.seed import add_predictions
from space.board.store import open_store
from space.board.survey_answers import People

#: Values for the parts of paths; a route with another part has to get one here.
SAMPLES = {
    "kind": ["csv", "json", "parquet", "distribution", "rating", "advice"],
    "suffix": ["jsonl", "csv"],
    "row_id": ["uniform", "world-average"],
    "name": ["index.html", "data.js", "board.js", "home", "DEU", "Q1"],
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
    {"country": "DEU", "question": "Q1", "embed": "1"},
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


def fill(root: Path, release: Release, answered: Path) -> Path:
    """A store with baselines and a model scored on the release as a server scores them."""
    store = open_store(root / "store", create=True)
    shown = public_release(release)
    names = ("uniform", "world-average")
    for written in write_baselines(shown, root / "baselines", names=names):
        assert written.path is not None
        add_predictions(store, written.path, release=shown, row_class="verified")
    add_predictions(store, answered, release=shown, row_class="verified", row_id="model")
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


def walk(client: Any, server: Any, uploads: list[Path]) -> dict[str, str]:
    """Every answer of the server, by request."""
    found: dict[str, str] = {}
    pages = client.get("/config").json()["pages"]
    for path in [*requests_of(server), *(f"/{page[0]}" for page in pages)]:
        for query in QUERIES:
            answer = client.get(path, params=query, follow_redirects=False)
            found[f"GET {path} {query}"] = f"{answer.status_code} {answer.content!r}"
    config = client.get("/config").json()
    boxes = {box["id"]: box for box in config["components"]}
    for one in config["dependencies"]:
        if one["api_visibility"] == "public":
            assert one["api_name"] in ENDPOINTS, f"add arguments for {one['api_name']}"
        if one["backend_fn"]:
            inputs = [boxes[box] for box in one["inputs"]]
            name = f"{one['id']} {one['api_name']}"
            for query, data in _arguments(inputs):
                call = {"data": data, "fn_index": one["id"], "session_hash": "any"}
                answer = client.post("/gradio_api/run/predict", json=call, params=query)
                found[f"CALL {name} {query} {data}"] = answer.text
            for upload, data in _with_files(client, inputs, uploads):
                call = {"data": data, "fn_index": one["id"], "session_hash": "any"}
                found[f"FILE {name} {upload}"] = client.post(
                    "/gradio_api/run/predict", json=call
                ).text
    for name, arguments in ENDPOINTS.items():
        if arguments:
            answer = client.post(f"/gradio_api/run/{name}", json={"data": arguments})
            found[f"endpoint {name}"] = answer.text
    return {request: plain(answer) for request, answer in found.items()}


def _arguments(inputs: list[dict[str, Any]]) -> Iterator[tuple[dict[str, str], list[Any]]]:
    """Queries, and what the boxes of a function hold with them: their own values, and given."""
    defaults = [box["props"].get("value") for box in inputs]
    for query in QUERIES:
        given = [_argument(box["props"], query) for box in inputs]
        for data in [defaults, given] if given != defaults else [defaults]:
            yield query, data


def _with_files(
    client: Any, inputs: list[dict[str, Any]], uploads: list[Path]
) -> Iterator[tuple[str, list[Any]]]:
    """What the boxes of a function hold once a file was uploaded into the first that takes one."""
    takes = [place for place, box in enumerate(inputs) if box["type"] == "file"]
    for upload in uploads if takes else []:
        data = [box["props"].get("value") for box in inputs]
        data[takes[0]] = _sent(client, upload)
        yield upload.name, data


def _sent(client: Any, upload: Path) -> dict[str, Any]:
    with upload.open("rb") as handle:
        sent = client.post("/gradio_api/upload", files={"files": (upload.name, handle)})
    return {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}


def agent_answers(store: Path, release: Release) -> dict[str, str]:
    """What the tools for agents tell, by call."""
    tools = Tools(open_store(store), People(release))
    given = GivenAnswer(question="Q1", country="DEU", shares={"1": 0.6, "2": 0.4})
    calls = {
        "board": lambda: tools.board(filters={}),
        "model": lambda: tools.model("uniform"),
        "country": lambda: tools.country("DEU"),
        "question": lambda: tools.question("Q1"),
        "compare": lambda: tools.compare(["uniform", "world-average"]),
        "score": lambda: tools.score([given]),
    }
    # A new tool has to get arguments here.
    assert set(calls) == {name for name in vars(Tools) if not name.startswith("_")}
    return {f"agent {name}": plain(call().model_dump_json()) for name, call in calls.items()}


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


def written_uploads(folder: Path) -> list[Path]:
    """Shares, and synthetic persons who answer a battery."""
    meta = PredictionsMeta(name="model", model="org/model", method="verbalized")
    shares = [
        {"question_id": name, "country": country, "shares": {"1": 0.5, "2": 0.3, "3": 0.2}}
        for name in ("Q1", "Q46", "Q2")
        for country in ("", "DEU")
    ]
    rng = np.random.default_rng(9)
    battery = batteries()["gender"].questions
    persons = [
        {"person_id": person, "country": "DEU", "group": "", "question_id": name,
         "code": int(rng.choice(value_questions()[name].scale.codes))}
        for person in range(60)
        for name in battery
    ]  # fmt: skip
    write_predictions(folder / "answers.jsonl", shares, meta=meta, kind="distribution")
    write_predictions(folder / "persons.jsonl", persons, meta=meta, kind="persons")
    return [folder / "answers.jsonl", folder / "persons.jsonl"]


@pytest.fixture(scope="module")
def answers(releases, board_here, tmp_path_factory) -> dict[str, dict[str, str]]:
    """All answers of the servers over the three releases."""
    uploads = written_uploads(tmp_path_factory.mktemp("upload"))
    found = {}
    for name, release in releases.items():
        root = tmp_path_factory.mktemp(name)
        store = fill(root, release, uploads[0])
        Context.id = 0  # the framework numbers the boxes of all apps of a process
        with board_here(store, People(release)) as client:
            found[name] = walk(client, client.app, uploads)
        found[name] |= agent_answers(store, release)
    return found


def test_answers_follow_from_published_figures(answers) -> None:
    first, second = answers["first"], answers["second"]
    assert first.keys() == second.keys()
    different = [request for request in first if first[request] != second[request]]
    assert different == []


def test_the_walk_reaches_every_route(answers) -> None:
    """No route stands behind the app, which takes all addresses that are left."""
    routes = {request.split()[1] for request in answers["first"] if request.startswith("GET")}
    good = {
        request.split()[1]
        for request, text in answers["first"].items()
        if request.startswith("GET") and re.match(r"20\d|30\d", text)
    }
    ends = {path.rsplit("/", 1)[0] or path for path in routes}
    assert ends == {path.rsplit("/", 1)[0] or path for path in good}


def test_the_walk_sees_figures_of_respondents(answers) -> None:
    """Where published tables differ, so do endpoints, pages, downloads and scores."""
    first, other = answers["first"], answers["other"]
    different = {request for request in first if first[request] != other.get(request)}
    seen = ("GET /board.json", "GET /download/report/uniform.json", "endpoint model")
    seen += ("GET /data/country/DEU.csv", "GET /data/question/Q1.csv", "agent question")
    for kind in (*seen, "agent model", "agent score", "endpoint question", "endpoint score"):
        assert any(request.startswith(kind) for request in different), kind
    pages = {request for request in different if request.startswith("CALL")}
    assert any("Valid answers" in first[request] for request in pages)
    assert any("Everybody&#" in first[request] for request in pages)
    files = {request: text for request, text in first.items() if request.startswith("FILE")}
    for name, score in (("answers.jsonl", '"alignment"'), ("persons.jsonl", '"structure"')):
        (told,) = [files[one] for one in files if one.split()[2:] == ["dry_run", name]]
        assert score in told, told[:500]
    assert any(one.startswith("FILE") and "dry_run answers.jsonl" in one for one in different)
