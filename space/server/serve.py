"""Start the server, or write the static site: what the sub-commands do."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from contracts.errors import ContractError, fail
from contracts.release.read import open_release
from space.board.index import is_sound
from space.board.store import HUB, Store, open_store
from space.server.logs import set_up_logs
from space.submissions.hub_service import begin_mirror
from space.visitors.proxies import is_loopback, trusted_proxies
from space.visitors.visitor import is_public

log = logging.getLogger("space.board.store")


def prepare_store(folder: str, *, release: str, fill: bool) -> Store:
    """Open a store, make it if needed, fill it if it is empty, and build its index."""
    from space.board.seed import seed_store

    store = open_store(folder, create=fill)
    if fill and not store.report_files():
        from rich.console import Console

        with Console(stderr=True).status(f"Scoring the baselines of {release} into {folder} ..."):
            seed_store(store, source=release)
    try:
        store.ensure_index(force=True)
        store.mend_index()
    except ContractError as error:
        if not is_sound(store.index_path):
            raise
        log.error("the board is as it was: no new index", extra={"why": str(error)[:300]})
    warn_of_exact_figures(store)
    return store


def warn_of_exact_figures(store: Store) -> None:
    """Name reports that are not shown since they rest on exact figures."""
    with store.connect() as db:
        rows = db.execute("SELECT row_id, problem FROM files WHERE problem != ''").fetchall()
    hidden = [row for row in rows if "exact" in row["problem"] or "withdrawn" in row["problem"]]
    if hidden:
        names = ", ".join(row["row_id"] for row in hidden[:10])
        print(
            f"{len(hidden)} reports are not shown: {names}{' ...' if len(hidden) > 10 else ''}\n"
            f"{hidden[0]['problem']}",
            file=sys.stderr,
        )


def serve(
    folder: str,
    *,
    release: str,
    host: str,
    port: int,
    fill: bool,
    open_browser: bool,
    proxies: Sequence[str] = (),
) -> None:
    """Serve the board until it is stopped.

    On an address that other machines reach it is a public server, whatever the environment says.

    Raises:
        ContractError: the port is taken, the store or the release cannot be opened, or a proxy is
            named by what is no address.
    """
    trusted = trusted_proxies(proxies)
    _check_port(host, port)
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    set_up_logs()
    opened = open_release(release)
    pusher = None if folder.startswith(HUB) else begin_mirror(Path(folder))
    store = prepare_store(folder, release=release, fill=fill)
    try:
        import uvicorn

        from space.board.survey_answers import People
        from space.server.web import make_server
    except ModuleNotFoundError as error:
        raise fail(
            "no-gradio",
            f"the web app needs the package {error.name}",
            hint="Install it with: pip install 'opinion-atlas[space]'; or write a static site, "
            "which needs nothing: opinion-atlas board --export FOLDER",
        ) from None
    public = is_public() or not is_loopback(host)
    server = make_server(store, People(opened), public=public, proxies=trusted)
    address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/"  # noqa: S104
    if open_browser:
        threading.Thread(target=_open_when_up, args=(address, host, port), daemon=True).start()
    print(f"Opinion Atlas is at {address} (stop with Ctrl-C)", flush=True)
    try:
        uvicorn.run(
            server,
            host=host,
            port=port,
            log_level="warning",
            timeout_graceful_shutdown=3,
            proxy_headers=False,  # make_server looks at them itself, for named proxies only
        )
    finally:
        if pusher is not None:
            pusher.stop()


def serve_agents(folder: str, *, release: str, port: int | None, fill: bool) -> None:
    """Serve the board to agents until the client goes or the server is stopped.

    Raises:
        ContractError: the package mcp is not installed, the port is taken, or the store or the
            release cannot be opened.
    """
    try:
        from space.agents.server import serve_mcp
    except ModuleNotFoundError as error:
        raise fail(
            "no-mcp",
            f"serving agents needs the package {error.name}",
            hint="Install it with: pip install 'opinion-atlas[mcp]'",
        ) from None
    from space.board.public import public_release
    from space.board.survey_answers import People

    if port is not None:
        _check_port("127.0.0.1", port)
    people = People(public_release(open_release(release)))
    store = prepare_store(folder, release=release, fill=fill)
    if port is not None:
        # Standard output belongs to the protocol where there is no port.
        print(f"Opinion Atlas is at http://127.0.0.1:{port}/mcp (stop with Ctrl-C)", flush=True)
    serve_mcp(store, people, port=port)


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise fail(
                "port-taken",
                f"cannot listen on {host}:{port}: {error.strerror}",
                hint="Choose another one with --port.",
            ) from None


def _open_when_up(address: str, host: str, port: int) -> None:
    for _ in range(120):
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.5)
            continue
        webbrowser.open(address)
        return


def export_static(
    folder: str, out: Path, *, release: str, fill: bool, force: bool, dry_run: bool
) -> None:
    """Write the board of a store as a static site and say where it is."""
    from space.board.public import public_release
    from space.board.survey_answers import People
    from space.server.static_site import export_board

    if dry_run:
        there = folder.startswith(HUB) or Path(folder).is_dir()
        rows = len(open_store(folder).report_files()) if there else 0
        print(f"Would write the board of {folder} ({rows} reports) to {out}.")
        return
    if out.exists() and not force:
        raise fail(
            "output-exists",
            f"{out} exists already",
            hint="Choose another folder, or pass --force to replace it.",
        )
    store = prepare_store(folder, release=release, fill=fill)
    people = People(public_release(open_release(release)))
    files = export_board(store, out, people=people, replace=force)
    print(f"Wrote {len(files)} files. Open {out / 'index.html'} in a browser.")


def rescore_store(
    folder: str, *, release: str, everything: bool, dry_run: bool, jobs: int = 1
) -> int:
    """Score a store again and say what became of each row; 1 if a row failed."""
    from space.server.rescore import plan_rescore, rescore

    store = open_store(folder)
    outcomes = (
        plan_rescore(store, open_release(release), everything=everything)
        if dry_run
        else rescore(store, source=release, everything=everything, jobs=jobs)
    )
    failed = 0
    for row_outcome in outcomes:
        failed += row_outcome.outcome == "failed"
        print(
            f"{row_outcome.row_id}: {row_outcome.outcome}"
            f"{f' ({row_outcome.detail})' if row_outcome.detail else ''}"
        )
    if not dry_run:
        store.ensure_index(force=True)
    return 1 if failed else 0
