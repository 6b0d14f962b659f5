"""Ratings as described people: who is described, what is told, what leaves the machine."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from openai_server import MODEL, serving

from codebook import codebook_digest, questions
from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.release.manifest import Manifest, SplitRecipe
from contracts.release.read import Release, open_release
from contracts.release.tables import MAIN_DEMOGRAPHICS, PROBE, RESPONDENTS
from contracts.release.write import write_manifest, write_tables
from elicitation.backends.mock import MockBackend
from elicitation.backends.openai.http import OpenAIBackend
from elicitation.backends.registry import BackendOptions
from elicitation.prompts.plan import Plan
from elicitation.run.session import run_study
from elicitation.study.options import StudyOptions
from elicitation.study.resolve import make_study

#: Interview ids that nothing else in a prompt could contain.
INTERVIEWS = [276071234, 276071235, 392071236, 392071237]


@pytest.fixture(scope="module")
def private(tmp_path_factory) -> Release:
    """A release with four made-up people, two of whom are alike in what may be told."""
    root = tmp_path_factory.mktemp("private")
    facts = {
        "country": ["DEU", "DEU", "JPN", "JPN"],
        "sex": ["female", "male", "female", None],
        "age": ["16-29", "50+", "30-49", "30-49"],
        "education": ["tertiary", "tertiary", "primary or none", "tertiary"],
        "settlement": ["urban", "urban", "rural", "urban"],
    }
    columns = {
        "respondent_id": pa.array(range(4), pa.int32()),
        "interview_id": pa.array(INTERVIEWS, pa.int64()),
        "wave": pa.array([7] * 4, pa.int8()),
        "continent": pa.array(["Europe", "Europe", "Asia", "Asia"]),
        "weight": pa.array(np.ones(4)),
        "cluster": pa.nulls(4, pa.int32()),
        "stratum": pa.nulls(4, pa.int32()),
        "split": pa.array(["test"] * 4),
        **{name: pa.array([None] * 4, pa.string()) for name in MAIN_DEMOGRAPHICS},
        **{name: pa.array(values, pa.string()) for name, values in facts.items()},
    }
    people = pa.table([columns[name] for name in RESPONDENTS.names], schema=RESPONDENTS)
    asked = [("Q1", person) for person in range(4)] + [("Q46", person) for person in (0, 2)]
    rows = [
        {
            "respondent_id": person,
            "interview_id": INTERVIEWS[person],
            "wave": 7,
            **{name: facts[name][person] for name in ("country", "settlement", "education")},
            "question_id": question,
            "answer_code": 1,
            "answer_position": 0,
            "worldvaluesbench_code": 1,
        }
        for question, person in asked
    ]
    tables = write_tables(
        root, {"respondents": people, "probe": pa.Table.from_pylist(rows, schema=PROBE)}
    )
    manifest = Manifest(
        name="made up", release_version="1", builder_version="0", waves=[7], sources=[],
        codebook_digest=codebook_digest(), tables=tables, split=SplitRecipe(recipe="none"),
    )  # fmt: skip
    write_manifest(root, manifest)
    return open_release(root)


def plan_of(release: Release, *, remote: bool = False, allowed: bool = False, **options) -> Plan:
    """A plan over the private release."""
    chosen = StudyOptions(
        protocol="worldvaluesbench", countries=("none",), questions=("Q1", "Q46"), **options
    )
    study = make_study(chosen, release, chat=True, remote=remote, allow_remote_microdata=allowed)
    return Plan(study, release)


def test_everybody_of_the_probe_is_asked_what_they_were_asked(private):
    plan = plan_of(private)
    asked = [(c.item.question_id, c.item.target.participant) for c in plan]
    assert asked == [("Q1", i) for i in INTERVIEWS] + [
        ("Q46", INTERVIEWS[0]),
        ("Q46", INTERVIEWS[2]),
    ]
    assert len(plan) == 6
    assert len(plan_of(private, people=1)) == 2


def test_by_default_only_country_settlement_and_education_are_told(private):
    texts = [c.request.messages[0].content for c in plan_of(private)]
    assert all(text.count("Question:") == 4 for text in texts)
    assert "Germany" in texts[0]
    assert "Urban" in texts[0]
    assert not any("sex" in text.lower() or "female" in text.lower() for text in texts)


def test_more_is_told_to_local_models_only_unless_allowed(private):
    with pytest.raises(ContractError, match="only country, settlement and education"):
        plan_of(private, remote=True, demographics="main")
    with pytest.raises(ContractError, match="only country, settlement and education"):
        plan_of(private, remote=True, on_request=("religion",))
    allowed = plan_of(private, remote=True, allowed=True, demographics="main")
    local = plan_of(private, demographics="main")
    told = [[c.request.messages[0].content for c in plan] for plan in (allowed, local)]
    assert told[0] == told[1]
    assert "female" in told[0][0].lower()


def test_no_id_leaves_the_machine_and_ratings_come_back_to_their_people(private, tmp_path):
    plan = plan_of(private, remote=True)
    with serving() as server:
        session = run_study(
            plan, OpenAIBackend(MODEL, BackendOptions(base_url=server.url)), tmp_path
        )
        sent = json.dumps(server.seen)
    for interview in INTERVIEWS:
        assert str(interview) not in sent
    assert "respondent" not in sent
    # Two Germans are alike in all that is told: one call answers for both.
    assert session.progress.made == 5
    (file,) = session.files
    rows = [json.loads(line) for line in file.path.read_text().splitlines()[1:]]
    assert sorted({row["PARTICIPANT_ID"] for row in rows}) == INTERVIEWS
    assert len(rows) == 6
    found = read_predictions(file.path)
    assert found.meta.coding == "worldvaluesbench"
    assert found.kind == "rating"
    scores = {(r["QUESTION_ID"], r["PARTICIPANT_ID"]): r["SCORE"] for r in rows}
    assert scores["Q1", INTERVIEWS[0]] == scores["Q1", INTERVIEWS[1]]
    assert all(1 <= score <= len(questions()["Q1"].scale.codes) for score in scores.values())


def test_draws_at_random_are_made_for_each_person(private, tmp_path):
    plan = plan_of(private, temperature=0.7)
    session = run_study(plan, MockBackend("steady"), tmp_path)
    assert session.progress.made == len(plan) == 6


def test_only_chosen_countries_are_asked(private):
    chosen = StudyOptions(protocol="worldvaluesbench", countries=("JPN",), questions=("Q1",))
    plan = Plan(make_study(chosen, private, chat=True, remote=False), private)
    assert [c.item.target.country for c in plan] == ["JPN", "JPN"]
