"""Small made-up surveys, as the readers would give them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dataset_builder.survey import Survey

if TYPE_CHECKING:
    from hub_server import HubServer

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from made_surveys import make_survey


@pytest.fixture(scope="session")
def survey_factory() -> Callable[..., Survey]:
    """`make_survey`, for tests that need a survey of their own."""
    return make_survey


@pytest.fixture(scope="session")
def survey() -> Survey:
    """Six hundred people of three countries."""
    return make_survey()


@pytest.fixture(scope="session")
def release_folder(survey: Survey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of `survey` with the default options; tests must not change it."""
    from dataset_builder.build import build_release

    folder = tmp_path_factory.mktemp("built") / "release"
    build_release([survey], folder)
    return folder


@pytest.fixture(scope="session")
def public_folder(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public face of the same release; tests must not change it."""
    from contracts.release.read import open_release
    from dataset_builder.publishing.public import make_public

    folder = tmp_path_factory.mktemp("built") / "public"
    make_public(open_release(release_folder), folder)
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """A local Hub for the real client, with the accounts of `publish_samples`."""
    import huggingface_hub.constants
    from hub_server import HubServer
    from publish_samples import ACCOUNTS

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with HubServer() as server:
        server.state.accounts = dict(ACCOUNTS)
        yield server
