"""One dataset repo on the Hugging Face Hub: what it is, one commit, one tag, clear errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import ContractError, Problem

if TYPE_CHECKING:
    from huggingface_hub import HfApi


REPO_TYPE = "dataset"
MAIN = "main"

_LOGIN = "Log in with: hf auth login (use a token with write permission)."
_ASK_FOR_ACCESS = "Ask for write access to the namespace, or use another token: hf auth login."
_AGAIN = "Run the same command again: what has arrived is not sent twice."

#: HTTP status -> (code, what it means, next step).
_MEANINGS: Mapping[int, tuple[str, str, str]] = {
    401: ("no-login", "the token is missing or not valid", _LOGIN),
    403: (
        "no-permission",
        "the token may not do this",
        _ASK_FOR_ACCESS,
    ),
    404: (
        "no-repo",
        "there is no such repo, or it is private and the token may not see it",
        "Check the name ORG/NAME and the login: hf auth whoami.",
    ),
    409: ("conflict", "another change to the same place is in progress", _AGAIN),
    412: ("conflict", "another commit was made in the meantime", _AGAIN),
    413: ("too-large", "the upload is larger than the Hub accepts", ""),
    429: ("rate-limit", "the Hub's rate limit is reached", "Wait an hour, then try again."),
}


@dataclass(frozen=True)
class RepoState:
    """A repo as the Hub says it is.

    Attributes:
        private: whether only members see it.
        head: sha of the last commit of the main branch; "" for none.
        files: paths of the main branch.
        gated: whether readers have to accept conditions before they can read the files.
        created: when the repo was made; None where the Hub does not say.
    """

    private: bool
    head: str
    files: tuple[str, ...]
    gated: bool = False
    created: datetime | None = None


@contextmanager
def hub_errors(repo: str, doing: str) -> Iterator[None]:
    """Turn what goes wrong between us and the Hub into one clear message.

    Raises:
        ContractError: the Hub refuses, cannot be reached, or there is no login.
    """
    from httpx2 import HTTPError
    from huggingface_hub.errors import (
        HFValidationError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )

    try:
        yield
    except LocalTokenNotFoundError:
        raise _error("no-login", repo, doing, "there is no token", _LOGIN) from None
    except HFValidationError as error:
        raise _error("repo-name", repo, doing, str(error), "A name is ORG/NAME.") from None
    except OfflineModeIsEnabled:
        raise _error(
            "offline", repo, doing, "HF_HUB_OFFLINE is set", "Unset it to publish."
        ) from None
    except HTTPError as error:
        raise _http_error(error, repo, doing) from None
    except RuntimeError as error:
        # The client wraps what broke a large upload.
        if not isinstance(error.__cause__, HTTPError):
            raise
        raise _http_error(error.__cause__, repo, doing) from None


def _http_error(error: Exception, repo: str, doing: str) -> ContractError:
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if status is None:
        return _error("no-connection", repo, doing, f"the connection broke ({error})", _AGAIN)
    code, meaning, hint = _MEANINGS.get(status, ("hub-error", f"the Hub answers {status}", _AGAIN))
    server_message = getattr(error, "server_message", None)
    return _error(
        code,
        repo,
        doing,
        f"{meaning} (HTTP {status}{f': {server_message}' if server_message else ''})",
        hint,
    )


def _error(code: str, repo: str, doing: str, what: str, hint: str) -> ContractError:
    return ContractError(Problem(code, f"cannot {doing}: {what}", where=repo, hint=hint))


@dataclass(frozen=True)
class HubRepo:
    """A dataset repo, `ORG/NAME`.

    Attributes:
        name: `ORG/NAME`.
        token: token to use; else the one that `hf auth login` saved, or HF_TOKEN.
        endpoint: address of the Hub; else HF_ENDPOINT, or huggingface.co.
    """

    name: str
    token: str | None = None
    endpoint: str | None = None

    @cached_property
    def api(self) -> HfApi:
        """The client."""
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=self.token)

    def check_write_access(self, state: RepoState | None) -> None:
        """Whether the token may write to the repo, or make it; nothing is changed.

        Args:
            state: what the Hub says of the repo; None where it is still to be made.

        Raises:
            ContractError: there is no token, the Hub does not know it, or it may not write.
        """
        with hub_errors(self.name, "log in"):
            account = self.api.whoami()
        token = (account.get("auth") or {}).get("accessToken") or {}
        namespaces = [
            account["name"],
            *(org["name"] for org in account.get("orgs") or () if org.get("roleInOrg") != "read"),
        ]
        refused = ""
        if token.get("role") == "read":
            refused = "the token may only read"
        elif state is None and self.name.split("/")[0].lower() not in map(str.lower, namespaces):
            refused = (
                f"the account {account['name']} may not create repos in {self.name.split('/')[0]}"
            )
        if refused:
            raise _error("no-permission", self.name, "write to the repo", refused, _ASK_FOR_ACCESS)
        if state is not None:
            with hub_errors(self.name, "write to the repo"):
                self.api.auth_check(self.name, repo_type=REPO_TYPE, write=True)

    def state(self) -> RepoState | None:
        """What the Hub says of the repo; None where there is none (or none to see)."""
        from huggingface_hub.errors import RepositoryNotFoundError

        with hub_errors(self.name, "look at the repo"):
            try:
                info = self.api.dataset_info(self.name)
            except RepositoryNotFoundError as error:
                if error.response.status_code == 401:
                    raise
                return None
        files = tuple(sorted(entry.rfilename for entry in info.siblings or ()))
        return RepoState(
            private=bool(info.private),
            head=info.sha or "",
            files=files,
            gated=bool(info.gated),
            created=info.created_at,
        )

    def create(self, *, private: bool) -> RepoState:
        """Make the repo and look at what was made.

        Raises:
            ContractError: it cannot be made, or its visibility is not the one asked for.
        """
        with hub_errors(self.name, "create the repo"):
            self.api.create_repo(self.name, repo_type=REPO_TYPE, private=private)
        made = self.state()
        if made is None or made.private != private:
            wanted = "private" if private else "public"
            raise ContractError(
                Problem(
                    "visibility",
                    f"the new repo is not {wanted}; nothing was uploaded",
                    where=self.name,
                    hint="The settings of the namespace decide this: ask its administrator, or "
                    "publish into another namespace.",
                )
            )
        return made

    def gate(self) -> None:
        """Let readers accept conditions before they can read the files; access is automatic.

        The form is the `extra_gated_*` entries of the dataset card.

        Raises:
            ContractError: the token may not change the settings of the repo.
        """
        with hub_errors(self.name, "turn on access conditions"):
            self.api.update_repo_settings(self.name, gated="auto", repo_type=REPO_TYPE)

    def text(self, path: str, *, revision: str = MAIN) -> str | None:
        """Text of a file at a revision; None where there is none."""
        from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError

        with hub_errors(self.name, f"read {path}"):
            try:
                local_path = self.api.hf_hub_download(
                    self.name, path, repo_type=REPO_TYPE, revision=revision
                )
            except (EntryNotFoundError, RevisionNotFoundError):
                return None
        return Path(local_path).read_text(encoding="utf-8")

    def commit(
        self,
        files: Mapping[str, Path],
        *,
        message: str,
        parent: str,
        delete: Sequence[str] = (),
    ) -> str:
        """Put files into the repo and take others out, in one commit.

        Large files are sent first and count for nothing until the commit: a broken upload leaves
        the repo as it was, and a later one skips what has arrived.

        Args:
            files: path in the repo -> file here.
            message: message of the commit.
            parent: sha that the main branch must still have.
            delete: paths to take out.

        Returns:
            The sha of the commit.

        Raises:
            ContractError: the Hub refuses, another commit came first, or the connection breaks.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            *(CommitOperationAdd(path, str(file)) for path, file in files.items()),
            *(CommitOperationDelete(path) for path in delete),
        ]
        with hub_errors(self.name, "upload the files"):
            done = self.api.create_commit(
                self.name,
                operations,
                repo_type=REPO_TYPE,
                commit_message=message,
                parent_commit=parent or None,
            )
        return str(done.oid)

    def tags(self) -> dict[str, str]:
        """Tag -> sha of its commit."""
        with hub_errors(self.name, "list the tags"):
            refs = self.api.list_repo_refs(self.name, repo_type=REPO_TYPE)
        return {tag.name: tag.target_commit for tag in refs.tags}

    def add_tag(self, tag: str, *, revision: str, message: str) -> None:
        """Tag a commit.

        Raises:
            ContractError: the Hub refuses, or the tag is there already.
        """
        with hub_errors(self.name, f"set the tag {tag}"):
            self.api.create_tag(
                self.name, tag=tag, revision=revision, tag_message=message, repo_type=REPO_TYPE
            )
