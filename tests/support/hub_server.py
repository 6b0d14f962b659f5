"""A local server that speaks as much of the Hugging Face Hub's HTTP API as publishing needs.

Not a mock of the client: the installed huggingface_hub talks to it over a socket. It keeps repos,
commits, tags and LFS objects in memory, checks tokens and permissions, and can be told to break.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

LFS_SUFFIXES = (".parquet",)


@dataclass
class Commit:
    """One commit: its sha, its message, and the whole tree behind it."""

    sha: str
    message: str
    files: dict[str, bytes]
    lfs: frozenset[str] = frozenset()


@dataclass
class Repo:
    """A dataset repo."""

    private: bool
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    def at(self, revision: str) -> Commit | None:
        sha = self.tags.get(revision, self.head.sha if revision == "main" else revision)
        return next((commit for commit in self.commits if commit.sha == sha), None)


@dataclass
class Account:
    """Who a token belongs to, and in which namespaces it may write."""

    name: str
    writes: tuple[str, ...] = ()


class HubState:
    """Everything that the server knows, and the faults it is told to make.

    `faults` maps a kind of request (`lfs-put`, `commit`, `tag`, `create`) to a list of what the
    next such requests get: an HTTP status, or "drop" for a connection that breaks half-way.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.accounts: dict[str, Account] = {}
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.faults: dict[str, list[int | str]] = {}
        self.requests: Counter[str] = Counter()
        #: Called with the state before a commit is looked at: somebody else's doings.
        self.before_commit: Any = None

    def add_repo(self, name: str, *, private: bool) -> Repo:
        repo = Repo(private)
        self.repos[name] = repo
        add_commit(repo, "initial commit", {".gitattributes": b"*.parquet filter=lfs\n"})
        return repo


def add_commit(
    repo: Repo, message: str, files: dict[str, bytes], lfs: frozenset[str] = frozenset()
) -> Commit:
    """Put a commit with a whole tree on top of a repo."""
    basis = json.dumps([len(repo.commits), message, sorted(files)]).encode()
    sha = hashlib.sha1(basis).hexdigest()
    repo.commits.append(Commit(sha, message, files, lfs))
    return repo.commits[-1]


class HubServer:
    """The server, running in a thread as long as the context lasts."""

    def __init__(self) -> None:
        self.state = HubState()
        state = self.state

        class Handler(_Handler):
            hub = state

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> HubServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class _RefusedError(Exception):
    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


