"""Sub-commands of `opinion-atlas space admin`: what maintainers do with submissions."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Group, Parameter

from contracts.command_line import OUTPUT, Json, flag

if TYPE_CHECKING:
    from space.submissions import Submission, Submissions
    from space.submissions.record import Action


LOOK = Group("Look", sort_key=1)
DECIDE = Group("Decide", sort_key=2)
KEEP = Group("Keep", sort_key=3)

admin = App(
    name="admin",
    help="Look after the submissions of a board: let them on, take them off, keep copies.\n\n"
    "The first upload of every account waits until a maintainer approves it. Works beside a "
    "running server, which shows changes within seconds. Start with: "
    "opinion-atlas space admin list --state pending",
)


@Parameter(name="*")
@dataclass(frozen=True)
class Place:
    """Which board."""

    store: Annotated[str, Parameter(help="Folder of the board's store.")] = "board-store"
    private: Annotated[
        Path | None,
        Parameter(
            help="Private folder of the store: records, contacts, files that are not public. By "
            "default OPINION_ATLAS_PRIVATE, or STORE-private beside the store."
        ),
    ] = None


HERE = Place()

Ids = Annotated[str, Parameter(help="Ids of submissions, as on their receipts.")]
By = Annotated[
    str,
    Parameter(help="Your name, for the record; pages say only `a maintainer`. By default $USER."),
]
Reason = Annotated[
    str, Parameter(help="Reason, which the submitter reads on the page of the receipt.")
]
DryRun = Annotated[bool, flag("Show what would be changed; change nothing.", group=OUTPUT)]
OneState = Literal["pending", "public", "hidden", "withdrawn", "rejected", "deleted"]


@admin.command(name="list", group=LOOK)
def list_all(
    *,
    state: Annotated[OneState | None, Parameter(help="Only those in this state.")] = None,
    account: Annotated[str | None, Parameter(help="Only those of this account.")] = None,
    as_json: Json = False,
    place: Place = HERE,
) -> None:
    """List submissions, oldest first.

    States: pending (waits for you), public (on the board), hidden (taken off, can come back),
    withdrawn (by its owner), rejected (never came on), deleted (contents erased).
    """
    submissions = _open(place).list(state=state, account=account)
    if as_json:
        for one in submissions:
            print(json.dumps(_facts(one), ensure_ascii=False))
        return
    for one in submissions:
        who = one.account or "(no account)"
        print(f"{one.id}  {one.state:9}  {one.row_class:13}  {one.submitted_at}  {who}  {one.name}")
    print(f"{len(submissions)} submission{'' if len(submissions) == 1 else 's'}")


@admin.command(group=LOOK)
def show(
    submission_id: Annotated[str, Parameter(help="Id, as on the receipt.")],
    *,
    contact: Annotated[
        bool, Parameter(negative="", help="Show the submitter's e-mail address as well.")
    ] = False,
    as_json: Json = False,
    place: Place = HERE,
) -> None:
    """Show a submission: what was stated, what happened, and where its files lie.

    Look into the report itself with: opinion-atlas report html FILE
    """
    book = _open(place)
    one = book.status(submission_id)
    facts = _facts(one) | {"files": {k: str(v) for k, v in book.files(one.id).items()}}
    if contact:
        facts["contact"] = book.contact(one.id)
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    events = facts.pop("events")
    for key, item in facts.items():
        if isinstance(item, dict):
            for inner, text in item.items():
                print(f"{key}: {inner}: {text}")
        elif item:
            print(f"{key}: {item}")
    for event in events:
        why = f": {event['why']}" if event["why"] else ""
        print(f"{event['at']}  {event['what']} by {event['by']}{why}")


@admin.command(group=DECIDE)
def approve(
    *ids: Ids, why: Reason = "", by: By = "", dry_run: DryRun = False, place: Place = HERE
) -> None:
    """Let waiting (or rejected) submissions onto the board.

    From then on the account's uploads appear at once, until one is hidden, rejected or deleted.
    """
    _change("approve", ids, place, by=by, why=why, dry_run=dry_run)


@admin.command(group=DECIDE)
def reject(
    *ids: Ids, why: Reason, by: By = "", dry_run: DryRun = False, place: Place = HERE
) -> None:
    """Refuse waiting submissions; they can still be approved later."""
    _change("reject", ids, place, by=by, why=why, dry_run=dry_run)


@admin.command(group=DECIDE)
def hide(*ids: Ids, why: Reason, by: By = "", dry_run: DryRun = False, place: Place = HERE) -> None:
    """Take rows off the board; their files move to the private folder and can come back."""
    _change("hide", ids, place, by=by, why=why, dry_run=dry_run)


@admin.command(group=DECIDE)
def restore(
    *ids: Ids, why: Reason = "", by: By = "", dry_run: DryRun = False, place: Place = HERE
) -> None:
    """Bring hidden rows back onto the board."""
    _change("restore", ids, place, by=by, why=why, dry_run=dry_run)


@admin.command(group=DECIDE)
def verify(
    *ids: Ids,
    undo: Annotated[
        bool, Parameter(negative="", help="Take the mark back: uploaded or self-reported again.")
    ] = False,
    why: Reason = "",
    by: By = "",
    dry_run: DryRun = False,
    place: Place = HERE,
) -> None:
    """Mark submissions as verified here: you have run the model and found the same.

    Verified rows are ranked among themselves.
    """
    _change("unverify" if undo else "verify", ids, place, by=by, why=why, dry_run=dry_run)


@admin.command(group=DECIDE)
def delete(
    *ids: Ids,
    why: Reason = "",
    yes: Annotated[bool, Parameter(negative="", help="Do not ask for confirmation.")] = False,
    forget: Annotated[
        bool,
        Parameter(
            negative="",
            help="Erase the account's name as well, as its owner may ask. Else it stays, so that "
            "the account's next upload waits for you.",
        ),
    ] = False,
    by: By = "",
    dry_run: DryRun = False,
    place: Place = HERE,
) -> None:
    """Erase submissions for good: files, contact, name, link, facts. A bare tombstone stays.

    To take a row off for a while, use hide. Copies that left this machine (backups, the history
    of a repo on the Hub) are not reached; see docs/moderation.md.
    """
    if not dry_run and not yes:
        _confirm(len(ids))
    _change("delete", ids, place, by=by, why=why, dry_run=dry_run, forget=forget)


@admin.command(group=KEEP)
def backup(
    *,
    out: Annotated[Path, Parameter(help="File to write, ending in .tar.gz.")],
    contacts: Annotated[
        bool, Parameter(negative="--no-contacts", help="Contacts go into the backup too.")
    ] = True,
    dry_run: DryRun = False,
    place: Place = HERE,
) -> None:
    """Write store and private folder, all of one moment, into one archive.

    To restore: unpack it (folders store and private), then run: opinion-atlas space admin check
    --store store --private private
    """
    from space.submissions.backup import backup_files, write_backup

    book = _open(place)
    if dry_run:
        files = [path for path, _ in backup_files(book, contacts=contacts)]
        size = sum(path.stat().st_size for path in files)
        print(f"Would write {len(files)} files ({size / 1e6:.2f} MB) to {out}.")
        return
    saved = write_backup(book, out, contacts=contacts)
    print(f"Wrote {saved.files} files ({saved.size / 1e6:.2f} MB before compression) to {out}.")
    if contacts:
        print("It holds e-mail addresses: keep it where only maintainers can read it.")


@admin.command(group=KEEP)
def export_contacts(
    *,
    out: Annotated[Path, Parameter(help="CSV file to write; only you may read it.")],
    dry_run: DryRun = False,
    place: Place = HERE,
) -> None:
    """Write the e-mail addresses that submitters left, with ids and states, to a CSV file."""
    from space.submissions.backup import contacts_table, write_contacts

    book = _open(place)
    if dry_run:
        print(f"Would write {contacts_table(book).count(chr(10)) - 1} contacts to {out}.")
        return
    print(f"Wrote {write_contacts(book, out)} contacts to {out}.")


@admin.command(group=KEEP)
def check(*, place: Place = HERE) -> int:
    """Compare all files with the records, finish what a crash left, and report inconsistencies.

    The server does the same when it starts. Exits with 1 if files are missing.
    """
    book = _open(place, quiet=True)
    for line in book.recovered:
        print(line)
    inconsistencies = book.inconsistencies()
    for line in inconsistencies:
        print(f"inconsistent: {line}")
    print(f"{len(book.list())} submissions, {len(inconsistencies)} inconsistencies")
    return 1 if inconsistencies else 0


@admin.command(group=KEEP)
def push(*, dry_run: DryRun = False, place: Place = HERE) -> None:
    """Send what the Hub lacks of the store, once; the server does so by itself.

    OPINION_ATLAS_HUB_STORE and OPINION_ATLAS_HUB_PRIVATE name the two repos (ORG/NAME),
    OPINION_ATLAS_HUB_CONTACTS a third one; HF_TOKEN is a token that may write to them.
    """
    mirror = _mirror(place)
    if dry_run:
        print(f"Would push {mirror.waiting()} files.")
        return
    mirror.prepare()
    print(f"Pushed {mirror.push()} files.")


@admin.command(group=KEEP)
def fetch(*, dry_run: DryRun = False, place: Place = HERE) -> None:
    """Fetch the store from the Hub into folders without records, as on a new machine.

    The same variables as for push name the repos.
    """
    mirror = _mirror(place)
    if dry_run:
        names = ", ".join(side.repo.name for side in mirror.sides)
        print(f"Would fetch {names} into {mirror.layout.store} and {mirror.layout.private}.")
        return
    print(f"Fetched {mirror.restore()} files.")


# What they share.


def _quiet() -> None:
    """Logs are the server's; here each command says what it does."""
    import logging

    logging.getLogger("space").addHandler(logging.NullHandler())


