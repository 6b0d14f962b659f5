"""A model that answers nothing gets a report that says so."""

from __future__ import annotations

import json

import pytest

import codebook
from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from scoring import score
from scoring.comparison.wordings import drafted_notices

IDS = codebook.question_set("alignment")


def predictions(tmp_path, ids, **fields):
    path = tmp_path / "refused.jsonl"
    lines = [
        json.dumps({"question_id": q, "status": "refused", "shares": {}} | fields) for q in ids
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_predictions(path)


@pytest.mark.parametrize("mode", ["corrected", "paper"])
def test_a_model_that_refused_everything_gets_a_report(tmp_path, mode):
    report = score(predictions(tmp_path, IDS), open_release("reference"), mode=mode, replicates=20)
    assert report.coverage.share == 0
    assert report.coverage.refused == report.coverage.expected > 0
    assert all(entry.alignment.estimate is None for entry in report.countries)
    assert "no-usable-answer" in [warning.code for warning in report.warnings]


def test_a_file_that_answers_nothing_of_the_set_is_refused(tmp_path):
    outside = [q for q in codebook.value_questions() if q not in IDS][:3]
    with pytest.raises(ContractError, match="nothing-scored"):
        score(predictions(tmp_path, outside), open_release("reference"), replicates=20)


def test_the_projects_own_words_are_claimed_only_where_the_digest_proves_it(tmp_path):
    from codebook.wordings.wording import OWN_NAME, wording

    meta = predictions(tmp_path, IDS).meta
    assert meta.wording == "unknown"
    assert drafted_notices(meta) == []
    own = {"wording": OWN_NAME, "wording_digest": wording("en").digest}
    assert len(drafted_notices(meta.model_copy(update=own))) == 1
    other = {"wording": OWN_NAME, "wording_digest": "0" * 64}
    assert drafted_notices(meta.model_copy(update=other)) == []
