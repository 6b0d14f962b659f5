"""`--allow-unknown`: an option that cannot be read must not vanish from a question's shares."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pytest

from contracts.release.read import Release, open_release
from dataset_builder.build import build_release
from dataset_builder.options import BuildOptions
from dataset_builder.publishing.public import make_public
from dataset_builder.reading import read_survey
from dataset_builder.reading.waves import read_surveys
from dataset_builder.synthesis import synthesize
from dataset_builder.terminal import say_built, say_plan
from dataset_builder.verifying.run import verify_release

PEOPLE = 200


def write_pooled(path: Path) -> Path:
    """Two countries; in Germany Q130 has many unknown codes and Q1 few, in Chile neither has."""
    header = ["A_WAVE", "B_COUNTRY", "S007", *(f"Q{n}" for n in range(1, 60)), "Q130"]
    lines = [",".join(header)]
    for country in (276, 152):
        for number in range(PEOPLE):
            answers = [str(1 + number % 4 % 2)] * 59
            fear = str(1 + number % 4)
            if country == 276:
                answers[0] = "9" if number < 4 else answers[0]
                fear = "Keep them out" if fear == "3" else fear
            person = country * 1_000_000 + 720_000 + number
            lines.append(",".join(["7", str(country), str(person), *answers, fear]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("unknown")
    options = BuildOptions(allow_unknown=True)
    build_release([write_pooled(place / "odd.csv")], place / "release", options)
    return place / "release"


@pytest.fixture(scope="module")
def release(folder: Path) -> Release:
    return open_release(folder)


def rows_of(release: Release, country: str, question: str) -> list[dict[str, object]]:
    table = release.table("distributions")
    here = pc.and_(
        pc.equal(table["country"], country), pc.equal(table["question_id"].cast("string"), question)
    )
    everyone = pc.and_(pc.equal(table["group"], ""), pc.equal(table["split"], "all"))
    return table.filter(pc.and_(here, everyone)).to_pylist()


def test_many_unknown_answers_leave_one_row_without_a_code(release: Release) -> None:
    (row,) = rows_of(release, "DEU", "Q130")
    assert row["code"] is None
    assert row["n_valid"] == 0
    assert row["flag"] == "unknown-codes"
    assert row["missing_count"] == PEOPLE
    table = release.table("distributions")
    flagged = table.filter(pc.equal(table["flag"], "unknown-codes"))
    assert set(flagged["split"].to_pylist()) >= {"all", "train", "test"}
    assert set(flagged["question_id"].to_pylist()) == {"Q130"}
    assert set(flagged["country"].to_pylist()) == {"DEU"}
    assert flagged["code"].null_count == flagged.num_rows


def test_other_countries_keep_the_question(release: Release) -> None:
    assert [row["n"] for row in rows_of(release, "CHL", "Q130")] == [PEOPLE // 4] * 4


def test_no_single_answer_of_the_question_is_left(release: Release) -> None:
    """Neither training rows nor ratings of persons see what is left of the scale."""
    for split in ("train", "validation", "test"):
        table = release.table("responses", split=split)
        here = pc.and_(
            pc.equal(table["country"].cast("string"), "DEU"),
            pc.equal(table["question_id"].cast("string"), "Q130"),
        )
        assert pc.sum(here).as_py() == 0


def test_few_unknown_answers_are_missing_and_noted(release: Release) -> None:
    rows = rows_of(release, "DEU", "Q1")
    assert sum(row["n"] for row in rows) == PEOPLE - 4  # type: ignore[misc]
    assert {row["flag"] for row in rows} == {""}
    (note,) = [n for n in release.manifest.notes if n.startswith("Q1 of wave 7")]
    assert "DEU (2 %)" in note


def test_the_manifest_and_the_summary_name_it(
    release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    (note,) = [n for n in release.manifest.notes if "WITHHELD" in n]
    assert note.startswith("WITHHELD: Q130 of wave 7 has no answers in DEU (25 %)")
    assert release.manifest.notes[0] == note
    say_built(release.manifest, out=Path("release"), json=False)
    assert "WITHHELD: Q130" in capsys.readouterr().out
    plan = {
        "name": "x",
        "counts": {},
        "tables": [],
        "split": {"people": {}, "recipe": "hash"},
        "notes": release.manifest.notes,
    }
    say_plan(plan, out=Path("release"), json=False)
    assert "WITHHELD: Q130" in capsys.readouterr().out
    listed = {(c.variable, c.code, c.count, c.treatment) for c in release.manifest.unlisted_codes}
    assert ("Q130", "Keep them out", PEOPLE // 4, "set missing") in listed


def test_such_a_release_is_verified_and_its_public_face_tells_it(
    folder: Path, release: Release, tmp_path: Path
) -> None:
    assert verify_release(str(folder)).passed
    make_public(release, tmp_path / "public")
    public = open_release(tmp_path / "public")
    (row,) = rows_of(public, "DEU", "Q130")
    assert (row["code"], row["flag"]) == (None, "unknown-codes")
    assert verify_release(str(tmp_path / "public")).passed
    assert any("WITHHELD: Q130" in note for note in public.manifest.notes)


@pytest.mark.parametrize(("odd", "withheld"), [(4, False), (5, True)])
def test_the_bound_is_two_percent_of_the_answers(odd: int, withheld: bool, tmp_path: Path) -> None:
    """Of 200 answers four are just two per cent; those who gave no answer do not count."""
    codes = ["9"] * odd + ["1"] * (PEOPLE - odd) + ["-1"] * 800
    head = ",".join(["B_COUNTRY", *(f"Q{n}" for n in range(1, 60))])
    lines = [head, *(",".join(["276", code, *["1"] * 58]) for code in codes)]
    path = tmp_path / "bound.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    survey = read_survey(path, allow_unknown=True)
    assert survey.withheld("DEU") == (frozenset({"Q1"}) if withheld else frozenset())
    column = survey.answers[:, survey.questions.index("Q1")]
    assert int((column == 1).sum()) == (0 if withheld else PEOPLE - odd)
    assert int((column == -1).sum()) == 800


def test_earlier_waves_are_held_to_the_same(tmp_path: Path) -> None:
    path = tmp_path / "w6.csv"
    synthesize(path, people=300, wave=6)
    table = pa_csv.read_csv(path, parse_options=pa_csv.ParseOptions(delimiter=";"))
    place = table.column_names.index("V4")
    table = table.set_column(place, "V4", [[9] * table.num_rows])
    pa_csv.write_csv(table, path, pa_csv.WriteOptions(delimiter=";"))
    (survey,) = read_surveys(path, allow_unknown=True)
    assert all("Q1" in survey.withheld(country) for country in survey.countries)
    assert (survey.answers[:, survey.questions.index("Q1")] < 0).all()
    assert any(note.startswith("WITHHELD: Q1 of wave 6") for note in survey.notes)