def _open(place: Place, *, quiet: bool = False) -> Submissions:
    from contracts.errors import fail
    from space.board.store import open_store
    from space.submissions import Submissions
    from space.submissions.layout import default_private_root

    _quiet()
    store = open_store(place.store)
    private = place.private or default_private_root(store.root)
    if not private.is_dir():
        raise fail(
            "no-private",
            f"there is no private folder at {private}: nothing was submitted to this store",
            hint="Name it with --private or OPINION_ATLAS_PRIVATE if it lies elsewhere.",
        )
    book = Submissions(store, private)
    if not quiet:
        for line in book.recovered:
            print(f"recovered: {line}", file=sys.stderr)
    return book


def _mirror(place: Place) -> Any:
    from contracts.errors import fail
    from space.submissions.hub import ENV_PRIVATE, ENV_PUBLIC
    from space.submissions.hub_service import mirror_from_environment
    from space.submissions.layout import Layout, default_private_root

    _quiet()
    store = Path(place.store)
    mirror = mirror_from_environment(Layout(store, place.private or default_private_root(store)))
    if mirror is None:
        raise fail(
            "no-hub", "no repos on the Hub are named", hint=f"Set {ENV_PUBLIC} and {ENV_PRIVATE}."
        )
    return mirror


def _facts(one: Submission) -> dict[str, Any]:
    facts = one.model_dump(mode="json", exclude={"token_digest", "schema_version", "files"})
    facts["class"] = facts.pop("row_class")
    return facts


