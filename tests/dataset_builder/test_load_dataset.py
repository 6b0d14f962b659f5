"""The release as `datasets` sees it: every config, map-style and streaming."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import datasets
import pytest
import yaml
from datasets.distributed import split_dataset_by_node
from made_surveys import make_survey

from codebook import countries
from contracts.release.read import open_release
from contracts.release.tables import LEAN_COLUMNS, SPLITS
from dataset_builder.build import build_release
from dataset_builder.describing.card import card_configs
from dataset_builder.options import BuildOptions
from dataset_builder.survey import Survey

CONFIGS = (
    "responses",
    "lean",
    "respondents",
    "questions",
    "distributions",
    "correlations",
    "countries",
    "probe",
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def load(folder: Path, config: str | None = None, **options: object):
    return datasets.load_dataset(str(folder), config, **options)


def test_the_card_names_every_config(release_folder: Path) -> None:
    assert set(datasets.get_dataset_config_names(str(release_folder))) == set(CONFIGS)
    entries = card_configs((release_folder / "README.md").read_text())
    assert [e["config_name"] for e in entries if e.get("default")] == ["responses"]


@pytest.mark.parametrize("config", CONFIGS)
def test_map_style_and_streaming_agree_with_the_tables(release_folder: Path, config: str) -> None:
    release = open_release(release_folder)
    table = "responses" if config == "lean" else config
    columns = list(LEAN_COLUMNS) if config == "lean" else None
    loaded = load(release_folder, config)
    streamed = load(release_folder, config, streaming=True)
    splits = list(SPLITS) if table == "responses" else ["data"]
    assert list(loaded) == list(streamed) == splits
    for split in splits:
        expected = release.table(table, split=split, columns=columns)
        assert loaded[split].num_rows == expected.num_rows
        assert loaded[split].column_names == expected.column_names
        picked = [0, expected.num_rows // 2, expected.num_rows - 1]
        rows = expected.take(picked).to_pylist()
        assert [loaded[split][i] for i in picked] == rows
        first = next(iter(streamed[split]))
        assert first == rows[0]


def test_the_default_config_is_responses(release_folder: Path) -> None:
    assert load(release_folder, split="test").column_names == (
        open_release(release_folder).dataset("responses").schema.names
    )


def test_streaming_reads_all_rows_once(release_folder: Path) -> None:
    release = open_release(release_folder)
    streamed = load(release_folder, "lean", streaming=True, split="validation")
    assert sum(1 for _ in streamed) == release.table("responses", split="validation").num_rows


def test_a_row_alone_is_a_training_example(release_folder: Path) -> None:
    row = load(release_folder, "responses", split="train")[0]
    assert {"country", "sex", "age", "education", "question_id", "answer_code"} <= set(row)
    assert isinstance(row["sex"], str)


def test_bytes_of_a_row_in_the_cache_of_datasets(release_folder: Path) -> None:
    """As many rows as version 6.0 gives must stay under 2.5 GB, or 350 MB for the lean config.

    94,278 people of version 5.0 give 23.4 million rows; version 6.0 has 97,220.
    """
    full_rows = 24_200_000
    for config, limit in (("responses", 2.5e9), ("lean", 350e6)):
        split = load(release_folder, config, split="train")
        assert split.data.nbytes / split.num_rows * full_rows < limit


def test_a_public_release_loads(survey_factory: Callable[..., Survey], tmp_path: Path) -> None:
    build_release([survey_factory(people=400)], tmp_path / "r", BuildOptions(public=True))
    assert set(datasets.get_dataset_config_names(str(tmp_path / "r"))) == {
        "questions",
        "distributions",
        "correlations",
        "countries",
        "tasks",
    }
    # The default of a public release are its distributions.
    assert "weighted_share" in load(tmp_path / "r", split="data").column_names


def test_the_card_says_what_it_must(release_folder: Path) -> None:
    text = (release_folder / "README.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["license"] == "other"
    assert front["pretty_name"].startswith("SYNTHETIC")
    assert front["language"] == list(open_release(release_folder).manifest.wording_digests)
    assert "multiple-choice" in front["task_categories"]
    for needed in (
        "```bibtex\n@misc{",
        "doi = {10.14281/",
        "SYNTHETIC",
        "neither approval nor quality",
        "no substitute for respondents",
        "can stereotype",
        "non-profit",
        "Haerpfer",
    ):
        assert needed in text, needed


#: Runs in a process of its own: mlcroissant sets up logging for the whole process, which then
#: writes to streams that are gone.
_READ_CROISSANT = """
import json, mlcroissant
dataset = mlcroissant.Dataset("croissant.json")
records = [
    [record["probe/question_id"].decode(), int(record["probe/respondent_id"])]
    for record in dataset.records("probe")
]
names = [record_set.name for record_set in dataset.metadata.record_sets]
found = {"name": dataset.metadata.name, "records": records, "names": names}
issues = dataset.metadata.ctx.issues
found["errors"] = list(issues.errors)
found["warnings"] = [text for text in issues.warnings if "datePublished" not in text]
found["version"] = str(dataset.metadata.ctx.conforms_to.value)
found["personal"] = dataset.metadata.personal_sensitive_information
print(json.dumps(found))
"""


def test_croissant_reads_the_tables(release_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _READ_CROISSANT],
        cwd=release_folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout.splitlines()[-1])
    assert read["name"] == "wvs-wave7-synthetic"
    # A build of the same files gives the same bytes, so there is no date in it.
    assert read["errors"] == read["warnings"] == []
    assert read["version"] == "http://mlcommons.org/croissant/1.1"
    assert "made up" in str(read["personal"])
    described = json.loads((release_folder / "croissant.json").read_text())
    assert [term["termCode"] for term in described["usageInfo"]] == ["DUO:0000018"]
    rows = open_release(release_folder).table("probe").to_pylist()
    assert read["records"] == [[row["question_id"], row["respondent_id"]] for row in rows]
    names = set(read["names"])
    assert names == {
        *(f"responses-{split}" for split in SPLITS),
        *(set(CONFIGS) - {"responses", "lean"}),
    }


@pytest.fixture(scope="module")
def many_countries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of 2,400 people of forty countries, country by country in the file."""
    names = tuple(c.country for c in countries().values() if c.wvs_code)[:40]
    folder = tmp_path_factory.mktemp("many") / "release"
    build_release([make_survey(people=2400, names=names)], folder)
    return folder


