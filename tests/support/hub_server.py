"""A local server that speaks as much of the Hugging Face Hub's HTTP API as publishing needs.

Not a mock of the client: the installed huggingface_hub talks to it over a socket. It keeps repos,
commits, refs, settings and LFS objects in memory, checks tokens and permissions, answers long lists
in pages, and can be told to break.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

LFS_SUFFIXES = (".parquet",)


@dataclass
class Commit:
    """One commit: its sha, its message, the whole tree behind it, and when it was made."""

    sha: str
    message: str
    files: dict[str, bytes]
    lfs: frozenset[str] = frozenset()
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Repo:
    """A dataset repo.

    Attributes:
        commits: of the main branch, the oldest first.
        tags: tag -> sha.
        refs: other refs by their whole name (`refs/heads/old`, `refs/pr/1`,
            `refs/convert/parquet`) -> their commits, the oldest first.
        stored: (sha256, path, size) of LFS objects ever committed, as the repo's settings list
            them; rewriting the history takes none out.
    """

    private: bool
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    refs: dict[str, list[Commit]] = field(default_factory=dict)
    gated: str | bool = False
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    stored: dict[str, tuple[str, int]] = field(default_factory=dict)
    #: Of a Space: what is mounted in it, and its variables.
    volumes: list[dict[str, Any]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    #: Commits that a tag still reaches, after the branch was rewritten.
    tagged: list[Commit] = field(default_factory=list)

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    def branch(self, revision: str) -> list[Commit]:
        """The commits behind a revision, the oldest first; empty where there is none."""
        if revision == "main":
            return self.commits
        for name in (revision, f"refs/heads/{revision}"):
            if name in self.refs:
                return self.refs[name]
        sha = self.tags.get(revision, revision)
        for line in (self.commits, *self.refs.values(), self.tagged):
            for number, commit in enumerate(line):
                if commit.sha == sha:
                    return line[: number + 1]
        return []

    def at(self, revision: str) -> Commit | None:
        line = self.branch(revision)
        return line[-1] if line else None

    def squash(self, title: str, *, created: datetime | None = None) -> None:
        """Put one commit in place of the main branch's history, as the Hub's super-squash does."""
        head = self.head
        named = [n for n, c in enumerate(self.commits) if c.sha in self.tags.values()]
        self.tagged = self.commits[: max(named, default=-1) + 1]
        sha = hashlib.sha1(f"squash {title} {head.sha}".encode()).hexdigest()
        commit = Commit(sha, title, dict(head.files), head.lfs)
        if created is not None:
            commit.created = created
        self.commits[:] = [commit]


@dataclass
class Account:
    """Who a token belongs to, where it may write or only read, and the role of the token.

    An account with `settings=False` may write files but neither see nor change settings.
    """

    name: str
    writes: tuple[str, ...] = ()
    role: str = "write"
    settings: bool = True
    reads: tuple[str, ...] = ()


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
        #: Buckets by name, with the settings that they were made with.
        self.buckets: dict[str, dict[str, Any]] = {}
        self.faults: dict[str, list[int | str]] = {}
        self.requests: Counter[str] = Counter()
        #: Called with the state before a commit is looked at: what others do meanwhile.
        self.before_commit: Any = None
        #: Kind of a request (`commit`, `tag`, `refs`) -> called once with the state after it.
        self.after: dict[str, Any] = {}
        #: Entries of a page of a list.
        self.page = 1000

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
    for path in sorted(lfs):
        repo.stored.setdefault(_etag(files[path]), (path, len(files[path])))
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
_KIND = r"(?:datasets|models|spaces)"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubState

    routes = (
        ("GET", r"/api/whoami-v2", "whoami"),
        ("POST", r"/api/repos/create", "create"),
        ("POST", r"/api/validate-yaml", "validate_yaml"),
        ("GET", rf"/api/(?:datasets|spaces)/{_ID}", "info"),
        ("GET", rf"/api/(?:datasets|spaces)/{_ID}/revision/(?P<revision>[^/]+)", "info"),
        ("GET", rf"/api/datasets/{_ID}/refs", "refs"),
        ("GET", rf"/api/{_KIND}/{_ID}/tree/(?P<revision>[^/]+)(?P<under>/.*)?", "tree"),
        ("POST", rf"/api/datasets/{_ID}/paths-info/(?P<revision>[^/]+)", "paths_info"),
        ("GET", rf"/api/datasets/{_ID}/commits/(?P<revision>[^/]+)", "commits"),
        ("GET", rf"/api/datasets/{_ID}/lfs-files", "lfs_files"),
        ("GET", rf"/api/datasets/{_ID}/auth-check/write", "auth_check"),
        ("PUT", rf"/api/datasets/{_ID}/settings", "settings"),
        ("POST", rf"/api/{_KIND}/{_ID}/preupload/(?P<revision>[^/]+)", "preupload"),
        ("POST", rf"/api/{_KIND}/{_ID}/commit/(?P<revision>[^/]+)", "commit"),
        ("POST", rf"/api/datasets/{_ID}/tag/(?P<revision>[^/]+)", "tag"),
        ("POST", rf"/(?:datasets|spaces)/{_ID}\.git/info/lfs/objects/batch", "lfs_batch"),
        ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", "lfs_put"),
        ("POST", r"/lfs-verify", "lfs_verify"),
        ("POST", rf"/api/buckets/{_ID}", "bucket"),
        ("PUT", rf"/api/spaces/{_ID}/volumes", "volumes"),
        ("POST", rf"/api/spaces/{_ID}/variables", "variables"),
        ("HEAD", rf"/datasets/{_ID}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
        ("GET", rf"/datasets/{_ID}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
    )

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet."""

    def _dispatch(self) -> None:
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for method, pattern, name in self.routes:
            match = re.fullmatch(pattern, path)
            if method == self.command and match:
                self._run(name, {k: unquote(v) for k, v in match.groupdict().items() if v}, body)
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
                if name in self.hub.after:
                    self.hub.after.pop(name)(self.hub)
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

    def _send_page(self, items: list[Any]) -> None:
        """A page of a list, with the address of the next one in a Link header."""
        address = urlsplit(self.path)
        query = {key: texts[-1] for key, texts in parse_qs(address.query).items()}
        start = int(query.get("cursor", 0))
        end = start + self.hub.page
        headers = {}
        if end < len(items):
            query["cursor"] = str(end)
            url = f"http://{self.headers['Host']}{address.path}?{urlencode(query)}"
            headers["Link"] = f'<{url}>; rel="next"'
        self._send(200, items[start:end], headers)

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
        if write and (account is None or not member or account.role == "read"):
            raise _RefusedError(403, f"You don't have the rights to write to {namespace}")
        return repo

    def _settings(self, name: str) -> Repo:
        repo = self._repo(name, write=True)
        account = self._account()
        if account is None or not account.settings:
            raise _RefusedError(403, "You don't have the rights to see the settings of this repo")
        return repo

    def _readable(self, name: str) -> Repo:
        """A repo whose files the account may read: of a gated one, members only."""
        repo = self._repo(name)
        account = self._account()
        member = account is not None and name.split("/")[0] in (account.name, *account.writes)
        if repo.gated and not member:
            raise _RefusedError(403, f"Access to dataset {name} is restricted", "GatedRepo")
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
        orgs = [{"name": name, "roleInOrg": "write"} for name in account.writes]
        orgs += [{"name": name, "roleInOrg": "read"} for name in account.reads]
        auth = {"type": "access_token", "accessToken": {"role": account.role}}
        self._send(200, {"type": "user", "name": account.name, "orgs": orgs, "auth": auth})

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
        kind = asked.get("type", "model")
        url = f"http://{self.headers['Host']}/{kind}s/{name}"
        if name in self.hub.repos:
            message = f"You already created this {kind} repo"
            self._send(
                409, {"error": message, "url": url, "name": name}, {"X-Error-Message": message}
            )
            return
        self.hub.add_repo(name, private=asked.get("visibility") == "private")
        self._send(200, {"url": url, "name": name})

    def on_bucket(self, body: bytes, repo: str) -> None:
        account = self._account()
        if account is None:
            raise _RefusedError(401, "Invalid username or password.")
        if repo.split("/")[0] not in (account.name, *account.writes):
            raise _RefusedError(403, f"You don't have the rights to create {repo}")
        there = repo in self.hub.buckets
        self.hub.buckets.setdefault(repo, json.loads(body))
        url = f"http://{self.headers['Host']}/buckets/{repo}"
        self._send(409 if there else 200, {"url": url, "id": repo})

    def on_volumes(self, body: bytes, repo: str) -> None:
        self._settings(repo).volumes = json.loads(body)["volumes"]
        self._send(200, {})

    def on_variables(self, body: bytes, repo: str) -> None:
        asked = json.loads(body)
        found = self._settings(repo).variables
        found[asked["key"]] = asked["value"]
        self._send(200, {key: {"value": text} for key, text in found.items()})

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
                "gated": found.gated,
                "createdAt": _date(found.created),
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
        kinds: dict[str, list[dict[str, str]]] = {"heads": [], "convert": [], "pr": []}
        for ref, line in {"refs/heads/main": found.commits, **found.refs}.items():
            _, kind, name = ref.split("/", 2)
            kinds[kind].append({"name": name, "ref": ref, "targetCommit": line[-1].sha})
        answer = {"branches": kinds["heads"], "converts": kinds["convert"], "tags": tags}
        if "include_prs" in urlsplit(self.path).query:
            answer["pullRequests"] = kinds["pr"]
        self._send(200, answer)

    def on_commits(self, body: bytes, repo: str, revision: str) -> None:
        found = self._repo(repo)
        self._commit_at(found, revision)
        self._send_page(
            [
                {
                    "id": commit.sha,
                    "title": commit.message,
                    "message": "",
                    "date": _date(commit.created),
                    "authors": [{"user": "system"}],
                }
                for commit in reversed(found.branch(revision))
            ]
        )

    def on_tree(self, body: bytes, repo: str, revision: str, under: str = "") -> None:
        commit = self._commit_at(self._repo(repo), revision)
        recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[-1] == "true"
        folder = f"{under.strip('/')}/" if under.strip("/") else ""
        entries = _entries(commit)
        if folder and not any(str(entry["path"]).startswith(folder) for entry in entries):
            raise _RefusedError(404, "Entry not found", "EntryNotFound")
        inside = [e for e in entries if str(e["path"]).startswith(folder)]
        self._send_page(
            [e for e in inside if recursive or "/" not in str(e["path"]).removeprefix(folder)]
        )

    def on_paths_info(self, body: bytes, repo: str, revision: str) -> None:
        commit = self._commit_at(self._repo(repo), revision)
        wanted = parse_qs(body.decode()).get("paths") or json.loads(body or b"{}").get("paths", [])
        self._send(200, [entry for entry in _entries(commit) if entry["path"] in wanted])

    def on_lfs_files(self, body: bytes, repo: str) -> None:
        self._send_page(
            [
                {
                    "fileOid": digest,
                    "oid": digest,
                    "filename": path,
                    "pushedAt": _date(datetime.now(UTC)),
                    "size": size,
                }
                for digest, (path, size) in self._settings(repo).stored.items()
            ]
        )

    def on_auth_check(self, body: bytes, repo: str) -> None:
        self._repo(repo, write=True)
        self._send(200, {})

    def on_settings(self, body: bytes, repo: str) -> None:
        found = self._settings(repo)
        asked = json.loads(body)
        if "gated" in asked:
            found.gated = asked["gated"]
        if "visibility" in asked:
            found.private = asked["visibility"] == "private"
        self._send(200, asked)

    def on_preupload(self, body: bytes, repo: str, revision: str) -> None:
        self._repo(repo, write="create_pr=1" not in self.path)
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
        proposed = parse_qs(urlsplit(self.path).query).get("create_pr", ["0"])[-1] == "1"
        found = self._repo(repo, write=not proposed)
        if proposed and self._account() is None:
            raise _RefusedError(401, "Invalid username or password.")
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
        if proposed:
            self._propose(found, repo, header["summary"], files)
            return
        commit = add_commit(found, header["summary"], files, frozenset(lfs))
        url = f"http://{self.headers['Host']}/datasets/{repo}/commit/{commit.sha}"
        self._send(200, {"commitUrl": url, "commitOid": commit.sha, "success": True})

    def _propose(self, found: Repo, repo: str, summary: str, files: dict[str, bytes]) -> None:
        """Put a commit on a pull request of its own; the main branch stays as it is."""
        number = 1 + sum(name.startswith("refs/pr/") for name in found.refs)
        sha = hashlib.sha1(f"pr {number} {summary}".encode()).hexdigest()
        found.refs[f"refs/pr/{number}"] = [*found.commits, Commit(sha, summary, files)]
        base = f"http://{self.headers['Host']}/{repo}"
        self._send(
            200,
            {
                "commitUrl": f"{base}/commit/{sha}",
                "commitOid": sha,
                "pullRequestUrl": f"{base}/discussions/{number}",
                "success": True,
            },
        )

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
        commit = self._commit_at(self._readable(repo), revision)
        content = commit.files.get(path)
        if content is None:
            raise _RefusedError(404, "Entry not found", "EntryNotFound")
        headers = {"X-Repo-Commit": commit.sha, "ETag": f'"{_etag(content)}"'}
        if self.command == "HEAD":
            headers["Content-Length"] = str(len(content))
        self._send(200, content, headers)


def _entries(commit: Commit) -> list[dict[str, Any]]:
    """Folders and files of a commit, as the Hub lists them."""
    folders = {path.rpartition("/")[0] for path in commit.files} - {""}
    entries: list[dict[str, Any]] = [
        {"type": "directory", "path": path, "size": 0, "oid": _etag(path.encode())}
        for path in sorted(folders)
    ]
    for path, content in sorted(commit.files.items()):
        entry = {"type": "file", "path": path, "size": len(content), "oid": _etag(content)}
        if path in commit.lfs:
            entry["lfs"] = {"oid": _etag(content), "size": len(content), "pointerSize": 100}
        entries.append(entry)
    return entries


def _etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _date(moment: datetime) -> str:
    """As the Hub writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
