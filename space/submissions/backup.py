"""Copies for maintainers: everything in one archive, contacts in one table."""

from __future__ import annotations

import csv
import io
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from contracts.atomic import atomic_file, write_text
from contracts.errors import fail
from space.board.untrusted_text import FORMULA_STARTS
from space.submissions.book import Submissions
from space.submissions.hub_changes import PUSHED, copy_whole, whole_files

#: Only their owner may read files with contacts.
PRIVATE_MODE = 0o600


class Saved(NamedTuple):
    """What a backup holds: files and their bytes before compression."""

    files: int
    size: int


def backup_files(book: Submissions, *, contacts: bool) -> Iterator[tuple[Path, str]]:
    """(path, name in the archive) of every file of a backup.

    Left out are the index, which is made again, and the quotas: digests of addresses are to
    expire, and in a backup they would not.
    """
    roots = {"public": book.store.root, "private": book.layout.private}
    if contacts:
        roots["contacts"] = book.layout.private
    for key, root in roots.items():
        top = "store" if key == "public" else "private"
        for path in whole_files(root, PUSHED[key]):  # type: ignore[index]
            yield path, f"{top}/{path.relative_to(root).as_posix()}"


def write_backup(book: Submissions, out: Path, *, contacts: bool = True) -> Saved:
    """Write a `.tar.gz` of store and private folder, all of one moment.

    Raises:
        ContractError: the file is there already, or cannot be written.
    """
    _require_new(out)
    files = size = 0
    with tempfile.TemporaryDirectory(dir=book.layout.private, prefix=".partial-") as folder:
        with book.exclusive():
            for path, name in backup_files(book, contacts=contacts):
                copy_whole(path, Path(folder) / name)
                files, size = files + 1, size + path.stat().st_size
        with atomic_file(out) as partial:
            partial.touch(mode=PRIVATE_MODE)
            with tarfile.open(partial, "w:gz") as archive:
                for path in sorted(Path(folder).rglob("*")):
                    name = path.relative_to(folder).as_posix()
                    archive.add(path, arcname=name, recursive=False)
    return Saved(files, size)


def contacts_table(book: Submissions) -> str:
    """Contacts as CSV: id, state, account, name, contact. Formulas are made harmless."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["id", "state", "account", "name", "contact"])
    for one in book.list():
        contact = book.contact(one.id)
        if contact:
            row = (one.id, one.state, one.account, one.name, contact)
            writer.writerow([_harmless(cell) for cell in row])
    return table.getvalue()


def write_contacts(book: Submissions, out: Path) -> int:
    """Write the contacts to a CSV file that only its owner may read; return their number."""
    _require_new(out)
    text = contacts_table(book)
    write_text(out, text)
    out.chmod(PRIVATE_MODE)
    return text.count("\n") - 1


def _require_new(out: Path) -> None:
    if out.exists():
        raise fail(
            "output-exists", f"{out} exists already", hint="Choose another name, or remove it."
        )


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
