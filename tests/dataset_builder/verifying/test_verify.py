"""`verify` finds every way in which a release can be wrong: each test breaks one thing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from changed_release import codes, edit_manifest, replace_column, rewrite

from contracts.release.distributions import sort_distributions
from contracts.release.read import open_release
from dataset_builder.verifying.run import verify_release


def first_two_to(item: object) -> Callable[[np.ndarray], np.ndarray]:
    def apply(old: np.ndarray) -> np.ndarray:
        old[:2] = item
        return old

    return apply


@pytest.fixture
def copy(release_folder: Path, tmp_path: Path) -> Path:
    """A release to be broken."""
    shutil.copytree(release_folder, tmp_path / "r")
    return tmp_path / "r"


def first_to(item: object) -> Callable[[np.ndarray], np.ndarray]:
    def apply(old: np.ndarray) -> np.ndarray:
        old[0] = item
        return old

    return apply


def test_a_sound_release_passes(release_folder: Path) -> None:
    found = verify_release(release_folder)
    assert found.passed, found.problems
    assert len(found.checks) == 16


def test_changed_bytes(copy: Path) -> None:
    with (copy / "countries" / "data-00000-of-00001.parquet").open("ab") as handle:
        handle.write(b"x")
    assert codes(verify_release(copy)) == {"file-changed"}


def test_missing_and_stray_files(copy: Path) -> None:
    (copy / "questions" / "data-00000-of-00001.parquet").unlink()
    (copy / "responses" / "extra-00000-of-00001.parquet").write_bytes(b"")
    assert codes(verify_release(copy)) == {"file-gone", "stray-file"}


def test_paths_that_leave_the_release(copy: Path) -> None:
    edit_manifest(
        copy, lambda m: m["tables"]["countries"]["files"][0].update(path="../outside.parquet")
    )
    assert "file-gone" in codes(verify_release(copy))


def test_a_manifest_that_is_none(copy: Path) -> None:
    (copy / "manifest.json").write_text("{}")
    assert codes(verify_release(copy)) == {"schema-version"}
    (copy / "manifest.json").write_text("not json")
    assert codes(verify_release(copy)) == {"not-json"}
    (copy / "manifest.json").unlink()
    assert codes(verify_release(copy)) == {"no-manifest"}


def test_unknown_fields_of_the_manifest(copy: Path) -> None:
    edit_manifest(copy, lambda m: m.update(surprise=1))
    assert codes(verify_release(copy)) == {"field-extra-forbidden"}


def test_another_row_digest(copy: Path) -> None:
    edit_manifest(copy, lambda m: m["tables"]["probe"].update(row_digest="data=0;"))
    assert codes(verify_release(copy)) == {"row-digest"}


def test_a_missing_column(copy: Path) -> None:
    rewrite(copy, "probe", lambda t: t.drop_columns(["continent"]))
    assert codes(verify_release(copy)) == {"schema"}


def test_a_card_of_other_tables(copy: Path) -> None:
    card = copy / "README.md"
    card.write_text(card.read_text().replace("config_name: probe", "config_name: prob"))
    assert codes(verify_release(copy)) == {"card-configs"}
    card.unlink()
    assert codes(verify_release(copy)) == {"no-card"}


def test_a_synthetic_release_that_hides_it(copy: Path) -> None:
    edit_manifest(copy, lambda m: m.update(synthetic=None))
    assert codes(verify_release(copy)) == {"synthetic-label"}


@pytest.mark.parametrize(
    ("column", "item", "expected"),
    [
        ("answer_position", 9, {"position", "recount-n"}),
        ("answer_code", -1, {"position"}),
        ("country", "USA", {"country"}),
        ("weight", 99.0, {"weight"}),
        ("wave", 6, {"wave"}),
        ("respondent_id", 1, {"unknown-person", "recount-n"}),
        ("question_id", "Q999", {"position", "recount-n"}),
    ],
)
def test_a_wrong_row_of_responses(
    copy: Path, column: str, item: object, expected: set[str]
) -> None:
    rewrite(copy, "responses", replace_column(column, first_to(item)), split="train")
    assert expected <= codes(verify_release(copy))


def test_a_person_in_two_splits(copy: Path) -> None:
    (path,) = (copy / "responses").glob("test-00000-of-*.parquet")
    moved = pq.read_table(path).slice(0, 40)
    rewrite(copy, "responses", lambda t: pa.concat_tables([t, moved]), split="train")
    assert "two-splits" in codes(verify_release(copy))


def test_an_answer_that_occurs_twice(copy: Path) -> None:
    rewrite(copy, "responses", lambda t: pa.concat_tables([t.slice(0, 1), t]), split="train")
    assert {"answer-twice", "recount-n", "answers"} <= codes(verify_release(copy))


def test_a_missing_answer(copy: Path) -> None:
    rewrite(copy, "responses", lambda t: t.slice(1), split="validation")
    assert {"recount-n", "recount-weight", "answers"} <= codes(verify_release(copy))


def test_leaks_of_what_is_held_out(copy: Path) -> None:
    edit_manifest(
        copy,
        lambda m: m["split"].update(held_out_questions=["Q1"], held_out_countries=["CHL"]),
    )
    assert {"leak-question", "leak-country"} <= codes(verify_release(copy))


@pytest.mark.parametrize(
    ("column", "item", "expected"),
    [
        ("split", "train?", {"split", "split-people"}),
        ("weight", -1.0, {"weight"}),
        ("continent", "Oceania", {"continent"}),
        ("sex", "unknown", {"category"}),
        ("weight", 2.5, {"recount-weight", "recount-n_eff"}),
        ("country", "CHL", {"country", "country-people", "recount-people"}),
    ],
)
def test_a_wrong_row_of_respondents(
    copy: Path, column: str, item: object, expected: set[str]
) -> None:
    rewrite(copy, "respondents", replace_column(column, first_to(item)))
    assert expected <= codes(verify_release(copy))


def test_an_id_that_occurs_twice(copy: Path) -> None:
    rewrite(copy, "respondents", lambda t: pa.concat_tables([t, t.slice(0, 1)]))
    assert {"id-twice", "people"} <= codes(verify_release(copy))


def _valid_first(table: pa.Table) -> int:
    rows = pc.and_(pc.greater(table["n"], 3), pc.equal(table["group"], "sex=female"))
    return int(pc.indices_nonzero(rows)[0].as_py())


@pytest.mark.parametrize(
    ("column", "change", "expected"),
    [
        ("n", lambda n: n + 1, {"n-valid"}),
        ("n_valid", lambda n: n + 1, {"n-valid", "cell-columns"}),
        ("weight_sum", lambda w: w * 1.01, {"share"}),
        ("weighted_share", lambda p: p * 0.99, {"share"}),
        ("unweighted_share", lambda p: None, {"share"}),
        ("n_eff", lambda n: n * 100, {"n-eff", "cell-columns"}),
        ("se", lambda s: s * 1.1, {"se"}),
        ("position", lambda p: p + 1, {"code"}),
        ("code", lambda c: 99, {"code"}),
        ("dont_know_count", lambda n: -1, {"negative", "cell-columns"}),
        ("group", lambda g: "sex=neither", {"group"}),
        ("split", lambda s: "some", {"split"}),
        ("question_id", lambda q: "Q290", {"question"}),
    ],
)
def test_a_wrong_number_in_distributions(
    copy: Path, column: str, change: Callable[[object], object], expected: set[str]
) -> None:
    def apply(table: pa.Table) -> pa.Table:
        row = _valid_first(table)

        def one(old: np.ndarray) -> np.ndarray:
            old[row] = change(old[row])
            return old

        return replace_column(column, one)(table)

    rewrite(copy, "distributions", apply)
    assert expected <= codes(verify_release(copy))


def test_a_count_that_is_wrong_all_through_the_cell(copy: Path) -> None:
    """Consistent in itself, yet not what people answered: only counting again finds it."""

    def swap(table: pa.Table) -> pa.Table:
        country = np.array(table["country"].to_pylist(), dtype=object)
        other = {"DEU": "CHL", "CHL": "DEU"}
        swapped = [other.get(c, c) for c in country]
        place = table.column_names.index("country")
        return sort_distributions(table.set_column(place, "country", pa.array(swapped)))

    rewrite(copy, "distributions", swap)
    assert "recount-n" in codes(verify_release(copy))


def test_a_scale_of_another_codebook(copy: Path) -> None:
    rewrite(copy, "questions", replace_column("codes", first_to([1, 2, 3])))
    assert codes(verify_release(copy)) == {"scale"}


def test_people_per_country(copy: Path) -> None:
    rewrite(copy, "countries", replace_column("respondents", first_to([1])))
    assert codes(verify_release(copy)) == {"country-people"}


def test_a_probe_of_people_who_train(copy: Path) -> None:
    table = open_release(copy).table("respondents", columns=["respondent_id", "split"])
    trained = table.filter(pc.equal(table["split"], "train"))["respondent_id"][0].as_py()
    rewrite(copy, "probe", replace_column("respondent_id", first_to(trained)))
    assert "probe-split" in codes(verify_release(copy))
    rewrite(copy, "probe", lambda t: t.slice(1))
    assert "probe-cell" in codes(verify_release(copy))


def test_a_probe_that_names_people_by_a_shared_id(copy: Path) -> None:
    shared = open_release(copy).table("probe")["interview_id"][0].as_py()
    rewrite(copy, "respondents", replace_column("interview_id", first_two_to(shared)))
    assert "probe-ambiguous" in codes(verify_release(copy))


def test_microdata_in_a_public_release(copy: Path) -> None:
    edit_manifest(copy, lambda m: m.update(public=True))
    found = codes(verify_release(copy))
    assert {"microdata", "withdrawn", "small-cell", "exact-count", "weight-sum"} <= found


def test_rows_in_another_order(copy: Path) -> None:
    rewrite(copy, "distributions", lambda t: t.take(list(range(t.num_rows))[::-1]))
    assert "order" in codes(verify_release(copy))


def test_kinds_of_missing_answers_that_do_not_add_up(copy: Path) -> None:
    rewrite(copy, "distributions", replace_column("missing_total", lambda n: n + 1))
    assert "missing-total" in codes(verify_release(copy))


def test_an_effective_size_of_no_known_kind(copy: Path) -> None:
    rewrite(copy, "distributions", replace_column("n_eff_kind", first_to("guessed")))
    assert "n-eff-kind" in codes(verify_release(copy))


def test_rows_of_an_unanswered_cell_for_every_option(copy: Path) -> None:
    """Options of a cell that nobody answered are no rows: a share of nobody is none."""

    def coded(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        row = next(r for r in rows if r["code"] is None)
        row.update(code=1, position=0)
        return pa.Table.from_pylist(rows, schema=table.schema)

    rewrite(copy, "distributions", coded)
    assert "cell" in codes(verify_release(copy))


def test_the_reference_keeps_its_promises() -> None:
    found = verify_release("reference")
    assert found.passed, found.problems
