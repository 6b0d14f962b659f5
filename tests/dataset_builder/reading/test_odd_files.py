"""Files with something odd about them: read to equal answers, or refused with all that is wrong."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from contracts.errors import ContractError
from dataset_builder.reading.labels import code_of_label
from dataset_builder.reading.variables import variable_name
from dataset_builder.reading.waves import read_surveys
from dataset_builder.survey import Survey

NAMES = ["version", "A_WAVE", "B_COUNTRY", "S007", "W_WEIGHT", "Q1", "Q2", "Q46"]
#: Three Germans and a Chilean.
PEOPLE: list[list[object]] = [
    ["7", 7, 276, 276070001, 1.25, 1, 2, 3],
    ["7", 7, 276, 276070002, 0.75, 4, -1, 1],
    ["7", 7, 276, 276070003, 1, -2, 3, 2],
    ["7", 7, 152, 152070001, 1, 2, 2, -4],
]
ANSWERS = [[1, 2, 3], [4, -1, 1], [-2, 3, 2], [2, 2, -4]]


def text(rows: Sequence[Sequence[object]], *, sep: str = ",") -> str:
    return "".join(sep.join("" if c is None else str(c) for c in row) + "\n" for row in rows)


def saved(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def workbook(path: Path, **sheets: Sequence[Sequence[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def both(folder: Path, rows: Sequence[Sequence[object]]) -> tuple[Path, Path]:
    """The rows as delimited text and as a workbook."""
    return saved(folder / "rows.csv", text(rows)), workbook(folder / "rows.xlsx", data=rows)


def read(path: Path, **options: bool) -> Survey:
    (survey,) = read_surveys(path, **options)
    return survey


def refusal(path: Path) -> ContractError:
    with pytest.raises(ContractError, match=r"\[") as caught:
        read_surveys(path)
    return caught.value


BLANK: list[object] = [None] * len(NAMES)


@pytest.mark.parametrize(
    "rows",
    [
        [NAMES, *PEOPLE, BLANK, BLANK],
        [NAMES, *PEOPLE[:2], BLANK, *PEOPLE[2:]],
        [NAMES, *PEOPLE, ["Total", *BLANK[1:]]],
    ],
    ids=["blank rows below", "a blank row between", "a total"],
)
def test_rows_that_hold_nobody_are_passed_over(rows: list[list[object]], tmp_path: Path) -> None:
    for path in (
        saved(tmp_path / "rows.csv", text(rows)),
        workbook(tmp_path / "r.xlsx", data=rows),
    ):
        survey = read(path)
        assert survey.answers.tolist() == ANSWERS
        assert survey.weight.tolist() == [1.25, 0.75, 1, 1]
    assert (
        read(tmp_path / "rows.csv").notes[0].startswith(f"{len(rows) - 5} rows without a country")
    )


def test_blank_rows_in_files_of_earlier_waves(tmp_path: Path) -> None:
    rows = [["V1", "V2", "V4"], [6, 276, 1], [None] * 3, [6, 276, 2], [None] * 3]
    survey = read(saved(tmp_path / "w6.csv", text(rows)))
    assert (survey.wave, survey.answers[:, 0].tolist()) == (6, [1, 2])
    assert any("2 rows without a country" in note for note in survey.notes)


@pytest.mark.parametrize(
    ("rows", "row", "says"),
    [
        ([NAMES, *PEOPLE, NAMES, *PEOPLE], 6, "names of the columns once more"),
        ([NAMES, [f"What {name} is" for name in NAMES], *PEOPLE], 2, "description of each column"),
    ],
)
def test_names_among_the_people(
    rows: list[list[object]], row: int, says: str, tmp_path: Path
) -> None:
    for path in (
        saved(tmp_path / "rows.csv", text(rows)),
        workbook(tmp_path / "r.xlsx", data=rows),
    ):
        (problem,) = refusal(path).problems
        assert (problem.code, problem.row) == ("row-of-names", row)
        assert says in problem.message


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    wrong = [
        ["7", 6, 276, 1, 1, 1, 1, 1],
        ["7", 7, None, 2, 1, 1, 1, 1],
        ["7", 7, 276, 3, "heavy", 1, 1, 1],
        ["7", 7, 276, 4, -2, 9, 1, 1],
        ["7", 7, 152, 5, 1, 9, 1, 1],
        ["7", 7, "Atlantis", 6, 1, 1, "Sehr wichtig", 1],
    ]
    problems = refusal(saved(tmp_path / "wrong.csv", text([NAMES, *wrong]))).problems
    assert [(p.code, p.column, p.found, p.count) for p in problems] == [
        ("wrong-wave", "A_WAVE", "6", 1),
        ("no-country", "B_COUNTRY", "blank", 1),
        ("bad-weight", "W_WEIGHT", "heavy, -2", 2),
        ("unknown-code", "B_COUNTRY", "Atlantis", 1),
        ("unknown-code", "Q1", "9", 2),
        ("unknown-code", "Q2", "Sehr wichtig", 1),
    ]
    assert [p.row for p in problems[:3]] == [2, 3, 4]
    assert "CHL 1, DEU 1" in problems[4].message


@pytest.mark.parametrize(
    ("cells", "code", "found"),
    [(["Deutschland", 1], "unknown-code", "Deutschland"), ([None, 1], "no-country", "blank")],
)
def test_a_country_that_is_no_code_is_never_left_out(
    cells: list[object], code: str, found: str, tmp_path: Path
) -> None:
    """In files of waves 5 and 6 such people used to be dropped with a note."""
    rows = [["V1", "V2", "V4"], [6, 276, 1], [6, *cells]]
    (problem,) = refusal(saved(tmp_path / "w6.csv", text(rows))).problems
    assert (problem.code, problem.column, problem.found) == (code, "V2", found)


def test_a_weight_and_a_code_of_an_earlier_wave_at_once(tmp_path: Path) -> None:
    rows = [["V1", "V2", "V258", "V4"], [6, 276, None, 1], [6, 276, 1, 77]]
    problems = refusal(saved(tmp_path / "w6.csv", text(rows))).problems
    assert [(p.code, p.column) for p in problems] == [
        ("bad-weight", "V258"),
        ("unknown-code", "V4 (asks Q1)"),
    ]


# Names of columns


def test_a_title_that_names_questions(tmp_path: Path) -> None:
    title = "Subset of Q1, Q2 and Q46 by B_COUNTRY\n"
    survey = read(saved(tmp_path / "title.csv", title + text([NAMES, *PEOPLE])))
    assert survey.answers.tolist() == ANSWERS
    rows = [["Q1 and Q2", "B_COUNTRY"], NAMES, *PEOPLE]
    assert read(workbook(tmp_path / "t.xlsx", data=rows)).answers.tolist() == ANSWERS


@pytest.mark.parametrize("header", ["Q001", "q01", "Q_1", "Q1. Family", "Q1\nFamily", " Q1 "])
def test_further_forms_of_a_name(header: str) -> None:
    assert variable_name(header) == "Q1"


@pytest.mark.parametrize("header", ["q2_friends", "Q2a", "Q2_W7", "[Q2] Friends", "Q2..Friends"])
def test_a_column_that_is_almost_a_question_is_named(header: str, tmp_path: Path) -> None:
    names = [header if name == "Q2" else name for name in NAMES]
    survey = read(saved(tmp_path / "almost.csv", text([names, *PEOPLE])))
    assert survey.questions == ("Q1", "Q46")
    assert any(f"Columns {header} are not read" in note for note in survey.notes)
    only = text([["B_COUNTRY", header], [276, 1]])
    (problem,) = refusal(saved(tmp_path / "only.csv", only)).problems
    assert f"Rename columns such as {header!r}" in problem.hint


def test_the_surveys_own_further_columns_are_not_named(tmp_path: Path) -> None:
    names = ["B_COUNTRY", "Q82", "Q82_EU", "Q94", "Q94R", "Q276A"]
    survey = read(saved(tmp_path / "own.csv", text([names, [276, 1, 1, 0, 0, 3]])))
    assert not [note for note in survey.notes if "not read" in note]


def test_r_write_table_separates_by_spaces(tmp_path: Path) -> None:
    rows = [[f'"{name}"' for name in NAMES], *([f'"{n}"', *r] for n, r in enumerate(PEOPLE, 1))]
    survey = read(saved(tmp_path / "table.txt", text(rows, sep=" ")))
    assert survey.answers.tolist() == ANSWERS
    assert survey.source.detected["separator"] == "space"


@pytest.mark.parametrize("name", ["country", "B.COUNTRY", "iso3"])
def test_a_country_by_another_name_is_pointed_at(name: str, tmp_path: Path) -> None:
    questions = [f"Q{n}" for n in range(1, 30)]
    path = saved(tmp_path / "c.csv", text([[name, *questions], [276, *[1] * 29]]))
    (problem,) = refusal(path).problems
    assert problem.code == "no-country"
    assert f"rename {name}?" in problem.hint


# Workbooks and archives


def test_the_sheet_with_most_variables_is_read(tmp_path: Path) -> None:
    about = [["Codebook of Q1", "B_COUNTRY"], ["Q2", "Friends"]]
    survey = read(workbook(tmp_path / "two.xlsx", About=about, Data=[NAMES, *PEOPLE]))
    assert survey.answers.tolist() == ANSWERS


def test_a_sheet_for_each_country_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "s.xlsx", DEU=[NAMES, *PEOPLE[:3]], CHL=[NAMES, PEOPLE[3]])
    (problem,) = refusal(path).problems
    assert (problem.code, problem.found) == ("several-sheets", "DEU, CHL")


def test_a_read_me_beside_the_file_in_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        archive.writestr("survey.csv", text([NAMES, *PEOPLE]))
        archive.writestr("README.txt", "World Values Survey")
    assert read(tmp_path / "s.zip").answers.tolist() == ANSWERS


def tar_of(content: bytes) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        about = tarfile.TarInfo("survey.csv")
        about.size = len(content)
        archive.addfile(about, io.BytesIO(content))
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xef\xbb\xbf \r\n<HTML><body>login</body></HTML>", "a web page"),
        (b"<script>location='/login'</script>", "a web page"),
        (tar_of(b"Q1\n1\n"), "a tar archive"),
        (b"/annex/objects/SHA256E-s12--0a1b.csv\n", "a git-annex pointer"),
    ],
)
def test_what_lies_there_instead(content: bytes, says: str, tmp_path: Path) -> None:
    (problem,) = refusal(saved(tmp_path / "survey.csv", content)).problems
    assert (problem.code, says in problem.message) == ("not-a-survey-file", True)


def test_a_folder_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "parts.parquet").mkdir()
    assert "is a folder" in str(refusal(tmp_path / "parts.parquet"))


def test_a_stream_of_arrow_is_read(tmp_path: Path) -> None:
    frame = pl.DataFrame(PEOPLE, schema=NAMES, orient="row", strict=False)
    frame.write_ipc_stream(tmp_path / "s.arrow")
    assert read(tmp_path / "s.arrow").answers.tolist() == ANSWERS


@pytest.mark.parametrize("entries", [[[1], [2]], [{"a": 1}, {"a": 2}]])
def test_a_column_of_lists_is_named(entries: list[object], tmp_path: Path) -> None:
    table = pa.table({"B_COUNTRY": [276, 276], "Q1": entries})
    pq.write_table(table, tmp_path / "lists.parquet")
    (problem,) = refusal(tmp_path / "lists.parquet").problems
    assert (problem.code, problem.column) == ("column-type", "Q1")


# Labels and codes


@pytest.mark.parametrize(
    ("question", "label", "code"),
    [
        ("Q1", "“Very important”", 1),
        ("Q1", "Very important\u200b", 1),
        ("Q1", "Very important (1)", 1),
        ("Q1", "Very important [1]", 1),
        ("Q1", "Very important (2)", None),
        ("Q108", "People should take more responsibility to provide for th…", 10),
        ("Q130", "Place strict limits on the number of foreign", 3),
        ("B_COUNTRY", "Korea, Republic of", 410),
        ("B_COUNTRY", "Bolivia (Plurinational State of)", 68),
        ("B_COUNTRY", "UK", 826),
    ],
)
def test_labels_in_further_dress(question: str, label: str, code: int | None) -> None:
    assert code_of_label(question, label) == code


@pytest.mark.parametrize(
    ("cell", "code"), [("'1", 1), ('"""1"""', 1), ("\u22121", -1), (".a", -1), (".d", -4)]
)
def test_codes_in_further_dress(cell: str, code: int, tmp_path: Path) -> None:
    path = saved(tmp_path / "one.csv", f"B_COUNTRY,Q1\n276,{cell}\n276,2\n")
    assert read(path).answers[:, 0].tolist() == [code, 2]


def test_a_date_in_seconds_is_no_reason_to_refuse_a_file(tmp_path: Path) -> None:
    """Dates of interview are numbers (20180101) as the survey ships them; programs make dates."""
    frame = pd.DataFrame({"B_COUNTRY": [276], "Q1": [1], "J_INTDATE": [pd.Timestamp("2018-01-01")]})
    pyreadstat.write_sav(frame, str(tmp_path / "dates.sav"))
    survey = read(tmp_path / "dates.sav")
    assert survey.demographics["J_INTDATE"].tolist() == [-5]
    assert [c.treatment for c in survey.unlisted if c.variable == "J_INTDATE"] == ["set missing"]


def test_a_recoded_column_is_pointed_at(tmp_path: Path) -> None:
    """Codes 1 and 2 of a scale of four, with labels of the user's own: read, but not in silence."""
    frame = pd.DataFrame({"B_COUNTRY": [276, 276], "Q1": [1, 2], "Q2": [1, 2]})
    labels = {"Q1": {1: "matters", 2: "does not matter"}, "Q2": {1: "Very important"}}
    pyreadstat.write_sav(frame, str(tmp_path / "own.sav"), variable_value_labels=labels)  # type: ignore[arg-type]
    survey = read(tmp_path / "own.sav")
    (note,) = [note for note in survey.notes if "labels are known" in note]
    assert "Q1 (1 = 'matters')" in note
    assert "Q2" not in note


# Counts under --allow-unknown, by a count of their own


@pytest.mark.parametrize(("unknown", "withheld"), [(19, False), (20, False), (21, True)])
def test_two_percent_of_the_answers(unknown: int, withheld: bool, tmp_path: Path) -> None:
    """1,000 answers of Germans, `unknown` of them a code 9; fifty more did not answer."""
    codes = [9] * unknown + [1 + n % 4 for n in range(1000 - unknown)] + [-2] * 50
    frame = pd.DataFrame({"B_COUNTRY": 276, "Q1": codes, "Q2": 1})
    frame.to_csv(tmp_path / "unknown.csv", index=False)
    survey = read(tmp_path / "unknown.csv", allow_unknown=True)
    found = dict(zip(*np.unique(survey.answers[:, 0], return_counts=True), strict=True))
    counts = frame["Q1"].value_counts()
    expected = {-2: 50, -5: 1000} if withheld else {-2: 50, -5: unknown}
    if not withheld:
        expected |= {code: int(counts[code]) for code in (1, 2, 3, 4)}
    assert found == expected
    assert any(n.startswith("WITHHELD: Q1") for n in survey.notes) == withheld
