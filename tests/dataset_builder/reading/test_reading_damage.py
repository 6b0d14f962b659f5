"""Files broken on purpose: one clear message each, never a traceback."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from contracts.errors import ContractError
from dataset_builder.reading import read_survey
from dataset_builder.synthesis import synthesize


@pytest.fixture(scope="module")
def good_csv(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("damage") / "good.csv"
    synthesize(path, people=128, seed=1)
    return path.read_bytes()


@pytest.fixture(scope="module")
def good_sav(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("damage") / "good.sav"
    synthesize(path, people=128, seed=1)
    return path.read_bytes()


def write(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def refuse(path: Path, match: str) -> ContractError:
    with pytest.raises(ContractError, match=match) as caught:
        read_survey(path)
    assert path.name in str(caught.value)
    return caught.value


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="there is no file"):
        read_survey(tmp_path / "nothing.csv")
    with pytest.raises(ContractError, match="is a folder, not a file"):
        read_survey(tmp_path)


@pytest.mark.parametrize("name", ["e.csv", "e.sav", "e.dta", "e.xlsx", "e.zip"])
def test_empty(name: str, tmp_path: Path) -> None:
    refuse(write(tmp_path, name, b""), "the file is empty")


def test_blank(tmp_path: Path) -> None:
    refuse(write(tmp_path, "b.csv", b"\n \n\n"), "blank")


def test_header_only(good_csv: bytes, tmp_path: Path) -> None:
    header = good_csv[: good_csv.index(b"\n") + 1]
    refuse(write(tmp_path, "h.csv", header), "column names but no people")
    refuse(write(tmp_path, "h2.csv", header.rstrip()), "column names but no people")


@pytest.mark.parametrize("share", [0.3, 0.75])
def test_truncated_csv_names_the_row(share: float, good_csv: bytes, tmp_path: Path) -> None:
    cut = good_csv[: int(len(good_csv) * share)]
    cut = cut[: cut.rindex(b",")]
    row = cut.count(b"\n") + 1
    error = refuse(write(tmp_path, "t.csv", cut), "the last line is no whole row")
    assert error.problems[0].row == row


def test_a_short_row_is_named(good_csv: bytes, tmp_path: Path) -> None:
    lines = good_csv.split(b"\n")
    lines[50] = lines[50].rsplit(b",", 7)[0]
    error = refuse(write(tmp_path, "r.csv", b"\n".join(lines)), "differ in their number of columns")
    assert error.problems[0].row == 51
    assert "599 columns" in str(error)
    assert "606" in str(error)


@pytest.mark.parametrize("wave", [5, 6])
def test_rows_of_another_wave(wave: int, good_csv: bytes, tmp_path: Path) -> None:
    lines = good_csv.split(b"\n")
    cells = lines[9].split(b",")
    cells[lines[0].split(b",").index(b"A_WAVE")] = str(wave).encode()
    lines[9] = b",".join(cells)
    error = refuse(write(tmp_path, "w.csv", b"\n".join(lines)), "another wave")
    assert error.problems[0].found == str(wave)


def test_earlier_wave_by_its_names(tmp_path: Path) -> None:
    names = ",".join(["V1", "V2A", *(f"V{n}" for n in range(4, 250))])
    row = ",".join(["1"] * 248)
    refuse(write(tmp_path, "w6.csv", f"{names}\n{row}\n".encode()), "earlier wave")


def test_time_series_by_its_names(tmp_path: Path) -> None:
    names = [
        "S002VS",
        "S003",
        *(f"A{n:03}" for n in range(1, 60)),
        *(f"E{n:03}" for n in range(40)),
    ]
    text = ";".join(names) + "\n" + ";".join(["1"] * len(names)) + "\n"
    refuse(write(tmp_path, "ts.csv", text.encode()), "time series")


@pytest.mark.parametrize(
    "text", ["name,age\nAnna,3\n", "just some prose\nover two lines\n", "1,2,3\n4,5,6\n"]
)
def test_not_the_survey(text: str, tmp_path: Path) -> None:
    error = refuse(write(tmp_path, "x.csv", text.encode()), "none of the World Values Survey")
    assert "synthesize" in str(error)


def test_no_country(good_csv: bytes, tmp_path: Path) -> None:
    changed = good_csv.replace(b"B_COUNTRY,B_COUNTRY_ALPHA", b"X1,X2", 1)
    refuse(write(tmp_path, "c.csv", changed), "does not say which country")


def test_unknown_country(good_csv: bytes, tmp_path: Path) -> None:
    """Told together with other unknown codes; no flag can make a country missing."""
    lines = good_csv.split(b"\n")
    header = lines[0].split(b",")
    for row, name, code in ((1, b"B_COUNTRY", b"31999"), (60, b"Q1", b"8")):
        cells = lines[row].split(b",")
        cells[header.index(name)] = code
        lines[row] = b",".join(cells)
    path = write(tmp_path, "c.csv", b"\n".join(lines))
    error = refuse(path, r"B_COUNTRY \(unknown country\): code '31999'")
    assert {p.column for p in error.problems} == {"B_COUNTRY", "Q1"}
    with pytest.raises(ContractError, match="31999"):
        read_survey(path, allow_unknown=True)


def test_headers_that_share_a_first_word_are_no_duplicates(good_csv: bytes, tmp_path: Path) -> None:
    changed = good_csv.replace(b",polity,durable,", b",My polity,My durable,", 1)
    assert len(read_survey(write(tmp_path, "w.csv", changed))) == 128


@pytest.mark.parametrize("double", [b"Q1", b"q1", b"Q1: Important in life"])
def test_duplicate_columns(double: bytes, good_csv: bytes, tmp_path: Path) -> None:
    changed = good_csv.replace(b",Q293,", b"," + double + b",", 1)
    error = refuse(write(tmp_path, "d.csv", changed), "2 columns hold the variable Q1")
    assert error.problems[0].column == "Q1"


def test_mixed_encodings(good_csv: bytes, tmp_path: Path) -> None:
    assert "Ñandú".encode() in good_csv
    lines = good_csv.split(b"\n")
    lines[100] = lines[100].replace(b"SYNTHETIC", "SYNTHÉTIC".encode("latin-1"), 1)
    error = refuse(write(tmp_path, "m.csv", b"\n".join(lines)), "one part of the file is UTF-8")
    assert error.problems[0].row == 101


def test_utf_16(good_csv: bytes, tmp_path: Path) -> None:
    """It is read; cut in the midst of a character it is damaged."""
    content = good_csv.decode().encode("utf-16")
    survey = read_survey(write(tmp_path, "u.csv", content))
    assert survey.source.detected["encoding"] == "utf-16"
    assert len(survey) == len(read_survey(write(tmp_path, "plain.csv", good_csv)))
    refuse(write(tmp_path, "cut.csv", content[:-1]), "UTF-16, but is damaged")


def test_zero_bytes(good_csv: bytes, tmp_path: Path) -> None:
    refuse(write(tmp_path, "z.csv", good_csv[:20_000] + bytes(500)), "zero bytes")


@pytest.mark.parametrize(
    ("name", "says"),
    [("s.csv", "named .csv, but its content is SPSS"), ("s.dta", "its content is SPSS")],
)
def test_sav_under_another_name(name: str, says: str, good_sav: bytes, tmp_path: Path) -> None:
    refuse(write(tmp_path, name, good_sav), says)


def test_csv_named_sav(good_csv: bytes, tmp_path: Path) -> None:
    refuse(write(tmp_path, "s.sav", good_csv), "its content is delimited text")


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n\0\0", b"\0\1\2\3", b"GIF89a\0"])
def test_foreign_formats(start: bytes, tmp_path: Path) -> None:
    refuse(write(tmp_path, "f.bin", start + bytes(100)), "format of the file is not known")
    refuse(write(tmp_path, "f.csv", start + bytes(100)), "none that is read")


@pytest.mark.parametrize(
    ("start", "says"),
    [(b"\x1f\x8b\x08", "gzip file is damaged"), (b"PAR1", "Parquet file is damaged")],
)
def test_damaged_archives_and_tables(start: bytes, says: str, tmp_path: Path) -> None:
    refuse(write(tmp_path, "f.bin", start + bytes(100)), says)
    refuse(write(tmp_path, "f.csv", start + bytes(100)), "named .csv, but its content is")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.98])
def test_truncated_sav(share: float, good_sav: bytes, tmp_path: Path) -> None:
    cut = good_sav[: int(len(good_sav) * share)]
    refuse(write(tmp_path, "t.sav", cut), "damaged or cut short")


def test_a_parser_that_crashes_takes_nobody_along(
    good_sav: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The native parser runs in a process of its own; here it dies of a signal."""
    child = tmp_path / "child.py"
    child.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", encoding="utf-8")
    monkeypatch.setattr("dataset_builder.reading.formats.readstat_file._CHILD", child)
    refuse(write(tmp_path, "s.sav", good_sav), "bytes that make the parser crash")


