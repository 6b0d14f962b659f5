"""Sub-commands of `opinion-atlas`: space (with space admin), board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from space.server.cli_admin import admin

StoreFolder = Annotated[
    str,
    Parameter(
        help="Folder of reports (files reports/NAME.json) and predictions (in predictions/), made "
        "and filled with the baselines of the release if it holds no report yet; or "
        "hub:ORG/NAME@TAG, a dataset repo on the Hub with the same files."
    ),
]
ReleaseName = Annotated[
    str,
    Parameter(
        help="Release whose people the Country and Question pages show, and whose baselines fill "
        "an empty store: a folder, ORG/NAME@tag on the Hub, or `reference` (embedded)."
    ),
]


space_app = App(name="space")
space_app.command(admin)


@space_app.default
def space(
    *,
    store: StoreFolder = "board-store",
    release: ReleaseName = "reference",
    host: Annotated[
        str,
        Parameter(
            help="Address to listen on; 0.0.0.0 lets other machines in, and makes this a public "
            "server, on which limits hold and first uploads wait."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on.")] = 7860,
    seed: Annotated[
        bool,
        Parameter(
            negative="--no-seed",
            help="Fill an empty store with the release's baselines, so that nothing is empty.",
        ),
    ] = True,
    proxy: Annotated[
        tuple[str, ...],
        Parameter(
            help="Addresses or networks (10.0.0.0/8) of the reverse proxies before this server: "
            "from them alone X-Forwarded-For says who a visitor is. By default those of "
            "OPINION_ATLAS_PROXIES; none where that is not set.",
            consume_multiple=True,
            negative="",
        ),
    ] = (),
    open: Annotated[  # noqa: A002
        bool, Parameter(negative="", help="Open the page in a browser once it is up.")
    ] = False,
) -> None:
    """Serve the board on a local port: pages, downloads, and an API for programs.

    The page is at http://HOST:PORT/, its state at /healthz, its rows at /board.json, and a
    version that needs no scripts from this server at /static-board/.
    """
    from space.server.serve import serve

    serve(
        store,
        release=release,
        host=host,
        port=port,
        fill=seed,
        open_browser=open,
        proxies=proxy,
    )


def board(
    *,
    export: Annotated[
        Path, Parameter(help="Folder to write the static site to; open its index.html.")
    ],
    store: StoreFolder = "board-store",
    release: ReleaseName = "reference",
    seed: Annotated[
        bool,
        Parameter(
            negative="--no-seed",
            help="Fill an empty store with the release's baselines, so that nothing is empty.",
        ),
    ] = True,
    force: Annotated[bool, Parameter(negative="", help="Replace the folder if it exists.")] = False,
    dry_run: Annotated[
        bool, Parameter(negative="", help="Say what would be written, and write nothing.")
    ] = False,
) -> None:
    """Export the board as a static site that opens from files, without a server.

    Facets, search, sort, permalinks and downloads work there as they do in the app.
    """
    from space.server.serve import export_static

    export_static(store, export, release=release, fill=seed, force=force, dry_run=dry_run)


def rescore(
    *,
    store: StoreFolder = "board-store",
    release: ReleaseName = "reference",
    everything: Annotated[
        bool,
        Parameter(name="--all", negative="", help="Score rows that are up to date anew as well."),
    ] = False,
    dry_run: Annotated[
        bool, Parameter(negative="", help="Say what would be scored, and score nothing.")
    ] = False,
) -> int:
    """Score the predictions of a store anew, for a new scorer or a new release.

    Predictions are kept, so a new scorer can rebuild a whole board. Replaced reports go to
    STORE/archive. Exits with 1 if a row failed; it keeps its old report.
    """
    from space.server.serve import rescore_store

    return rescore_store(store, release=release, everything=everything, dry_run=dry_run)
