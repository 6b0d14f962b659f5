"""The same survey in every format and dress gives the same answers."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyreadstat
import pytest

from codebook import value_questions
from codebook.respondents.demographics import demographics
from dataset_builder.reading import read_survey
from dataset_builder.survey import Survey
from dataset_builder.synthesis import synthesize

PEOPLE = 400


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reading") / "pooled.csv"
    synthesize(path, people=PEOPLE, seed=5)
    return path


@pytest.fixture(scope="module")
def table(source: Path) -> pl.DataFrame:
    return pl.read_csv(source, infer_schema_length=None)


@pytest.fixture(scope="module")
def expected(source: Path) -> Survey:
    return read_survey(source)


def assert_same(found: Survey, expected: Survey) -> None:
    assert found.questions == expected.questions
    assert found.countries == expected.countries
    np.testing.assert_array_equal(found.answers, expected.answers)
    np.testing.assert_array_equal(found.respondent_id, expected.respondent_id)
    np.testing.assert_array_equal(found.interview_id, expected.interview_id)
    np.testing.assert_array_equal(found.country, expected.country)
    np.testing.assert_allclose(found.weight, expected.weight, rtol=1e-12)
    assert set(found.demographics) == set(expected.demographics)
    for variable, codes in expected.demographics.items():
        np.testing.assert_array_equal(found.demographics[variable], codes, err_msg=variable)
    assert found.unlisted == expected.unlisted


def test_reads_the_plain_file(table: pl.DataFrame, expected: Survey) -> None:
    assert len(expected) == PEOPLE
    assert expected.questions == tuple(value_questions())
    assert set(expected.demographics) == {*demographics(), "Q223"}
    for question in ("Q1", "Q119", "Q153", "Q234A", "Q259"):
        column = expected.answers[:, expected.questions.index(question)]
        np.testing.assert_array_equal(column, table[question].to_numpy())
    for variable in ("Q262", "J_INTDATE", "Q290"):
        np.testing.assert_array_equal(expected.demographics[variable], table[variable].to_numpy())
    np.testing.assert_array_equal(expected.respondent_id, table["S007"].to_numpy())
    np.testing.assert_array_equal(expected.weight, table["W_WEIGHT"].to_numpy())
    countries = np.array(expected.countries)[expected.country]
    np.testing.assert_array_equal(countries, table["B_COUNTRY_ALPHA"].to_numpy())
    np.testing.assert_array_equal(expected.row_number, np.arange(PEOPLE))


def test_types_are_those_promised(expected: Survey) -> None:
    assert expected.answers.dtype == np.int8
    assert expected.answers.flags.f_contiguous
    assert expected.respondent_id.dtype == np.int32
    assert expected.interview_id.dtype == np.int64
    assert expected.country.dtype == np.int16
    assert expected.weight.dtype == np.float64
    assert {a.dtype for a in expected.demographics.values()} == {np.dtype(np.int32)}


def _semicolon(table: pl.DataFrame, path: Path) -> None:
    table.write_csv(path, separator=";")


def _semicolon_decimal_comma(table: pl.DataFrame, path: Path) -> None:
    weights = pl.col("W_WEIGHT").cast(pl.String).str.replace(".", ",", literal=True)
    table.with_columns(weights).write_csv(path, separator=";")


def _tab_with_mark(table: pl.DataFrame, path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + table.write_csv(separator="\t").encode())


def _windows_lines(table: pl.DataFrame, path: Path) -> None:
    table.write_csv(path, line_terminator="\r\n")


def _quoted(table: pl.DataFrame, path: Path) -> None:
    table.write_csv(path, quote_style="always")


def _colon_headers(table: pl.DataFrame, path: Path) -> None:
    table.rename(lambda name: f"{name}: A label, with a comma").write_csv(path)


def _space_headers(table: pl.DataFrame, path: Path) -> None:
    table.rename(lambda name: f"{name} A label").write_csv(path)


def _lower_case(table: pl.DataFrame, path: Path) -> None:
    table.rename(str.lower).write_csv(path)


def _floats(table: pl.DataFrame, path: Path) -> None:
    numbers = [n for n, kind in table.schema.items() if kind == pl.Int64]
    table.with_columns(pl.col(numbers).cast(pl.Float64)).write_csv(path)


def _pandas(table: pl.DataFrame, path: Path) -> None:
    """A pandas round trip: a column of row numbers, and floats."""
    numbers = [n for n, kind in table.schema.items() if kind == pl.Int64]
    frame = table.with_columns(pl.col(numbers).cast(pl.Float64))
    frame.with_row_index("").write_csv(path)


def _windows_1252(table: pl.DataFrame, path: Path) -> None:
    text = table.with_columns(pl.lit("Partido Ñandú").alias("Partyname")).write_csv()
    path.write_bytes(text.encode("cp1252"))


DRESSES: dict[str, tuple[Callable[[pl.DataFrame, Path], None], dict[str, str]]] = {
    "semicolon": (_semicolon, {"separator": "semicolon"}),
    "decimal comma": (_semicolon_decimal_comma, {"separator": "semicolon"}),
    "tab and mark": (_tab_with_mark, {"separator": "tab", "byte order mark": "yes"}),
    "windows lines": (_windows_lines, {"separator": "comma"}),
    "quoted": (_quoted, {"headers": "NAME"}),
    "NAME: label": (_colon_headers, {"headers": "NAME: label"}),
    "NAME label": (_space_headers, {"headers": "NAME label"}),
    "lower case": (_lower_case, {"headers": "NAME"}),
    "floats": (_floats, {"numbers": "with decimals (-3.0)"}),
    "pandas": (_pandas, {"numbers": "with decimals (-3.0)", "columns": "607"}),
    "windows 1252": (_windows_1252, {"encoding": "windows-1252"}),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_csv_dresses(dress: str, table: pl.DataFrame, expected: Survey, tmp_path: Path) -> None:
    write, detected = DRESSES[dress]
    path = tmp_path / "dressed.csv"
    write(table, path)
    found = read_survey(path)
    assert_same(found, expected)
    assert detected.items() <= found.source.detected.items()


def test_sav_keeps_user_missing_codes(expected: Survey, tmp_path: Path) -> None:
    path = tmp_path / "pooled.sav"
    synthesize(path, people=PEOPLE, seed=5)
    meta = pyreadstat.read_sav(path, metadataonly=True, user_missing=True)[1]
    assert meta.missing_ranges["Q1"] == [{"lo": -5.0, "hi": -1.0}]
    found = read_survey(path)
    assert_same(found, expected)
    assert found.source.detected["format"] == "SPSS (.sav)"
    assert {-1, -2, -4} <= set(np.unique(found.answers).tolist())


def test_dta(table: pl.DataFrame, expected: Survey, tmp_path: Path) -> None:
    path = tmp_path / "pooled.dta"
    blank = [n for n in table.columns if table[n].null_count() == PEOPLE]
    pyreadstat.write_dta(table.drop(blank), path, version=15)
    found = read_survey(path)
    assert_same(found, expected)
    assert found.source.detected["format"] == "Stata (.dta)"


def test_dta_letters_are_kinds_of_missing(
    table: pl.DataFrame, expected: Survey, tmp_path: Path
) -> None:
    """Stata's .a to .e stand for -1 to -5, in this order, unless a label says otherwise."""
    path = tmp_path / "letters.dta"
    letters = {-1: "a", -2: "b", -3: "c", -4: "d", -5: "e"}
    names = ["S007", "D_INTERVIEW", "A_WAVE", "B_COUNTRY", "W_WEIGHT", *expected.questions]
    frame = table.select(names).to_pandas()
    for question in expected.questions:
        column = frame[question].astype(object)
        frame[question] = [letters.get(code, float(code)) for code in column]
    pyreadstat.write_dta(
        frame,
        path,
        version=15,
        missing_user_values={q: list("abcde") for q in expected.questions},
    )
    np.testing.assert_array_equal(read_survey(path).answers, expected.answers)


