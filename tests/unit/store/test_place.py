"""Where the database of a store is: said by its folder, never with a password."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dqm.model.config import StoreConfig
from dqm.model.errors import StoreError
from dqm.store.postgresql import DRIVER, PLACE, Place, postgresql_engine
from dqm.store.store import Store


def test_a_folder_says_it_and_holds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQM_DATABASE", f"{DRIVER}://dqm:secret@db/dqm")
    place = Place.configured(StoreConfig(url_env="DQM_DATABASE"))
    assert place is not None
    place.enter(tmp_path, holds_another=False)
    place.enter(tmp_path, holds_another=False)
    assert Place.of(tmp_path) == place
    assert place.address().password == "secret"
    assert "secret" not in (tmp_path / PLACE).read_text(encoding="utf-8")


def test_where_nothing_is_said_it_is_in_the_folder(tmp_path: Path) -> None:
    assert Place.of(tmp_path) is None
    assert Place.configured(StoreConfig()) is None


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (Place(url_env="DQM_NOWHERE"), "the environment variable DQM_NOWHERE is not set; it holds the URL"),
        (Place("mysql://dqm@db/dqm"), r"\[store\] url must begin with postgresql\+psycopg://"),
        (Place("no url"), r"\[store\] url must begin with"),
    ],
)
def test_what_is_no_place(place: Place, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DQM_NOWHERE", raising=False)
    with pytest.raises(StoreError, match=why):
        Store.create(tmp_path / "store", place=place)


def test_a_folder_with_another_database_is_refused(tmp_path: Path) -> None:
    place = Place(f"{DRIVER}://dqm@db/dqm")
    with pytest.raises(StoreError, match="has another database already; name a new folder"):
        place.enter(tmp_path, holds_another=True)
    (tmp_path / PLACE).write_text("{")
    with pytest.raises(StoreError, match="does not say where the database of this store is; restore it"):
        Place.of(tmp_path)


def test_without_the_driver_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"needs its driver: pip install lumicert\[postgres\]"):
        postgresql_engine(Place(f"{DRIVER}://dqm@db/dqm").address(), 1)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": f"{DRIVER}://dqm:x@db/dqm"}, "url holds a password; put the whole URL into an environment variable"),
        ({"url": f"{DRIVER}://dqm@db/dqm", "url_env": "X"}, "url and url_env name two databases; keep one"),
    ],
)
def test_what_a_configuration_may_not_say(given: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        StoreConfig.model_validate(given)
