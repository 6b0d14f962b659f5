"""Files as they lie about: saved by Excel, fetched without login, with lines above the names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from contracts.errors import ContractError
from dataset_builder.build import build_release
from dataset_builder.reading import read_survey
from dataset_builder.reading.variables import variable_name

QUESTIONS = [f"Q{n}" for n in range(1, 31)]


def small_table(sep: str = ",") -> str:
    """Twelve Germans with all kinds of answers to thirty questions."""
    lines = [sep.join(["B_COUNTRY", "S007", "W_WEIGHT", *QUESTIONS])]
    weight = "1,25" if sep != "," else "1.25"
    for number in range(12):
        codes = [str((-1, -2, 1, 2)[(number + j) % 4]) for j in range(len(QUESTIONS))]
        lines.append(sep.join(["276", str(276_720_001 + number), weight, *codes]))
    return "\n".join(lines) + "\n"


DRESSES: dict[str, tuple[str, Callable[[str], bytes], str]] = {
    "sep line": (";", lambda t: ("sep=;\n" + t).encode(), "lines above the header"),
    "sep line, BOM, CRLF": (
        ";",
        lambda t: ("\ufeff" + "sep=;\n" + t).replace("\n", "\r\n").encode(),
        "lines above the header",
    ),
    "title": (",", lambda t: ("WVS wave 7: my subset\n" + t).encode(), "lines above the header"),
    "title and a blank line": (
        ";",
        lambda t: ("My file, made in 2024;;;\n\n" + t).encode(),
        "lines above the header",
    ),
    "old Mac": (",", lambda t: t.replace("\n", "\r").encode(), "line ends"),
    "Excel's Unicode text": ("\t", lambda t: t.replace("\n", "\r\n").encode("utf-16"), "encoding"),
    "UTF-16, big end first": (
        ",",
        lambda t: b"\xfe\xff" + t.encode("utf-16-be"),
        "encoding",
    ),
    "no line end at the end": (",", lambda t: t.rstrip("\n").encode(), "separator"),
    "blank lines at the end": (",", lambda t: (t + "\n\n").encode(), "separator"),
    "Windows-1252 title": (
        ";",
        lambda t: ("Geschäftsführung – Daten\n" + t).encode("cp1252"),
        "lines above the header",
    ),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_the_same_answers_however_it_was_saved(dress: str, tmp_path: Path) -> None:
    separator, how, seen = DRESSES[dress]
    plain, odd = tmp_path / "plain.csv", tmp_path / "odd.csv"
    plain.write_text(small_table(), encoding="utf-8")
    odd.write_bytes(how(small_table(separator)))
    expected, found = read_survey(plain), read_survey(odd)
    assert found.answers.tolist() == expected.answers.tolist()
    assert found.weight.tolist() == expected.weight.tolist()
    assert found.respondent_id.tolist() == expected.respondent_id.tolist()
    assert seen in found.source.detected


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Q1. Important in life: family", "Q1"),
        ("Q1 - Important in life: family", "Q1"),
        ("Q1 – Important in life", "Q1"),
        ("Q1 (Important in life)", "Q1"),
        ("Q1[family]", "Q1"),
        ("Q_1", "Q1"),
        ("q_234a", "Q234A"),
        ("Q_1P", "Q1P"),
        ("Q1=family", "Q1"),
        ("b_country", "B_COUNTRY"),
        ("Q1.1", "Q1.1"),
        ("Q1_rec", "Q1_rec"),
        ("Q1-rec", "Q1-rec"),
        ("family (Q1)", "family"),
    ],
)
def test_names_out_of_headers(header: str, name: str) -> None:
    assert variable_name(header) == name


@pytest.mark.parametrize("form", ["{}. label of it", "{} - label of it", "{} (label)"])
def test_headers_with_labels_are_read(form: str, tmp_path: Path) -> None:
    head, _, rest = small_table(";").partition("\n")
    path = tmp_path / "headed.csv"
    path.write_text(";".join(form.format(n) for n in head.split(";")) + "\n" + rest)
    survey = read_survey(path)
    assert list(survey.questions) == QUESTIONS
    assert survey.source.detected["headers"] == "NAME label"


@pytest.mark.parametrize("blank", ["<NA>", "None", "N/A", "NaN", "#N/A", "", " ", "NULL"])
def test_blanks_of_other_programs_are_missing(blank: str, tmp_path: Path) -> None:
    rows = [f"276,{blank},{blank},1,1", "276,2,1,1,1", "276,Rather important,2,1,1"]
    path = tmp_path / "blanks.csv"
    path.write_text("\n".join(["B_COUNTRY,Q1,Q2,Q3,Q289", *rows]) + "\n")
    survey = read_survey(path)
    assert survey.answers[:, 0].tolist() == [-5, 2, 2]
    assert survey.answers[:, 1].tolist() == [-5, 1, 2]


def test_none_is_a_blank_among_codes_and_an_answer_among_labels(tmp_path: Path) -> None:
    """ "None" is no religion in a labelled file, and Python's blank in a file of codes."""
    for cells, codes in ((["None", "5", "1"], [-5, 5, 1]), (["None", "Muslim", "1"], [0, 5, 1])):
        path = tmp_path / "religion.csv"
        lines = ["B_COUNTRY,Q1,Q2,Q3,Q289", *(f"276,1,1,1,{cell}" for cell in cells)]
        path.write_text("\n".join(lines) + "\n")
        assert read_survey(path).demographics["Q289"].tolist() == codes


