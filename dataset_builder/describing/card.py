"""The dataset card of a release, made from its manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml  # type: ignore[import-untyped]

from contracts.release.manifest import Manifest
from contracts.release.tables import LEAN_COLUMNS, SPLITS, TABLES
from dataset_builder.describing.citing import bibtex_entries

CARD_NAME = "README.md"

#: The config that `load_dataset` takes where none is named.
DEFAULT_CONFIG = "responses"
LEAN_CONFIG = "lean"

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGER_SIZES = ((10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"))

LICENCE_LINK = "https://www.worldvaluessurvey.org/WVSDocumentationWV7.jsp"

_WHAT = {
    "responses": "one row per answered (respondent, question), with the person's main demographics",
    "respondents": "one row per person: split, weight, harmonised and raw demographics",
    "questions": "what was asked: scale, codes, labels, orientation, memberships, English wording",
    "distributions": "answer shares by split, country and group, with effective sample sizes",
    "correlations": "weighted correlations of ordinal questions by country",
    "countries": "codes, continent, languages, Hofstede scores",
    "probe": "a stratified sample after WorldValuesBench: five people per cell and question",
    "soft": "training prompts with the population's shares as target",
    "tasks": "multiple-choice tasks whose target is the modal answer",
    "sft": "training conversations that end in one respondent's answer",
    "preference": "training prompts with a chosen and a rejected answer",
    "grpo": "training prompts with target shares for a reward function",
}

_LOAD_INDIVIDUALS = """```python
from datasets import load_dataset

rows = load_dataset(RELEASE, "responses")             # train / validation / test
ids = load_dataset(RELEASE, "lean", split="train")    # respondent, question, answer alone
shares = load_dataset(RELEASE, "distributions", split="data")
questions = {row["question_id"]: row for row in load_dataset(RELEASE, "questions", split="data")}
for row in load_dataset(RELEASE, "responses", split="train", streaming=True).shuffle(seed=0):
    asked = questions[row["question_id"]]  # wording_en, and labels in the order of codes
    answer = asked["labels"][asked["codes"].index(row["answer_code"])]
```
People are spread over the files by a hash and a person's rows stand together, so a shuffle with
a buffer of 10,000 rows mixes countries, and files serve workers and nodes.
`RELEASE` is this folder, or `ORG/NAME` with `revision=TAG`."""

_LOAD_AGGREGATES = """```python
from datasets import load_dataset

shares = load_dataset(RELEASE, "distributions", split="data")
questions = load_dataset(RELEASE, "questions", split="data")
```
`RELEASE` is this folder, or `ORG/NAME` with `revision=TAG`."""

_RUN_TASKS = """## How to run the tasks
Each row of `tasks` asks which answer most people of a country give; `eval.yaml` registers it:
```bash
inspect eval hf/ORG/NAME --model PROVIDER/MODEL --limit 500
```
The score is how often a model names the most frequent answer (`modal_accuracy`). How near its
whole distribution lies to people's is told by `opinion-atlas elicit` and `score`, or by the tasks
of `opinion-atlas export`."""

_ETHICS = """## What these numbers do not mean
- Closeness of a model's answers to a population is neither approval nor quality.
- Models are no substitute for respondents.
- Nothing may be inferred about a person from these rows; trying to identify anyone is forbidden.
- Country averages hide people and can stereotype. Look at groups and at the spread of answers.
- `n_eff_kind` tells how effective sample sizes were found. Where it is `kish` and interviews were
  clustered, true errors are larger; `assumed` takes the clustering of other cells.
