"""Where everything of a submission lies: the public store, and a private folder beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.atomic import PARTIAL_PREFIX
from contracts.errors import fail
from space.submissions.record import Role, Submission

#: Folder of the store that each kind of file is shown in. Reports come last and go first: a row
#: is on the board only while all its files are there.
PUBLIC_FOLDERS: dict[Role, str] = {
    "predictions": "predictions",
    "meta": "predictions",
    "report": "reports",
}
ENTRIES = "entries"
PRIVATE_FOLDERS = ("arriving", "held", "records", "unsettled", "contacts")


@dataclass(frozen=True)
class Layout:
    """Paths of a store and its private folder.

    `arriving/ID/` holds what is being copied, `held/ID/` the files of submissions that are not
    public, `records/ID.json` the records, `unsettled/ID` marks a submission whose files may not
    be where its record says, `contacts/ID.json` the contacts.
    """

    store: Path
    private: Path

    @property
    def lock(self) -> Path:
        """The lock that writers hold."""
        return self.private / "lock"

    @property
    def records(self) -> Path:
        """Folder of the records."""
        return self.private / "records"

    @property
    def contacts(self) -> Path:
        """Folder of the contacts."""
        return self.private / "contacts"

    def contact(self, submission_id: str) -> Path:
        """The contact of a submission."""
        return self.contacts / f"{submission_id}.json"

    @property
    def unsettled(self) -> Path:
        """Folder of the marks."""
        return self.private / "unsettled"

    @property
    def arrivals(self) -> Path:
        """Folder of what is being copied."""
        return self.private / "arriving"

    def arriving(self, submission_id: str) -> Path:
        """Where files are copied to before they count."""
        return self.arrivals / submission_id

    def mark(self, submission_id: str) -> Path:
        """Says that the files of a submission may not be where its record says."""
        return self.unsettled / submission_id

    def held(self, submission_id: str) -> Path:
        """Where files lie that are not public."""
        return self.private / "held" / submission_id

    def all_held(self) -> list[Path]:
        """Folders of all submissions that are not public."""
        return list((self.private / "held").iterdir())

    def record(self, submission_id: str) -> Path:
        """The record; its rename into place is what commits a change."""
        return self.records / f"{submission_id}.json"

    def entry(self, submission_id: str) -> Path:
        """What the store itself says of a row: class, account, whether it is a tombstone."""
        return self.store / ENTRIES / f"{submission_id}.json"

    def public(self, role: Role, name: str) -> Path:
        """Where the store shows a file."""
        return self.store / PUBLIC_FOLDERS[role] / name

    def places(self, submission: Submission) -> Iterator[tuple[Path, Path]]:
        """(held, public) path of each file, in the order in which they come onto the board."""
        for role in PUBLIC_FOLDERS:
            if role in submission.files:
                name = submission.files[role].name
                yield self.held(submission.id) / name, self.public(role, name)

    def prepare(self) -> None:
        """Make the folders; the private ones are for their owner alone.

        Raises:
            ContractError: the private folder would lie in the store or the other way round, or
                cannot be made.
        """
        store, private = self.store.resolve(), self.private.resolve()
        if private.is_relative_to(store) or store.is_relative_to(private):
            raise fail(
                "private-inside",
                "the private folder and the store may not lie in one another",
                found=f"private folder {private}, store {store}",
                hint="Contacts and files that wait would be served or copied with the store; "
                "choose a folder beside it.",
            )
        try:
            for folder in (*PUBLIC_FOLDERS.values(), ENTRIES):
                (self.store / folder).mkdir(parents=True, exist_ok=True)
            self.private.mkdir(parents=True, exist_ok=True)
            self.private.chmod(0o700)
            for folder in PRIVATE_FOLDERS:
                (self.private / folder).mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise fail(
                "cannot-write",
                f"cannot make the folders of the submissions: {error.strerror}",
                where=str(error.filename or self.private),
            ) from None


def default_private_root(store_root: Path) -> Path:
    """OPINION_ATLAS_PRIVATE, or the folder `<store>-private` beside the store."""
    named = os.environ.get("OPINION_ATLAS_PRIVATE", "")
    whole = store_root.resolve()
    return Path(named) if named else whole.with_name(f"{whole.name}-private")


def is_partial(path: Path) -> bool:
    """Whether a file or folder is an output that was not finished."""
    return path.name.startswith(PARTIAL_PREFIX)