@pytest.mark.parametrize("name", ["wvs.csv", "wvs.sav", "wvs.dta", "wvs.xlsx", "wvs"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 5\n", "Git LFS pointer"),
        (b"\n<!DOCTYPE html>\n<html><body>Please log in</body></html>", "web page.*login"),
        (b'<html lang="en">' + b" " * 9000, "web page"),
        (b'<?xml version="1.0"?>\n<html xmlns="x">', "web page"),
        (b'<?xml version="1.0"?><Workbook/>', "XML file"),
        (b"%PDF-1.7 codebook", "PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(90), r"old Excel workbook \(\.xls\)"),
        (b'[{"Q1": 1}]', "JSON file"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(90), "7z or RAR archive"),
    ],
)
def test_what_is_no_survey_file_is_named(
    content: bytes, says: str, name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ContractError, match=says) as caught:
        read_survey(path)
    assert caught.value.problems[0].hint


def test_a_title_in_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "titled.xlsx"
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["My subset of the World Values Survey"])
    sheet.append([])
    for number, line in enumerate(small_table().splitlines()):
        cells = line.split(",")
        sheet.append(cells if number == 0 else [float(c) for c in cells])
    book.save(path)
    survey = read_survey(path)
    assert len(survey) == 12
    assert survey.source.detected["lines above the header"] == "2"


def test_polars_and_pandas_write_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "polars.csv"
    frame = pl.read_csv(small_table().encode())
    frame.with_columns(pl.when(pl.col("Q1") == -1).then(None).otherwise(pl.col("Q1")).alias("Q1"))
    frame.write_csv(path, null_value="NA", include_bom=True, separator="\t")
    plain = tmp_path / "plain.csv"
    plain.write_text(small_table())
    assert read_survey(path).answers.tolist() == read_survey(plain).answers.tolist()


@pytest.mark.parametrize("name", ["release[1]", "re*lease", "what?"])
def test_a_release_folder_that_load_dataset_takes_for_a_pattern(name: str, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="takes for a pattern"):
        build_release([tmp_path / "not-even-looked-at.csv"], tmp_path / name)
    assert not (tmp_path / name).exists()
    with pytest.raises(ContractError, match="takes for a pattern"):
        build_release([tmp_path / "x.csv"], tmp_path / "a[b]c" / "release")