- The survey may be used for non-profit purposes only, and must be cited."""


_DOI_LINES = (
    "A DOI of the repository itself is made by its owner: repository settings, *Digital Object "
    "Identifier*, *Generate DOI*; a DOI stands for one revision, so make it after the release's "
    "tag, and cite it together with the survey.",
)


def configs(manifest: Manifest) -> list[dict[str, Any]]:
    """One entry of the card's `configs:` per table, and `lean`, a view of `responses`."""
    config_entries: list[dict[str, Any]] = []
    default = DEFAULT_CONFIG if DEFAULT_CONFIG in manifest.tables else "distributions"
    for name in manifest.tables:
        entry: dict[str, Any] = {"config_name": name, "data_files": _data_files(manifest, name)}
        if name == default:
            entry["default"] = True
        config_entries.append(entry)
        if name == DEFAULT_CONFIG:
            lean = {"config_name": LEAN_CONFIG, "data_files": _data_files(manifest, name)}
            config_entries.append(lean | {"columns": list(LEAN_COLUMNS)})
    return config_entries


def _data_files(manifest: Manifest, name: str) -> list[dict[str, str]]:
    file_splits = {PurePosixPath(file.path).name.partition("-")[0] for file in
             manifest.tables[name].files}  # fmt: skip
    splits = [split for split in (*SPLITS, "data") if split in file_splits]
    return [{"split": split, "path": f"{name}/{split}-*.parquet"} for split in splits]


def dataset_info(manifest: Manifest, root: Path) -> list[dict[str, Any]]:
    """One entry of the card's `dataset_info:` per config: its columns, in the form of `datasets`.

    Args:
        manifest: the manifest.
        root: folder that holds the tables; a table may have more columns than its contract.
    """
    info_entries = []
    for name, entry in manifest.tables.items():
        columns = list(pq.read_schema(root / entry.files[0].path))
        info_entries.append({"config_name": name, "features": [_feature(c) for c in columns]})
        if name == DEFAULT_CONFIG:
            lean = [_feature(column) for column in columns if column.name in LEAN_COLUMNS]
            info_entries.append({"config_name": LEAN_CONFIG, "features": lean})
    return info_entries


def _feature(column: pa.Field) -> dict[str, Any]:
    return {"name": column.name} | _feature_type(column.type)


def _feature_type(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"struct": [_feature(field) for field in kind]}
    if pa.types.is_list(kind):
        inner = _feature_type(kind.value_type)
        return {"list": inner.get("dtype") or inner["struct"]}
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    names = {"double": "float64", "float": "float32", "large_string": "string"}
    return {"dtype": names.get(str(kind), str(kind))}


def _size_category(rows: int) -> str:
    for limit, name in (*_SIZES, *_LARGER_SIZES):
        if rows < limit:
            return name
    return "100M<n<1B"


def _front_matter(manifest: Manifest, root: Path) -> str:
    rows = max(entry.rows for entry in manifest.tables.values())
    tags = ["world-values-survey", "values", "opinions", "survey", "alignment", "evaluation"]
    if manifest.synthetic is not None:
        tags.append("synthetic")
    front = {
        "pretty_name": title(manifest),
        "license": "other",
        "license_name": "wvs-non-commercial",
        "license_link": LICENCE_LINK,
        "language": list(manifest.wording_digests) or ["en"],
        "multilinguality": "multilingual" if len(manifest.wording_digests) > 1 else "monolingual",
        "annotations_creators": ["no-annotation"],
        "source_datasets": ["original"],
        "task_categories": ["question-answering", "multiple-choice"],
        "task_ids": ["multiple-choice-qa"],
        "size_categories": [_size_category(rows)],
        "tags": tags,
        "configs": configs(manifest),
        "dataset_info": dataset_info(manifest, root),
    }
    return yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=100)


def title(manifest: Manifest) -> str:
    """The card's title; it says when the people are made up."""
    waves = ", ".join(str(wave) for wave in manifest.waves)
    kind = "aggregates" if manifest.public else "release"
    mark = "SYNTHETIC: " if manifest.synthetic is not None else ""
    return f"{mark}Opinion Atlas {kind} of the World Values Survey, wave {waves}"


def _table_lines(manifest: Manifest) -> list[str]:
    lines = ["| table | rows | MB | what |", "|---|---|---|---|"]
    for name, entry in manifest.tables.items():
        size = sum(file.size for file in entry.files) / 1e6
        lines.append(f"| `{name}` | {entry.rows:,} | {size:.1f} | {_WHAT[name]} |")
    return lines