def test_xlsx(table: pl.DataFrame, tmp_path: Path) -> None:
    few = table.head(90)
    few.to_pandas().to_excel(tmp_path / "pooled.xlsx", index=False)
    few.write_csv(tmp_path / "pooled.csv")
    found = read_survey(tmp_path / "pooled.xlsx")
    assert_same(found, read_survey(tmp_path / "pooled.csv"))
    assert found.source.detected["format"] == "Excel (.xlsx)"


@pytest.mark.parametrize("inner", ["pooled.csv", "folder/pooled.sav"])
def test_zip(inner: str, source: Path, expected: Survey, tmp_path: Path) -> None:
    path = tmp_path / "download.zip"
    survey = source
    if inner.endswith(".sav"):
        survey = tmp_path / "pooled.sav"
        synthesize(survey, people=PEOPLE, seed=5)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(survey, inner)
        archive.writestr("read me.pdf", "%PDF")
        archive.writestr("__MACOSX/pooled.csv", "rubbish")
    found = read_survey(path)
    assert_same(found, expected)
    assert found.source.name == "download.zip"
    assert found.source.detected["archive"] == "zip"


def test_blocks_do_not_show(
    source: Path, expected: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small the chunks, the survey is the same."""
    monkeypatch.setattr("dataset_builder.reading.formats.text_stream.CHUNK_BYTES", 20_000)
    assert_same(read_survey(source), expected)


def test_progress_rises_to_the_total(source: Path) -> None:
    seen: list[tuple[int, int]] = []
    read_survey(source, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (source.stat().st_size, source.stat().st_size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_single_country_file_without_optional_columns(
    table: pl.DataFrame, expected: Survey, tmp_path: Path
) -> None:
    """A country file may lack A_WAVE, S007, weights, version and many questions."""
    chile = table.filter(pl.col("B_COUNTRY_ALPHA") == "CHL")
    kept = ["D_INTERVIEW", "B_COUNTRY", *(f"Q{n}" for n in range(1, 42)), "Q260", "Q262"]
    path = tmp_path / "chile.csv"
    chile.select(kept).write_csv(path)
    found = read_survey(path)
    assert found.countries == ("CHL",)
    assert found.questions == tuple(f"Q{n}" for n in range(1, 42))
    assert set(found.demographics) == {"B_COUNTRY", "Q260", "Q262"}
    np.testing.assert_array_equal(found.respondent_id, chile["D_INTERVIEW"].to_numpy())
    np.testing.assert_array_equal(found.weight, np.ones(len(chile)))
    assert found.source.detected["respondent ids"] == "D_INTERVIEW"
    assert any("no design weight" in note for note in found.notes)
    assert found.synthetic is None


def test_alpha_code_serves_where_the_number_is_lacking(
    table: pl.DataFrame, expected: Survey, tmp_path: Path
) -> None:
    path = tmp_path / "alpha.csv"
    table.drop("B_COUNTRY").write_csv(path)
    found = read_survey(path)
    assert found.countries == expected.countries
    assert "NIR" in found.countries
    np.testing.assert_array_equal(found.country, expected.country)


@pytest.mark.parametrize("name", ["S017", "V258", "V259"])
def test_weight_goes_by_several_names(
    name: str, table: pl.DataFrame, expected: Survey, tmp_path: Path
) -> None:
    path = tmp_path / "weights.csv"
    table.rename({"W_WEIGHT": name}).write_csv(path)
    found = read_survey(path)
    np.testing.assert_array_equal(found.weight, expected.weight)
    assert found.source.detected["weight"] == name


def test_synthetic_is_never_mistaken(source: Path, expected: Survey, tmp_path: Path) -> None:
    assert expected.synthetic is not None
    assert expected.synthetic.seed == 5
    assert "CAN" in expected.synthetic.borrowed_countries
    assert "SYNTHETIC" in expected.source.survey
    lonely = tmp_path / "lonely.csv"
    lonely.write_bytes(source.read_bytes())
    found = read_survey(lonely)
    assert found.synthetic is not None
    assert "unknown" in found.synthetic.note


@pytest.mark.parametrize("dropped", [["version"], ["doi"], ["version", "doi"]])
def test_a_lost_column_does_not_make_people_real(
    dropped: list[str], source: Path, table: pl.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "lost.csv"
    table.drop(dropped).write_csv(path)
    sidecar = source.with_name(f"{source.name}.synthetic.json")
    (tmp_path / "lost.csv.synthetic.json").write_bytes(sidecar.read_bytes())
    found = read_survey(path)
    assert found.synthetic is not None
    assert found.synthetic.seed == 5


def test_a_real_version_beside_a_left_over_sidecar_is_real(
    source: Path, table: pl.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "real.csv"
    real = {"version": pl.lit("5-0-0"), "doi": pl.lit("doi.org/10.14281/18241.20")}
    table.with_columns(**real).write_csv(path)
    sidecar = source.with_name(f"{source.name}.synthetic.json")
    (tmp_path / "real.csv.synthetic.json").write_bytes(sidecar.read_bytes())
    found = read_survey(path)
    assert found.synthetic is None
    assert found.source.survey_version == "5-0-0"
