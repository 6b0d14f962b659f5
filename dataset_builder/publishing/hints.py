"""Reasons and next steps that messages about publishing share."""

from __future__ import annotations

#: Why individual rows are not made public.
WHY_PRIVATE = (
    "the World Values Survey's terms forbid redistributing its data files, and individual rows "
    "could identify a respondent"
)


def other_name(repo: str) -> str:
    """A name for a new repo beside `repo`."""
    return f"{repo}-2" if repo.endswith("-public") else f"{repo}-public"


def new_repo_hint(repo: str) -> str:
    """The one way out where a repo cannot be public: another repo."""
    return (
        "Publish the aggregates into a new repo under another name, for instance: "
        f"--repo {other_name(repo)} --public"
    )


def at_once(repo: str, then: str) -> str:
    """What to do at once where individual rows can be read by everyone, a line per step."""
    return (
        "Do this at once:\n"
        f"  1. make the repo private: hf repos settings {repo} --type dataset --private\n"
        "  2. delete it, since its history keeps deleted files: "
        f"{delete_command(repo)}\n"
        "  3. tell those who are responsible for the data at your institution: copies may exist\n"
        f"  4. {then}"
    )


def delete_command(repo: str) -> str:
    """The command with which its owner deletes a repo."""
    return f"hf repos delete {repo} --type dataset"
