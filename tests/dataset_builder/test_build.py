"""The release that a build writes, against the survey it was made from."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from codebook import question_set, questions, value_questions
from codebook.respondents.harmonised import HARMONISED
from contracts.errors import ContractError
from contracts.release.read import open_release
from contracts.release.tables import INDIVIDUAL_TABLES, REQUIRED_TABLES, ROW_DEMOGRAPHICS, SPLITS
from contracts.release.write import FILTER_COLUMNS
from dataset_builder.build import build_release, plan_release
from dataset_builder.options import BuildOptions
from dataset_builder.splits import hash_split
from dataset_builder.survey import Survey
from dataset_builder.verifying.run import verify_release

Factory = Callable[..., Survey]


def test_responses_are_the_valid_answers_and_nothing_else(
    survey: Survey, release_folder: Path
) -> None:
    release = open_release(release_folder)
    split = hash_split(survey)
    expected: dict[str, set[tuple[int, str, int, int]]] = {name: set() for name in SPLITS}
    for number, question in enumerate(survey.questions):
        scale = value_questions()[question].scale
        assert scale is not None
        for person, code in enumerate(survey.answers[:, number].tolist()):
            if code in scale.codes:
                row = (int(survey.respondent_id[person]), question, code, scale.position(code))
                expected[SPLITS[split[person]]].add(row)
    columns = ["respondent_id", "question_id", "answer_code", "answer_position"]
    for name in SPLITS:
        table = release.table("responses", split=name, columns=columns)
        found = list(zip(*(table[c].to_pylist() for c in columns), strict=True))
        assert len(found) == len(set(found))
        assert set(found) == expected[name]


def test_rows_carry_the_person(survey: Survey, release_folder: Path) -> None:
    table = open_release(release_folder).table("responses", split="test")
    rng = np.random.default_rng(0)
    place = {person: i for i, person in enumerate(survey.respondent_id.tolist())}
    for row in table.take(rng.choice(table.num_rows, 100, replace=False)).to_pylist():
        person = place[row["respondent_id"]]
        assert row["wave"] == 7
        assert row["country"] == survey.countries[survey.country[person]]
        assert row["weight"] == np.float32(survey.weight[person])
        for name in ROW_DEMOGRAPHICS:
            known = HARMONISED[name]
            code = int(survey.demographics[known.variable][person])
            index = known.code_categories.get(code)
            assert row[name] == (None if index is None else known.categories[index])


def test_respondents_hold_the_raw_demographics(survey: Survey, release_folder: Path) -> None:
    table = open_release(release_folder).table("respondents")
    assert table["respondent_id"].to_pylist() == survey.respondent_id.tolist()
    assert table["Q273"].to_pylist() == survey.demographics["Q273"].tolist()
    assert table["weight"].to_pylist() == survey.weight.tolist()
    # Religion, ethnic group and party are given on request only.
    assert not {"Q289", "Q290", "Q223", "religion"} & set(table.column_names)


def test_on_request_demographics(survey: Survey, tmp_path: Path) -> None:
    build_release([survey], tmp_path / "r", BuildOptions(include=("religion", "party")))
    release = open_release(tmp_path / "r")
    respondents = release.table("respondents")
    religions = HARMONISED["religion"].categories
    expected = [religions[c] if c >= 0 else None for c in survey.demographics["Q289"].tolist()]
    assert respondents["religion"].to_pylist() == expected
    assert respondents["Q223"].to_pylist() == survey.demographics["Q223"].tolist()
    assert respondents["party"].null_count == int((survey.demographics["Q223"] < 0).sum())
    assert {"religion", "party"} <= set(release.dataset("responses").schema.names)
    assert "ethnicity" not in release.dataset("responses").schema.names
    assert verify_release(tmp_path / "r").passed


@pytest.mark.parametrize("demographics", ["all", "none"])
def test_what_responses_say_of_the_person(
    survey: Survey, tmp_path: Path, demographics: str
) -> None:
    options = BuildOptions(demographics=demographics)  # type: ignore[arg-type]
    build_release([survey], tmp_path / "r", options)
    names = set(open_release(tmp_path / "r").dataset("responses").schema.names)
    assert ("sex" in names) == (demographics == "all")
    assert ("Q273" in names) == (demographics == "all")
    assert "Q289" not in names
    assert verify_release(tmp_path / "r").passed


def test_the_same_people_give_the_same_release(
    survey: Survey, release_folder: Path, tmp_path: Path
) -> None:
    build_release([survey], tmp_path / "again")
    first = {p.relative_to(release_folder): p.read_bytes() for p in release_folder.rglob("*.*")}
    again = {
        p.relative_to(tmp_path / "again"): p.read_bytes() for p in (tmp_path / "again").rglob("*.*")
    }
    assert first == again


def test_held_out_questions_and_countries(survey: Survey, tmp_path: Path) -> None:
    held = ("Q1", "Q57")
    options = BuildOptions(hold_out_questions=held, hold_out_countries=("JPN",))
    manifest = build_release([survey], tmp_path / "r", options)
    release = open_release(tmp_path / "r")
    for name in ("train", "validation"):
        table = release.table("responses", split=name)
        assert not set(held) & set(table["question_id"].unique().to_pylist())
        assert "JPN" not in table["country"].unique().to_pylist()
    assert set(held) <= set(
        release.table("responses", split="test")["question_id"].unique().to_pylist()
    )
    valid = manifest.counts["answers_valid"]
    assert valid == manifest.tables["responses"].rows + manifest.counts["answers_held_out"]
    assert manifest.counts["answers_held_out"] > 0
    # Aggregates of everyone are none the poorer.
    everyone = release.table(
        "distributions", where=(pc.field("split") == "all") & (pc.field("group") == "")
    )
    assert set(held) <= set(everyone["question_id"].to_pylist())
    assert verify_release(tmp_path / "r").passed


def test_counts_of_the_manifest(survey: Survey, release_folder: Path) -> None:
    counts = open_release(release_folder).manifest.counts
    assert counts["people"] == 600
    assert counts["questions"] == 259
    for code, name in ((-1, "dont_know"), (-2, "no_answer"), (-4, "not_asked"), (-5, "missing")):
        assert counts[f"answers_{name}"] == int((survey.answers == code).sum())
    kinds = [n for key, n in counts.items() if key.startswith("answers_") and "held" not in key]
    assert sum(kinds) == survey.answers.size


def test_answers_off_the_scale_have_no_row(survey: Survey, release_folder: Path) -> None:
    # "Not allowed to vote" (4) is an answer to Q221, yet has no place on its scale.
    codes = survey.answers[:, survey.questions.index("Q221")]
    assert (codes == 4).any()
    release = open_release(release_folder)
    rows = release.table("responses", where=pc.field("question_id") == "Q221")
    assert 4 not in rows["answer_code"].to_pylist()
    cell = release.table(
        "distributions",
        where=(pc.field("question_id") == "Q221")
        & (pc.field("group") == "")
        & (pc.field("split") == "all")
        & (pc.field("position") == 0),
    )
    assert pc.sum(cell["off_scale_count"]).as_py() == int((codes == 4).sum())


def test_examples_of_worldvaluesbench_can_be_counted(survey: Survey, release_folder: Path) -> None:
    """Its questions, less what it blanks: Q111=3, Q221=4, Q222=4, Q254=5 and all negatives."""
    expected = 0
    for question in question_set("worldvaluesbench"):
        codes = survey.answers[:, survey.questions.index(question)]
        blank = {"Q111": 3, "Q221": 4, "Q222": 4, "Q254": 5}.get(question, -1)
        expected += int(((codes >= 0) & (codes != blank)).sum())
    blanked = {
        (question, code)
        for question in question_set("worldvaluesbench")
        for code, to in questions()[question].worldvaluesbench_recode.items()
        if to is None
    }
    rows = open_release(release_folder).table(
        "responses",
        columns=["question_id", "answer_code"],
        where=pc.field("question_id").isin(question_set("worldvaluesbench")),
    )
    counts = rows.group_by(["question_id", "answer_code"]).aggregate([([], "count_all")])
    found = sum(
        row["count_all"]
        for row in counts.to_pylist()
        if (row["question_id"], row["answer_code"]) not in blanked
    )
    assert found == expected


def test_the_probe(survey: Survey, survey_factory: Factory, tmp_path: Path) -> None:
    many = survey_factory(people=4000, names=("DEU", "USA"))
    build_release([many], tmp_path / "r", BuildOptions(seed=5))
    build_release([many], tmp_path / "other", BuildOptions(seed=6))
    release = open_release(tmp_path / "r")
    rows = release.table("probe").to_pylist()
    split = dict(zip(many.respondent_id.tolist(), hash_split(many).tolist(), strict=True))
    assert {SPLITS[split[row["respondent_id"]]] for row in rows} == {"test"}
    cells: dict[tuple[str, ...], set[int]] = {}
    for row in rows:
        key = (row["question_id"], row["continent"], row["settlement"], row["education"])
        cells.setdefault(key, set()).add(row["respondent_id"])
    assert {len(people) for people in cells.values()} == {5}
    # Two continents, two settlements, four levels: all cells are large enough here.
    assert len(cells) == 36 * 2 * 2 * 4
    assert {key[0] for key in cells} == set(question_set("probe"))
    recoded = {row["worldvaluesbench_code"] for row in rows if row["question_id"] == "Q112"}
    assert min(recoded) >= 0
    other = open_release(tmp_path / "other").table("probe")
    assert not other.equals(release.table("probe"))


def test_the_probe_names_each_person_by_an_id_of_their_own(
    survey_factory: Factory, tmp_path: Path
) -> None:
    """As in Uruguay, where all 1,000 people of version 5.0 bear one interview id."""
    many = survey_factory(people=3000, names=("DEU", "URY"))
    ids = many.interview_id.copy()
    ids[many.country == 1] = 858069901
    other = survey_factory(people=3000, names=("USA",), seed=1)
    # Four people of the other file bear ids of the first: they cannot be told apart either.
    twice = other.interview_id.copy()
    twice[:4] = ids[:4]
    surveys = [replace(many, interview_id=ids), replace(other, interview_id=twice)]
    build_release(surveys, tmp_path / "r")
    release = open_release(tmp_path / "r")
    found = set(release.table("probe")["interview_id"].to_pylist())
    everyone = Counter(release.table("respondents")["interview_id"].to_pylist())
    assert found
    assert {name for name in found if everyone[name] > 1} == set()
    assert set(release.table("probe")["country"].to_pylist()) == {"DEU", "USA"}
    assert verify_release(tmp_path / "r").passed


def test_cells_of_five_are_not_drawn_from(survey_factory: Factory) -> None:
    from dataset_builder.tables.probe import draw

    cells = np.array([0] * 5 + [1] * 6 + [2] * 7 + [-1] * 9)
    answered = np.ones(len(cells), bool)
    answered[-11:-9] = False  # two of cell 2: five are left, which is not more than five
    drawn = draw(cells, answered, rng=np.random.default_rng(0))
    assert set(cells[drawn].tolist()) == {1}
    assert len(set(drawn.tolist())) == 5


def test_a_public_release_has_aggregates_alone(survey: Survey, tmp_path: Path) -> None:
    manifest = build_release([survey], tmp_path / "r", BuildOptions(public=True))
    assert set(manifest.tables) == {*REQUIRED_TABLES, "correlations", "tasks"}
    assert not any((tmp_path / "r" / name).exists() for name in INDIVIDUAL_TABLES)
    assert manifest.disclosure.applied
    assert manifest.unlisted_codes == []
    table = open_release(tmp_path / "r").table("distributions")
    coded = table.filter(pc.is_valid(table["code"]))
    assert pc.min(coded["n_valid"]).as_py() >= 30
    assert table["weight_sum"].null_count == table.num_rows
    found = verify_release(tmp_path / "r")
    assert found.passed, found.problems


def test_several_files(survey_factory: Factory, tmp_path: Path) -> None:
    one = survey_factory(people=100, names=("DEU",))
    two = survey_factory(people=80, names=("CHL",), seed=1)
    older = survey_factory(people=60, names=("DEU",), wave=6, seed=2)
    manifest = build_release([one, two, older], tmp_path / "r")
    assert manifest.waves == [6, 7]
    assert manifest.counts["people"] == 240
    countries = open_release(tmp_path / "r").table("countries").to_pylist()
    assert {c["country"]: (c["waves"], c["respondents"]) for c in countries} == {
        "CHL": ([7], [80]),
        "DEU": ([6, 7], [60, 100]),
    }
    found = verify_release(tmp_path / "r")
    assert found.passed, found.problems


def test_a_country_in_two_files_is_refused(survey_factory: Factory, tmp_path: Path) -> None:
    one = survey_factory(people=30, names=("DEU",))
    with pytest.raises(ContractError, match="DEU of wave 7 is in several files"):
        build_release([one, one], tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_an_id_in_two_files_is_refused(survey_factory: Factory, tmp_path: Path) -> None:
    one = survey_factory(people=30, names=("DEU",))
    two = replace(one, countries=("CHL",))
    with pytest.raises(ContractError, match="the same respondent id occurs twice; found 30 times"):
        build_release([one, two], tmp_path / "r")


def test_wrong_options_are_named_together(survey: Survey, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"3 problems[\s\S]*'income'[\s\S]*'Q999'[\s\S]*'ZZZ'"):
        build_release(
            [survey],
            tmp_path / "r",
            BuildOptions(
                include=("income",),
                hold_out_questions=("Q999",),
                hold_out_countries=("ZZZ",),
            ),
        )
    options = BuildOptions(public=True, include=("party",), cells=True)
    with pytest.raises(ContractError, match=r"no demographics of single persons[\s\S]*--cells"):
        build_release([survey], tmp_path / "r", options)
    with pytest.raises(ContractError, match="no file holds country 'FRA'"):
        build_release([survey], tmp_path / "r", BuildOptions(hold_out_countries=("FRA",)))


def test_an_output_that_exists(survey: Survey, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "mine.txt").write_text("keep")
    with pytest.raises(ContractError, match=r"exists already.*--force"):
        build_release([survey], tmp_path / "r")
    assert (tmp_path / "r" / "mine.txt").read_text() == "keep"
    build_release([survey], tmp_path / "r", force=True)
    assert not (tmp_path / "r" / "mine.txt").exists()
    assert verify_release(tmp_path / "r").passed


def test_plan_says_what_a_build_does(survey: Survey, release_folder: Path) -> None:
    plan = plan_release(BuildOptions(), [survey])
    manifest = open_release(release_folder).manifest
    assert plan["counts"] == manifest.counts
    assert plan["split"]["people"] == manifest.split.people
    assert set(plan["tables"]) == set(manifest.tables)


def test_files_are_written_for_streaming(release_folder: Path) -> None:
    path = open_release(release_folder).files("responses", split="train")[0]
    metadata = pq.ParquetFile(path).metadata
    group = metadata.row_group(0)
    assert group.num_rows <= 500_000
    for i in range(group.num_columns):
        assert group.column(i).compression == "ZSTD"
        name = group.column(i).path_in_schema
        assert group.column(i).has_column_index == (name in FILTER_COLUMNS)
        assert group.column(i).has_offset_index


_KILLED = """
import os, sys, threading
sys.path[:0] = [{root!r}, {here!r}]
from made_surveys import make_survey
from dataset_builder.build import build_release
survey = make_survey(people=300)
build_release([survey], sys.argv[1] + "-first")
print("ready", flush=True)
sys.stdin.readline()
build_release([survey], sys.argv[1], force=True)
print("done", flush=True)
"""


def _start(script: str, out: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _go(process: subprocess.Popen[str], kill_after: float | None = None) -> float:
    """Let the build run, to its end or until it is killed; returns the seconds it took."""
    assert process.stdin is not None
    assert process.stdout is not None
    started = time.monotonic()
    process.stdin.write("go\n")
    process.stdin.flush()
    if kill_after is not None:
        time.sleep(kill_after)
        process.kill()
    else:
        process.stdout.readline()
    taken = time.monotonic() - started
    process.communicate()
    return taken


@pytest.mark.slow
@pytest.mark.parametrize("replacing", [False, True])
def test_killed_at_any_point_leaves_no_half_made_release(tmp_path: Path, replacing: bool) -> None:
    tests = Path(__file__).parents[1]
    script = _KILLED.format(root=str(tests.parent), here=str(tests / "support"))
    whole_time = _go(_start(script, tmp_path / "whole"))
    outcomes = set()
    for number, share in enumerate(np.random.default_rng(4).uniform(0.05, 1.0, 4)):
        out = tmp_path / f"r{number}"
        process = _start(script, out)
        if replacing:
            (tmp_path / f"r{number}-first").replace(out)
        _go(process, kill_after=share * whole_time)
        outcomes.add(out.exists())
        # Either there is nothing (or the old release), or a whole one.
        if out.exists():
            found = verify_release(out)
            assert found.passed, found.problems
    assert not replacing or outcomes == {True}
    # What killed builds left behind is hidden, and in nobody's way.
    seen = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".partial-")}
    assert all(verify_release(tmp_path / name).passed for name in seen)


def test_distributions_are_stored_in_little_room(release_folder: Path) -> None:
    release = open_release(release_folder)
    path = release.root / release.manifest.tables["distributions"].files[0].path
    footer = pq.read_metadata(path)
    columns = {footer.schema.column(i).path: i for i in range(footer.num_columns)}
    group = footer.row_group(0)
    for name in ("weight_sum", "weighted_share", "se", "n_eff"):
        assert "BYTE_STREAM_SPLIT" in group.column(columns[name]).encodings
    assert "RLE_DICTIONARY" in group.column(columns["country"]).encodings
    table = pq.read_table(path)
    weights = table["weight_sum"].to_numpy()
    assert (weights == weights.astype("float32")).all()
    steps = table["se"].drop_null().to_numpy().astype(float) * 2**20
    assert (steps == steps.round()).all()