def test_a_shuffle_buffer_mixes_countries(many_countries: Path) -> None:
    stream = load(many_countries, "responses", split="train", streaming=True)
    first = stream.shuffle(seed=0, buffer_size=10_000).take(10_000)
    assert len({row["country"] for row in first}) >= 20


def test_files_serve_nodes_and_workers(many_countries: Path) -> None:
    release = open_release(many_countries)
    stream = load(many_countries, "lean", split="train", streaming=True)
    assert stream.num_shards == 24
    assert load(many_countries, "responses", split="train").num_rows == sum(
        release.manifest.tables["responses"].files[i].rows for i in range(24)
    )
    parts = [split_dataset_by_node(stream, rank=rank, world_size=4) for rank in range(4)]
    assert [part.n_shards for part in parts] == [6] * 4
    people = [{row["respondent_id"] for row in part} for part in parts]
    # A person's rows stand in one file, so no two nodes see the same person.
    assert (
        sum(map(len, people)) == len(set.union(*people)) == release.manifest.split.people["train"]
    )


def test_the_card_states_the_features_of_every_config(release_folder: Path) -> None:
    text = (release_folder / "README.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    stated = {entry["config_name"]: entry["features"] for entry in front["dataset_info"]}
    assert set(stated) == set(CONFIGS)
    release = open_release(release_folder)
    for config, features in stated.items():
        if config == "lean":
            assert [feature["name"] for feature in features] == list(LEAN_COLUMNS)
            continue
        schema = release.dataset(config).schema
        expected = datasets.Features.from_arrow_schema(schema)
        assert datasets.Features._from_yaml_list(features) == expected