_ID = r"(?P<repo>[^/]+/[^/]+)"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubState

    routes = (
        ("GET", r"/api/whoami-v2", "whoami"),
        ("POST", r"/api/repos/create", "create"),
        ("POST", r"/api/validate-yaml", "validate_yaml"),
        ("GET", rf"/api/datasets/{_ID}", "info"),
        ("GET", rf"/api/datasets/{_ID}/revision/(?P<revision>[^/]+)", "info"),
        ("GET", rf"/api/datasets/{_ID}/refs", "refs"),
        ("GET", rf"/api/datasets/{_ID}/tree/(?P<revision>[^/]+)", "tree"),
        ("POST", rf"/api/datasets/{_ID}/preupload/(?P<revision>[^/]+)", "preupload"),
        ("POST", rf"/api/datasets/{_ID}/commit/(?P<revision>[^/]+)", "commit"),
        ("POST", rf"/api/datasets/{_ID}/tag/(?P<revision>[^/]+)", "tag"),
        ("POST", rf"/datasets/{_ID}\.git/info/lfs/objects/batch", "lfs_batch"),
        ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", "lfs_put"),
        ("POST", r"/lfs-verify", "lfs_verify"),
        ("HEAD", rf"/datasets/{_ID}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
        ("GET", rf"/datasets/{_ID}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
    )

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet."""

    def _dispatch(self) -> None:
        path = unquote(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for method, pattern, name in self.routes:
            match = re.fullmatch(pattern, path)
            if method == self.command and match:
                self._run(name, match.groupdict(), body)
                return
        self._send(404, {"error": f"no route {self.command} {path}"})

    do_GET = do_POST = do_PUT = do_HEAD = _dispatch  # noqa: N815

    def _run(self, name: str, arguments: dict[str, str], body: bytes) -> None:
        with self.hub.lock:
            self.hub.requests[name] += 1
            fault = self._fault(name)
            if fault == "drop":
                self.close_connection = True
                self.connection.close()
                return
            try:
                if isinstance(fault, int):
                    raise _RefusedError(fault, "told to fail")
                getattr(self, f"on_{name}")(body, **arguments)
            except _RefusedError as refused:
                headers = {"X-Error-Message": refused.message}
                if refused.code:
                    headers["X-Error-Code"] = refused.code
                self._send(refused.status, {"error": refused.message}, headers)

    def _fault(self, name: str) -> int | str | None:
        waiting = self.hub.faults.get(name.replace("_", "-"))
        return waiting.pop(0) if waiting else None

    def _send(self, status: int, item: Any = None, headers: dict[str, str] | None = None) -> None:
        content = item if isinstance(item, bytes) else json.dumps(item).encode()
        self.send_response(status)
        given = headers or {}
        if "Content-Length" not in given:
            self.send_header("Content-Length", str(len(content)))
        for key, text in given.items():
            self.send_header(key, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    # Who asks, and what they may see and do.

    def _account(self) -> Account | None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ").strip()
        if not token:
            return None
        if token not in self.hub.accounts:
            raise _RefusedError(401, "Invalid credentials in Authorization header")
        return self.hub.accounts[token]

    def _repo(self, name: str, *, write: bool = False) -> Repo:
        account = self._account()
        repo = self.hub.repos.get(name)
        namespace = name.split("/")[0]
        member = account is not None and namespace in (account.name, *account.writes)
        if repo is None or (repo.private and not member):
            raise _RefusedError(404, "Repository not found", "RepoNotFound")
        if write and not member:
            raise _RefusedError(403, f"You don't have the rights to write to {namespace}")
        return repo

    def _commit_at(self, repo: Repo, revision: str) -> Commit:
        commit = repo.at(revision)
        if commit is None:
            raise _RefusedError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    # The endpoints.

    def on_whoami(self, body: bytes) -> None:
        account = self._account()
        if account is None:
            raise _RefusedError(401, "Invalid username or password.")
        orgs = [{"name": name} for name in account.writes]
        self._send(200, {"type": "user", "name": account.name, "orgs": orgs})

    def on_create(self, body: bytes) -> None:
        account = self._account()
        asked = json.loads(body)
        if account is None:
            raise _RefusedError(401, "Invalid username or password.")
        namespace = asked.get("organization") or account.name
        if namespace not in (account.name, *account.writes):
            raise _RefusedError(
                403, f"You don't have the rights to create a dataset under {namespace}"
            )
        name = f"{namespace}/{asked['name']}"
        if name in self.hub.repos:
            raise _RefusedError(409, "You already created this dataset repo")
        self.hub.add_repo(name, private=asked.get("visibility") == "private")
        self._send(200, {"url": f"http://{self.headers['Host']}/datasets/{name}", "name": name})

    def on_validate_yaml(self, body: bytes) -> None:
        content = json.loads(body)["content"]
        if not content.startswith("---\n"):
            self._send(200, {"errors": [], "warnings": [{"message": "empty metadata"}]})
            return
        self._send(200, {"errors": [], "warnings": []})

    def on_info(self, body: bytes, repo: str, revision: str = "main") -> None:
        found = self._repo(repo)
        commit = self._commit_at(found, revision)
        self._send(
            200,
            {
                "_id": "0",
                "id": repo,
                "author": repo.split("/")[0],
                "sha": commit.sha,
                "private": found.private,
                "gated": False,
                "disabled": False,
                "downloads": 0,
                "likes": 0,
                "tags": [],
                "siblings": [{"rfilename": path} for path in commit.files],
            },
        )

    def on_refs(self, body: bytes, repo: str) -> None:
        found = self._repo(repo)
        tags = [
            {"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": sha}
            for tag, sha in found.tags.items()
        ]
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": found.head.sha}
        self._send(200, {"branches": [main], "converts": [], "tags": tags})

    def on_tree(self, body: bytes, repo: str, revision: str) -> None:
        commit = self._commit_at(self._repo(repo), revision)
        self._send(
            200,
            [
                {"type": "file", "path": path, "size": len(content), "oid": _etag(content)}
                | (
                    {"lfs": {"oid": _etag(content), "size": len(content), "pointerSize": 100}}
                    if path in commit.lfs
                    else {}
                )
                for path, content in commit.files.items()
            ],
        )

    def on_preupload(self, body: bytes, repo: str, revision: str) -> None:
        self._repo(repo, write=True)
        files = [
            {
                "path": asked["path"],
                "uploadMode": "lfs" if asked["path"].endswith(LFS_SUFFIXES) else "regular",
                "shouldIgnore": False,
            }
            for asked in json.loads(body)["files"]
        ]
        self._send(200, {"files": files})

    def on_lfs_batch(self, body: bytes, repo: str) -> None:
        self._repo(repo, write=True)
        base = f"http://{self.headers['Host']}"
        objects = []
        for asked in json.loads(body)["objects"]:
            entry: dict[str, Any] = {"oid": asked["oid"], "size": asked["size"]}
            if asked["oid"] not in self.hub.objects:
                entry["actions"] = {
                    "upload": {"href": f"{base}/lfs/{asked['oid']}"},
                    "verify": {"href": f"{base}/lfs-verify"},
                }
            objects.append(entry)
        self._send(200, {"transfer": "basic", "objects": objects})

    def on_lfs_put(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            raise _RefusedError(400, "the content is not that of the oid")
        self.hub.objects[oid] = body
        self._send(200, {})

    def on_lfs_verify(self, body: bytes) -> None:
        if json.loads(body)["oid"] not in self.hub.objects:
            raise _RefusedError(404, "no such object")
        self._send(200, {})

    def on_commit(self, body: bytes, repo: str, revision: str) -> None:
        found = self._repo(repo, write=True)
        if self.hub.before_commit is not None:
            self.hub.before_commit(self.hub)
        lines = [json.loads(line) for line in body.splitlines()]
        header = lines[0]["value"]
        parent = header.get("parentCommit")
        if parent and parent != found.head.sha:
            raise _RefusedError(412, "A commit has happened since. Please refresh and try again.")
        files, lfs = dict(found.head.files), set(found.head.lfs)
        for line in lines[1:]:
            self._apply(line["key"], line["value"], files, lfs)
        commit = add_commit(found, header["summary"], files, frozenset(lfs))
        url = f"http://{self.headers['Host']}/datasets/{repo}/commit/{commit.sha}"
        self._send(200, {"commitUrl": url, "commitOid": commit.sha, "success": True})

    def _apply(
        self, key: str, change: dict[str, Any], files: dict[str, bytes], lfs: set[str]
    ) -> None:
        path = change["path"]
        if key == "deletedFile":
            del files[path]
            lfs.discard(path)
        elif key == "lfsFile":
            if change["oid"] not in self.hub.objects:
                raise _RefusedError(400, f"the LFS object of {path} was never uploaded")
            files[path] = self.hub.objects[change["oid"]]
            lfs.add(path)
        else:
            files[path] = base64.b64decode(change["content"])

    def on_tag(self, body: bytes, repo: str, revision: str) -> None:
        found = self._repo(repo, write=True)
        commit = self._commit_at(found, revision)
        tag = json.loads(body)["tag"]
        if tag in found.tags:
            raise _RefusedError(409, "Tag reference exists already")
        found.tags[tag] = commit.sha
        self._send(200, {})

    def on_resolve(self, body: bytes, repo: str, revision: str, path: str) -> None:
        commit = self._commit_at(self._repo(repo), revision)
        content = commit.files.get(path)
        if content is None:
            raise _RefusedError(404, "Entry not found", "EntryNotFound")
        headers = {"X-Repo-Commit": commit.sha, "ETag": f'"{_etag(content)}"'}
        if self.command == "HEAD":
            headers["Content-Length"] = str(len(content))
        self._send(200, content, headers)


def _etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