@pytest.mark.parametrize("content", [b"PK\x03\x04rubbish", b"PK\x05\x06"])
@pytest.mark.parametrize("name", ["t.xlsx", "t.zip"])
def test_damaged_archives(name: str, content: bytes, tmp_path: Path) -> None:
    refuse(write(tmp_path, name, content), "damaged|cannot be opened")


def test_truncated_zip(good_csv: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("good.csv", good_csv)
    path.write_bytes(path.read_bytes()[:-2000])
    refuse(path, "damaged or cut short")


def test_zip_with_a_wrong_checksum(good_csv: bytes, tmp_path: Path) -> None:
    path = tmp_path / "crc.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("good.csv", good_csv)
    content = bytearray(path.read_bytes())
    place = content.index(b"SYNTHETIC", len(good_csv) // 2)
    content[place : place + 1] = b"Z"
    path.write_bytes(bytes(content))
    refuse(path, "damaged or cut short")


@pytest.mark.parametrize("inner", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "C:\\e.csv"])
def test_zip_paths_that_lead_out(inner: str, tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(inner, "Q1\n1\n")
    refuse(path, "leads out of its folder")
    assert [p.name for p in tmp_path.iterdir()] == ["p.zip"]


@pytest.mark.parametrize("names", [(), ("a.pdf",), ("a.csv", "b.sav")])
def test_zip_without_exactly_one_survey(names: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "n.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    refuse(path, "holds (no|2) survey files" if names else "damaged|holds no survey files")


def test_zip_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("bomb.csv", "w") as member,
    ):
        for _ in range(64):
            member.write(b"1," * (1 << 19))
    assert path.stat().st_size < 1 << 20
    refuse(path, "unpacks to more than a survey file can be")


def test_zip_that_lies_about_its_size(good_csv: bytes, tmp_path: Path) -> None:
    """The size in both headers is forged; no more than it is ever read."""
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("good.csv", good_csv)
    forged = path.read_bytes().replace(struct.pack("<I", len(good_csv)), struct.pack("<I", 5000))
    path.write_bytes(forged)
    with pytest.raises(ContractError, match=r"damaged|more than|middle of a row|no header"):
        read_survey(path)


def test_encrypted_zip(good_csv: bytes, tmp_path: Path) -> None:
    path = tmp_path / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.csv", good_csv)
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(content))
    refuse(path, "encrypted")


def test_broken_sidecar(good_csv: bytes, tmp_path: Path) -> None:
    path = write(tmp_path, "s.csv", good_csv)
    (tmp_path / "s.csv.synthetic.json").write_text("{", encoding="utf-8")
    with pytest.raises(ContractError, match=r"s\.csv\.synthetic\.json.*invalid JSON at line 1"):
        read_survey(path)
    (tmp_path / "s.csv.synthetic.json").write_text('{"seed": "x", "odd": 1}', encoding="utf-8")
    with pytest.raises(ContractError, match="seed"):
        read_survey(path)
