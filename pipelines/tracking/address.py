"""Where MLflow is."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from dqm.model.errors import ConfigError

SQLITE = "sqlite:///"


def tracking_uri(uri: str, folder: Path) -> str:
    """The address of MLflow, a relative SQLite file resolved against ``folder``.

    Raises ``ConfigError`` for one that is neither SQLite nor a server: MLflow keeps runs in files no longer.
    """
    if uri.startswith(SQLITE):
        return SQLITE + str((folder / uri.removeprefix(SQLITE)).resolve())
    if uri.startswith(("http://", "https://", "postgresql://", "postgresql+")) and urlsplit(uri).netloc:
        return uri
    raise ConfigError(f"[tracking] uri = {uri!r}: write sqlite:///mlflow.db, or http://… of a server")
