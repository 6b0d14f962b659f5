"""Wordings that a user holds: opened from, and written to, a folder of TOML files or one CSV."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codebook.wordings.parse import WordingError, parse_folder
from codebook.wordings.wording import OWN_NAME, Wording, languages, wording, wording_of

_CSV_COLUMNS = ("key", "text")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
#: Kinds of texts that a user's wording may leave to the project's own in its language.
_SHARED_KINDS = ("template", "missing", "country")


def load_wording_folder(
    path: str | Path, *, language: str | None = None, name: str | None = None
) -> Wording:
    """Open a wording that a user holds.

    Templates, country names and the kinds of missing that it lacks are the project's own in
    its language, where there are any; stems, statements and labels are never mixed.

    Args:
        path: a folder like `wordings/<language>/`, or a CSV file with the columns key and text.
        language: its language code, where the files do not say.
        name: its name, where the files do not say.

    Returns:
        The wording; `missing_texts(wording)` lists what it lacks.

    Raises:
        WordingError: something about the files is wrong; the message lists all such places.
    """
    path = Path(path)
    if path.is_dir():
        about, texts = parse_folder(path)
    elif path.is_file():
        about, texts = _parse_csv(path)
    else:
        raise WordingError([f"{path}: no such folder or file"])
    found_language = str(language or about.get("language", ""))
    found_name = str(name or about.get("name", ""))
    _check_about(path, found_language, found_name)
    drafted = str(about.get("machine_drafted", False)).lower() == "true"
    facts = {"language": found_language, "name": found_name, "machine_drafted": drafted}
    if found_language in languages():
        own = wording(found_language).texts()
        shared = {k: t for k, t in own.items() if k.split(":", 1)[0] in _SHARED_KINDS}
        texts = shared | texts
    opened = wording_of(texts, **facts)  # type: ignore[arg-type]
    _check_name(path, opened)
    return opened


def export_wording(wording: Wording, path: str | Path) -> Path:
    """Write a wording, so that `load_wording_folder` opens it again with the same digest.

    Args:
        wording: the wording.
        path: a file that ends in `.csv`, or else a folder; neither may exist yet.

    Raises:
        WordingError: the path exists, or its parent folder does not.
    """
    path = Path(path)
    if path.exists():
        raise WordingError([f"{path}: exists already; give a new path or move it away"])
    if not path.parent.is_dir():
        raise WordingError([f"{path.parent}: no such folder; make it first"])
    files = {"": _csv_text(wording)} if path.suffix == ".csv" else _toml_texts(wording)
    beside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        for file, content in files.items():
            (beside / (file or path.name)).write_text(content, encoding="utf-8", newline="\n")
        if path.suffix == ".csv":
            (beside / path.name).replace(path)
        else:
            beside.chmod(0o777 & ~_umask())
            beside.rename(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _check_about(path: Path, language: str, name: str) -> None:
    problems = []
    where = f"{path}: questions.toml [about] (CSV: about:language, about:name)"
    if not _LANGUAGE.fullmatch(language):
        problems.append(f"{where}: language must be a code such as en or pt-BR, found {language!r}")
    if not name:
        problems.append(f"{where}: name is lacking; call the wording something, or pass name=")
    if problems:
        raise WordingError(problems, subject=f"wording {path}")


def _check_name(path: Path, opened: Wording) -> None:
    if opened.name != OWN_NAME:
        return
    if opened.language in languages() and opened.digest == wording(opened.language).digest:
        return
    message = f"{path}: {OWN_NAME!r} is the project's own wording, and this one differs from it"
    raise WordingError([f"{message}; give it a name of its own"])


def _parse_csv(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WordingError([f"{path}: not in UTF-8 ({error})"]) from None
    reader = csv.DictReader(io.StringIO(content, newline=""))
    if tuple(reader.fieldnames or ()) != _CSV_COLUMNS:
        columns = ", ".join(reader.fieldnames or ())
        raise WordingError([f"{path}: the columns must be key, text; found {columns or 'none'}"])
    about: dict[str, Any] = {}
    texts: dict[str, str] = {}
    problems = []
    for row in reader:
        key, text = row["key"], row["text"]
        where = f"{path}, line {reader.line_num}"
        if text is None or None in row:
            problems.append(f"{where}: two columns expected; quote texts that hold a comma")
            continue
        target = about if key.startswith("about:") else texts
        name = key.removeprefix("about:")
        if name in target:
            problems.append(f"{where}: {key} occurs twice; keep one")
        target[name] = text
    if problems:
        raise WordingError(problems, subject=f"wording {path}")
    return about, texts


def _about(wording: Wording) -> dict[str, str]:
    drafted = "true" if wording.machine_drafted else "false"
    return {"name": wording.name, "language": wording.language, "machine_drafted": drafted}


def _csv_text(wording: Wording) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(_CSV_COLUMNS)
    writer.writerows((f"about:{key}", text) for key, text in _about(wording).items())
    writer.writerows(wording.texts().items())
    return buffer.getvalue()


def _toml_texts(wording: Wording) -> dict[str, str]:
    about = _about(wording)
    head = f"name = {_quoted(about['name'])}\nlanguage = {_quoted(about['language'])}\n"
    asked = [f"[about]\n{head}machine_drafted = {about['machine_drafted']}\n"]
    asked += [_table("stems", wording.stems), _table("statements", wording.statements)]
    scales = [_table(scale_id, labels) for scale_id, labels in wording.labels.items()]
    scales.append(_table("missing", wording.missing))
    return {
        "questions.toml": "\n".join(asked),
        "scales.toml": "\n".join(scales),
        "templates.toml": _table("", wording.templates),
        "countries.toml": _table("", wording.countries),
    }


def _table(name: str, texts: Mapping[Any, str]) -> str:
    head = f"[{name}]\n" if name else ""
    return head + "".join(f"{key} = {_quoted(text)}\n" for key, text in texts.items())


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes, and U+007F escaped besides."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