def _change(
    action: Action,
    ids: Sequence[str],
    place: Place,
    *,
    by: str,
    why: str,
    dry_run: bool,
    forget: bool = False,
) -> None:
    """Check all ids first, so that either all of them can be changed or none is."""
    from contracts.errors import ContractError, Problem, fail
    from space.submissions.transitions import next_state

    if not ids:
        raise fail("no-ids", "no submission is named", hint="opinion-atlas space admin list")
    book = _open(place)
    planned, problems = [], list[Problem]()
    for submission_id in dict.fromkeys(ids):
        try:
            submission = book.status(submission_id)
            planned.append((submission, next_state(submission, action)))
        except ContractError as error:
            problems += error.problems
    if problems:
        raise ContractError(problems)
    for submission, state in planned:
        if not dry_run:
            _do(book, submission.id, action, by=by or _me(), why=why, forget=forget)
        print(
            f"{'would ' if dry_run else ''}{action} {submission.id}: {submission.state} -> {state}"
        )


def _do(
    book: Submissions, submission_id: str, action: Action, *, by: str, why: str, forget: bool
) -> None:
    if action == "delete":
        book.delete(submission_id, by=by, why=why, forget=forget)
    elif action in ("verify", "unverify"):
        book.verify(submission_id, by=by, why=why, undo=action == "unverify")
    else:
        getattr(book, action)(submission_id, by=by, why=why)


def _me() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "maintainer"


def _confirm(number: int) -> None:
    from contracts.errors import fail

    question = f"Erase {number} submission{'' if number == 1 else 's'} for good? Type yes: "
    if not sys.stdin.isatty() or input(question).strip().lower() != "yes":
        raise fail("not-confirmed", "nothing was deleted", hint="Confirm, or pass --yes.")
