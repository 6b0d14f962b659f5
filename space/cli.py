"""Sub-commands of `opinion-atlas`: space (with space admin), board, rescore, mcp."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter, validators

from contracts.command_line import OUTPUT, SERVER, DryRun, Force, flag, paths
from space.server.cli_admin import admin

StoreFolder = Annotated[
    str,
    Parameter(
        help="Folder of reports (files reports/NAME.json) and predictions (in predictions/), made "
        "and filled with the baselines of the release if it holds no report yet; or "
        "hub:ORG/NAME@TAG, a dataset repo on the Hub with the same files.",
        group=SERVER,
    ),
]
ReleaseName = Annotated[
    str,
    Parameter(
        help="Release shown by the Country and Question pages, whose baselines fill an empty "
        "store: a folder, ORG/NAME@tag on the Hub, or `reference` (embedded).",
        group=SERVER,
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
            help="Address to listen on; 0.0.0.0 accepts other machines and makes this a public "
            "server, with rate limits and moderation of first uploads.",
            group=SERVER,
        ),
    ] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on.", group=SERVER)] = 7860,
    seed: Annotated[
        bool,
        Parameter(
            negative="--no-seed",
            help="Fill an empty store with the release's baselines.",
            group=SERVER,
        ),
    ] = True,
    proxy: Annotated[
        tuple[str, ...],
        paths(
            "Addresses or networks (10.0.0.0/8) of the reverse proxies in front of this server; "
            "X-Forwarded-For is trusted from these only. Default: OPINION_ATLAS_PROXIES, or none.",
            group=SERVER,
        ),
    ] = (),
    open: Annotated[  # noqa: A002
        bool, flag("Open the page in a browser once it is up.", group=SERVER)
    ] = False,
) -> None:
    """Serve the board on a local port: pages, downloads, and an API for programs.

    The page is at http://HOST:PORT/, its state at /healthz, its rows at /board.json, and a
    version that needs no scripts from this server at /static-board/.

    For example:

        opinion-atlas space --open
        opinion-atlas space --store board-store --release release --port 8000
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
        Path, Parameter(help="Folder of the static site; open its index.html.", group=OUTPUT)
    ],
    store: StoreFolder = "board-store",
    release: ReleaseName = "reference",
    seed: Annotated[
        bool,
        Parameter(
            negative="--no-seed",
            help="Fill an empty store with the release's baselines.",
            group=SERVER,
        ),
    ] = True,
    force: Force = False,
    dry_run: DryRun = False,
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
        flag("Re-score rows that are up to date as well.", name="--all"),
    ] = False,
    jobs: Annotated[
        int,
        Parameter(
            help="Processes that score rows side by side; each takes about 500 MB.",
            validator=validators.Number(gte=1),
        ),
    ] = 1,
    dry_run: Annotated[
        bool, flag("Show what would be scored; score nothing.", group=OUTPUT)
    ] = False,
) -> int:
    """Re-score all stored predictions of a board, after a change of scorer or release.

    Predictions are stored, so a new scorer can rebuild a whole board. Replaced reports go to
    STORE/archive. Exits with 1 if a row failed; it keeps its old report.
    """
    from space.server.serve import rescore_store

    return rescore_store(store, release=release, everything=everything, dry_run=dry_run, jobs=jobs)


def mcp(
    *,
    store: StoreFolder = "board-store",
    release: ReleaseName = "reference",
    port: Annotated[
        int | None,
        Parameter(
            help="Local port for streamable HTTP at http://127.0.0.1:PORT/mcp. Default: standard "
            "input and output, as clients start servers.",
            group=SERVER,
        ),
    ] = None,
    seed: Annotated[
        bool,
        Parameter(
            negative="--no-seed",
            help="Fill an empty store with the release's baselines.",
            group=SERVER,
        ),
    ] = True,
) -> None:
    """Serve the board to agents by the Model Context Protocol.

    Tools: board, model, country, question, compare and score. Only published figures are given;
    answers that are sent to be scored are not stored.

    For example:

        opinion-atlas mcp
        opinion-atlas mcp --store board-store --port 8765
    """
    from space.server.serve import serve_agents

    serve_agents(store, release=release, port=port, fill=seed)
