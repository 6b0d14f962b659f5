"""A public server as on a Space, whose hosted models are answered by a local server.

Run as a script: `python public_space.py STORE MODEL_URL PORT`. Logins are cookies that tests sign
themselves (`login_cookie`): the login server of the Hub is not there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

SECRET = "secret-of-the-tests"

#: What the environment of a Space holds.
SPACE = {
    "SYSTEM": "spaces",
    "SPACE_ID": "somebody/atlas",
    "SPACE_HOST": "somebody-atlas.hf.space",
    "OAUTH_CLIENT_ID": "client",
    "OAUTH_CLIENT_SECRET": SECRET,
    "OAUTH_SCOPES": "openid profile inference-api",
    "OPENID_PROVIDER_URL": "https://huggingface.co",
    "HF_HUB_OFFLINE": "0",
    "GRADIO_ANALYTICS_ENABLED": "False",
}


def be_a_space(patch: Any) -> None:
    """Make this process believe that it runs on a Space, for a server that runs in it.

    Args:
        patch: pytest's monkeypatch.
    """
    for name, text in SPACE.items():
        if not name.startswith("HF_"):
            patch.setenv(name, text)
    for name in ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL"):
        # The framework reads the environment once, when it is first imported.
        patch.setattr(f"gradio.oauth.{name}", SPACE[name])


def login_cookie(name: str, token: str) -> str:
    """The session cookie of someone who is logged in, as gradio's session signs it."""
    from itsdangerous import TimestampSigner

    info = {
        "access_token": token,
        "scope": "openid profile inference-api",
        "expires_at": int(time.time()) + 3600,
        "userinfo": {
            "name": name.title(), "preferred_username": name,
            "profile": f"https://huggingface.co/{name}", "picture": "",
        },
    }  # fmt: skip
    signer = TimestampSigner(hashlib.sha256(f"{SECRET}-v4".encode()).hexdigest())
    packed = base64.b64encode(json.dumps({"oauth_info": info}).encode())
    return signer.sign(packed).decode()


def main() -> None:
    """Serve until killed."""
    import uvicorn
    from runs_house import PUBLIC_QUICK, hub_opener

    from contracts.release.read import open_release
    from space.board.survey_answers import People
    from space.intake.desk import open_desk
    from space.runs.book import RunBook
    from space.runs.service import Runs
    from space.server.logs import set_up_logs
    from space.server.serve import prepare_store
    from space.server.web import make_server

    root, url, port = sys.argv[1:4]
    set_up_logs()
    release = open_release("reference")
    store = prepare_store(root, release="reference", fill=False)
    book = open_desk(store, release).book
    assert book is not None
    runs = Runs(
        store, RunBook(book.layout.private), release, PUBLIC_QUICK, book, opener=hub_opener(url)
    )
    server = make_server(store, People(release), runs=runs)
    uvicorn.run(
        server, host="127.0.0.1", port=int(port), log_level="warning", timeout_graceful_shutdown=3
    )


if __name__ == "__main__":
    os.environ.update(SPACE)
    sys.path.insert(0, str(Path(__file__).parent))
    main()
