"""Ratings on a server: compared with single persons, so only with care.

A release with single persons that a maintainer attached scores uploads by
`scoring.protocols.worldvaluesbench.protected`: what leaves it is made from a table
of its probe with counts to the nearest 5, which no upload changes. Reports of ratings made
elsewhere hold the same scores and no more before they are stored.
"""

from __future__ import annotations

from contracts.errors import ContractError, Problem, fail
from contracts.release.read import Release
from contracts.report import Report
from contracts.report_tables.worldvaluesbench import WorldValuesBenchTables
from scoring.protocols.worldvaluesbench.report_entries import PROBE, PROTECTED_PROBE

#: Wave and coding that tell whether a release is of use; its probe holds this wave alone.
_WAVE, _CODING = 7, "raw"


def no_release(*, public: bool) -> ContractError:
    """The error of a rating upload where no release with single persons is attached."""
    return fail(
        "needs-individuals",
        "ratings are compared with the answers of single persons, which this board does not hold",
        hint="Score them on your own machine, then submit the report: "
        "opinion-atlas build FILE --out RELEASE, then opinion-atlas score PREDICTIONS "
        "--release RELEASE --out report.json"
        + (". A maintainer can attach a private release (docs/running-a-space.md)" * public),
    )


def no_login() -> ContractError:
    """The error of a rating upload by a visitor without an account."""
    return fail(
        "needs-login",
        "ratings are scored here for visitors who are logged in, since attempts are limited",
        hint="Log in with Hugging Face on the page Submit; or score them on your own machine: "
        "opinion-atlas score PREDICTIONS --release RELEASE --out report.json",
    )


def no_quota_book() -> ContractError:
    """The error of a rating upload where attempts cannot be counted."""
    return fail(
        "no-quota-book",
        "ratings are not scored here: attempts are limited, and this store cannot keep count",
        hint="Score them on your own machine: opinion-atlas score PREDICTIONS --release RELEASE "
        "--out report.json",
    )


def probe_questions(release: Release) -> tuple[str, ...]:
    """Questions of a release's probe that uploads are scored on.

    Raises:
        ContractError: the release has no probe, or one of too few people.
    """
    from codebook import value_questions
    from scoring.protocols.worldvaluesbench.probe_counts import read_probe_counts

    if not release.has_individuals or not release.has("probe"):
        raise no_release(public=True)
    every = tuple(value_questions())
    return read_probe_counts(release, every, wave=_WAVE, coding=_CODING).question_ids


def check_own_report(report: Report) -> None:
    """Refuse a report of ratings that covers too little of a probe to be shown.

    Its scores are its sender's word; what it says of people is not to be about few of them.

    Raises:
        ContractError: it does, all problems at once.
    """
    from contracts.release.disclosure import MINIMUM_CELL
    from scoring.protocols.worldvaluesbench.protected import LEAST_COVERAGE

    problems = []
    share = report.coverage.share or 0.0
    compared = report.tables_of(WorldValuesBenchTables).compared_with
    whole = compared in (PROBE, PROTECTED_PROBE)
    if share < LEAST_COVERAGE or not whole:
        problems.append(
            Problem(
                "low-coverage",
                "a report of ratings is shown here only if they answer a release's probe, and "
                "nothing else",
                found=f"{share:.1%} of {'the probe' if whole else 'other pairs'}",
                allowed=f"at least {LEAST_COVERAGE:.0%}",
            )
        )
    few = [
        one.question_id
        for one in report.questions
        if one.alignment.estimate is not None
        and (one.extra.get("ratings") or MINIMUM_CELL) < MINIMUM_CELL
    ]
    if few:
        problems.append(
            Problem(
                "few-people",
                "some questions are answered for too few people",
                found=", ".join(few[:20]),
                allowed=f"at least {MINIMUM_CELL} people each",
                hint="Make it with: opinion-atlas score PREDICTIONS --release RELEASE --protected "
                "--out report.json",
            )
        )
    if problems:
        raise ContractError(problems, subject="ratings")