def _column_lines(manifest: Manifest) -> list[str]:
    lines = []
    for name in manifest.tables:
        fields = ", ".join(f"`{field.name}` {field.type}" for field in TABLES[name])
        lines.append(f"- **{name}**: {fields}")
    return lines


def _split_lines(manifest: Manifest) -> list[str]:
    split = manifest.split
    if split.recipe == "none":
        return []
    people = ", ".join(f"{name} {count:,}" for name, count in split.people.items())
    lines = ["## Splits", f"Recipe `{split.recipe}`; people: {people}."]
    if split.held_out_questions:
        lines.append(f"Questions in test only: {', '.join(split.held_out_questions)}.")
    if split.held_out_countries:
        lines.append(f"Countries in test only: {', '.join(split.held_out_countries)}.")
    lines.append("Whoever trains on `train` is scored on `test`, and says so.")
    return [*lines, ""]


def _source_lines(manifest: Manifest) -> list[str]:
    lines = ["## Sources"]
    for source in manifest.sources:
        version = f", version {source.survey_version}" if source.survey_version else ""
        lines.append(
            f"- {source.survey}{version}: {source.rows:,} rows, sha256 `{source.sha256[:16]}...`"
        )
    lines += [f"- {note}" for note in manifest.notes]
    return [*lines, ""]


def _warning_lines(manifest: Manifest) -> list[str]:
    if manifest.synthetic is not None:
        seed = manifest.synthetic.seed
        return [
            f"> **SYNTHETIC.** These people do not exist (seed {seed}). The file tests pipelines; "
            "no finding about any country may be drawn from it.",
            "",
        ]
    if not manifest.public:
        return [
            "> **Keep private.** This release holds rows of single persons of the World Values "
            "Survey, whose data files must not be redistributed.",
            "",
        ]
    return []


def card_text(manifest: Manifest, root: Path) -> str:
    """The whole card, `README.md`, of a release whose tables stand under `root`."""
    load = _LOAD_INDIVIDUALS if "responses" in manifest.tables else _LOAD_AGGREGATES
    disclosure = (
        ["## Disclosure control", manifest.disclosure.note, ""]
        if manifest.disclosure.applied
        else []
    )
    body: Sequence[str] = [
        f"# {title(manifest)}",
        "",
        *_warning_lines(manifest),
        f"Release {manifest.release_version}, schema {manifest.schema_version}. `manifest.json` "
        "names the source files, the codebook, the split and the digest of every table.",
        "",
        *_table_lines(manifest),
        "",
        "## How to load",
        load,
        "",
        *([_RUN_TASKS, ""] if "tasks" in manifest.tables else []),
        *_split_lines(manifest),
        *disclosure,
        "## Columns",
        "A missing answer is no row of `responses`. `distributions` of a private release count "
        'each kind of missing, and answers off the scale such as "not allowed to vote", apart; '
        "those of a public one give their sum for everyone of a country.",
        "",
        *_column_lines(manifest),
        "",
        *_source_lines(manifest),
        _ETHICS,
        "",
        "## Licence and citation",
        f"{manifest.licence}.",
        "",
        *(f"> {citation}" for citation in manifest.citations),
        "",
        "```bibtex",
        *bibtex_entries(manifest.citations),
        "```",
        "",
        *_DOI_LINES,
        "",
    ]
    return f"---\n{_front_matter(manifest, root)}---\n" + "\n".join(body)


def front_matter(text: str) -> Mapping[str, Any]:
    """The front matter of a card; empty where there is none."""
    parts = text.split("---\n", 2)
    if len(parts) != 3 or parts[0]:
        return {}
    front = yaml.safe_load(parts[1])
    return front if isinstance(front, dict) else {}


def card_configs(text: str) -> list[Mapping[str, Any]]:
    """The `configs:` of a card's front matter; empty where there is none."""
    return list(front_matter(text).get("configs", []))
