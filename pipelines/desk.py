"""Where a command acts for a person: configuration, open store and people, and the name of what it submits."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dqm.model.config import Config
    from dqm.services.people import ConfiguredPeople
    from dqm.store.store import Store


@contextmanager
def desk(config: Path) -> Iterator[tuple[Config, Store, ConfiguredPeople]]:
    """The configuration of a file, its open store and who may act on it."""
    from dqm.model.config import load
    from dqm.services.people import ConfiguredPeople
    from dqm.store.store import Store

    settings = load(config)
    with Store.open(settings.store_path) as store:
        yield settings, store, ConfiguredPeople(settings.people)


def nonce_of(given: str) -> str:
    """The name of a submission as ``--nonce`` gives it; another one every time where it is left out."""
    return given or uuid.uuid4().hex
