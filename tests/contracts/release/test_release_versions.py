"""Releases of schema 1.x are read as the present schema names things; frozen examples hold it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.compute as pc
import pytest

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.release.disclosure import disclosure_problems
from contracts.release.read import open_release
from contracts.release.tables import DISTRIBUTIONS
from dataset_builder.publishing.public import make_public
from dataset_builder.verifying.run import verify_release
from scoring import score
from scoring.baselines.distributions import write_baselines

V1 = Path(__file__).parents[2] / "fixtures" / "releases" / "v1"

#: As the version that wrote the release stated it.
V1_DIGEST = "c7a4fdccbfcc849cf0783e68e3c3e9db13fc32a2a768880b3016b81b7af82c17"


def test_a_release_of_schema_1_keeps_its_digest() -> None:
    release = open_release(V1)
    assert release.schema_major == 1
    assert release.digest == V1_DIGEST


def test_its_distributions_have_the_present_columns() -> None:
    release = open_release(V1)
    table = release.table("distributions")
    assert table.schema.names == DISTRIBUTIONS.names
    assert set(table["n_eff_kind"].to_pylist()) == {"kish"}
    assert table["missing_total"].null_count == 0
    some = release.table(
        "distributions",
        columns=["n_eff_kind", "n"],
        where=pc.field("question_id") == "Q1",
        encoded=True,
    )
    assert some.column_names == ["n_eff_kind", "n"]
    assert some.num_rows == 24


def test_verify_reads_it() -> None:
    outcome = verify_release(V1)
    problems = {problem.code for problem in outcome.problems}
    # The example has no card, and the codebook's wordings may have moved on since.
    assert problems <= {"no-card", "card"}


def test_its_public_view_is_under_the_present_rule(tmp_path: Path) -> None:
    view = open_release(V1).protected()
    assert view.is_protected
    table = view.table("distributions")
    assert table.num_rows
    assert disclosure_problems(table) == []
    assert view.digest != V1_DIGEST
    with pytest.raises(ContractError, match="no part of the public view"):
        view.files("distributions")
    manifest = make_public(open_release(V1), tmp_path / "public")
    assert manifest.schema_version == "2.0"
    made = open_release(tmp_path / "public")
    assert made.table("distributions").equals(table)
    assert verify_release(tmp_path / "public").passed


def test_it_can_be_scored_on(tmp_path: Path) -> None:
    release = open_release(V1)
    (written,) = write_baselines(release, tmp_path, names=("uniform",))
    predictions = read_predictions(written.path)
    exact = score(predictions, release, replicates=20)
    protected = score(predictions, release, replicates=20, protected=True)
    assert (exact.release.tables, protected.release.tables) == ("exact", "protected")
    assert exact.score("alignment").value.estimate == pytest.approx(
        protected.score("alignment").value.estimate, abs=0.02
    )


def test_scores_on_a_withdrawn_release_say_so(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(V1, folder)
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"public": True}))
    release = open_release(folder)
    (written,) = write_baselines(release, tmp_path, names=("uniform",))
    report = score(read_predictions(written.path), release, replicates=20)
    assert "withdrawn-release" in {notice.code for notice in report.warnings}
    assert "withdrawn" in {problem.code for problem in verify_release(folder).problems}
