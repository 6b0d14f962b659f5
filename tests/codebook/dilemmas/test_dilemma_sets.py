"""Sets of dilemmas: the project's, and folders in their place."""

from __future__ import annotations

import pytest

from codebook.dilemmas.dilemma import DilemmaError, dilemmas, dilemmas_digest
from codebook.dilemmas.sets import folder_set, load_sets, project_set, set_folders
from codebook.wordings.wording import wording

ROW = """[[dilemma]]
id = "own-1"
dimension = "mas"
setting = "work"
situation = "So it is. Go or stay?"
option_first = "Go"
option_second = "stay"
high_side = "first"
described_first = "low"
"""


def write_set(folder, *, language="sq", about="", row=ROW):
    folder.mkdir(parents=True)
    form = 'question = "{first} or {second}?"\n'
    (folder / "language.toml").write_text(f'language = "{language}"\n{form}{about}')
    (folder / "mas.toml").write_text(row)
    return folder


def test_the_project_s_set_stands_on_its_wording():
    found = project_set("en")
    assert found.dilemmas == dilemmas()
    assert found.choose == wording("en").templates["advice_choose"]
    assert "Albania" in found.personas["ALB"]
    assert found.digest != dilemmas_digest()
    with pytest.raises(KeyError, match="no dilemmas in language 'sq'"):
        project_set("sq")


def test_a_folder_says_who_asks_in_whole_sentences(tmp_path):
    about = 'choose = "Choose."\n[persona]\nALB = "You are Albanian."\n'
    found = folder_set(write_set(tmp_path / "sq", about=about))
    assert (found.language, found.choose) == ("sq", "Choose.")
    assert found.personas == {"ALB": "You are Albanian."}
    assert list(found.dilemmas) == ["own-1"]
    other = folder_set(write_set(tmp_path / "two", about=about.replace("Albanian", "old")))
    assert other.digest != found.digest


def test_what_a_folder_leaves_out_comes_from_the_project_s_wording(tmp_path):
    found = folder_set(write_set(tmp_path / "de", language="de"))
    assert found.choose == wording("de").templates["advice_choose"]
    assert wording("de").countries["DEU"] in found.personas["DEU"]


def test_folders_take_the_place_of_the_project_s_sets(tmp_path):
    write_set(tmp_path / "sets" / "sq", about='choose = "Choose."\n')
    write_set(tmp_path / "sets" / "en", language="en")
    found = load_sets([tmp_path / "sets"])
    assert set(found) == {"en", "sq"}
    assert list(found["en"].dilemmas) == ["own-1"]
    assert load_sets([])["en"].dilemmas == dilemmas()
    assert set_folders([tmp_path / "sets" / "sq"]) == (tmp_path / "sets" / "sq",)


def test_every_faulty_folder_is_told(tmp_path):
    write_set(tmp_path / "sq")
    with pytest.raises(DilemmaError, match="choose is missing"):
        folder_set(tmp_path / "sq")
    bad = 'choose = 3\n[persona]\nXXX = "You."\nALB = ""\n'
    write_set(tmp_path / "bad", about=bad)
    with pytest.raises(DilemmaError, match="choose is missing") as error:
        load_sets([tmp_path / "sq", tmp_path / "bad"])
    for said in ("choose is missing", "choose is 3", "'XXX' is no country", "ALB is ''"):
        assert said in str(error.value)
    with pytest.raises(DilemmaError, match="neither it nor a folder in it"):
        load_sets([tmp_path / "nothing"])
    fine = 'choose = "Choose."\n'
    write_set(tmp_path / "one", about=fine)
    write_set(tmp_path / "two", about=fine)
    with pytest.raises(DilemmaError, match="is in sq too"):
        load_sets([tmp_path / "one", tmp_path / "two"])
