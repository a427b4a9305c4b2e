"""A configuration whose store is missing, empty or small, and the pages as Streamlit runs them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

import dashboard
from dqm.store.store import Store

from .small_night import fill, verdicts


@pytest.fixture(autouse=True)
def no_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run would look for components of Streamlit in the metadata of every installed package; we have none."""
    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", lambda *_, **__: [])


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration that the pages are pointed at; its store is ``tmp_path / "certification"``."""
    path = tmp_path / "dqm.toml"
    path.write_text('[experiment]\nname = "*small*"\nweight_unit = "/pb"\n', encoding="utf-8")
    monkeypatch.setenv(dashboard.CONFIG_VARIABLE, str(path))
    st.cache_resource.clear()
    return path


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two stores to copy: ``empty``, and ``night``, which is ``empty`` after a night."""
    folder = tmp_path_factory.mktemp("stores")
    Store.create(folder / "empty").close()
    with Store.create(folder / "night") as store:
        fill(store, verdicts())
    return folder


def copy(store: Path, configured: Path) -> Iterator[Store]:
    """A store of the configuration's own."""
    with Store.open(Path(shutil.copytree(store, configured.parent / "certification"))) as opened:
        yield opened


@pytest.fixture
def empty(stores: Path, configured: Path) -> Iterator[Store]:
    """An empty store."""
    yield from copy(stores / "empty", configured)


@pytest.fixture
def filled(stores: Path, configured: Path) -> Iterator[Store]:
    """A store after a night."""
    yield from copy(stores / "night", configured)


@pytest.fixture
def page() -> Callable[..., AppTest]:
    """Run one page as the application runs it: ``page("run", run="112")``; ``app.session_state.opened`` is a link."""

    def made(name: str, **query: str) -> AppTest:
        app = AppTest.from_string(SCRIPT.replace("NAME", name), default_timeout=30)
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    return made


SCRIPT = """
import streamlit as st
from dashboard import app
from dashboard.links import Links
links = Links(lambda name, query: st.session_state.update(opened=(name, dict(query))))
app.guarded((app.SHIFT | app.RECORDS)["NAME"][1], links, watched="NAME" in app.WATCHED)()
"""
"""One page alone: AppTest cannot switch to a page that is a function."""
