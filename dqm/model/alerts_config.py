"""Whom events are told, and how often that is tried: configuration records."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""How urgent an event is, rising."""

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", re.ASCII)
"""A name, an IPv4 or an IPv6 address; with a single colon it would hold a port."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


class ReceiverConfig(BaseModel):
    """One receiver: its registered ``kind``, what it is told, and its parameters as further keys.

    Which parameters a kind has is the receiver's own business, built-in or plug-in: they are checked where it is made.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str = "log"
    name: str = Field("", description="name in lists and of its deliveries; empty: the kind")
    types: tuple[str, ...] = Field(("*",), description="patterns of the event types that it is told")
    severity: Severity = Field("info", description="least severity that it is told")

    @property
    def title(self) -> str:
        """The name under which its deliveries are kept."""
        return self.name or self.kind

    @property
    def parameters(self) -> dict[str, str | int | float | bool]:
        """The parameters that were given."""
        return dict(self.__pydantic_extra__ or {})

    @model_validator(mode="after")
    def _plain(self) -> ReceiverConfig:
        odd = [name for name, value in self.parameters.items() if isinstance(value, list | dict)]
        if odd:
            raise ValueError(f"{odd[0]} must be a number, a text, true or false")
        if not _NAME.fullmatch(self.title):
            raise ValueError(f"name {self.title!r} must be of letters, digits, '.', '_' and '-', at most 100")
        return self


class AlertsConfig(BaseModel):
    """What is told, to whom, and what happens where nobody answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(
        "lumicert", min_length=1, description="the ``source`` of every event: a URI that names this site"
    )
    allow: tuple[str, ...] = Field((), description="hosts that may be told; no other is ever connected to")
    ask_share: float = Field(0.5, ge=0, le=1, description="share of a run asked or UNKNOWN above which that is told")
    attempts: int = Field(10, ge=1, description="attempts after which a delivery is a dead letter")
    first_delay: float = Field(
        30.0, gt=0, description="longest wait before the second attempt, in seconds; then doubled"
    )
    longest_delay: float = Field(3600.0, gt=0, description="longest wait between two attempts, in seconds")
    connect_timeout: float = Field(5.0, gt=0, description="seconds to connect")
    total_timeout: float = Field(15.0, gt=0, description="seconds for one attempt, from begin to end")
    receiver: tuple[ReceiverConfig, ...] = Field((), description="who is told")

    @field_validator("allow")
    @classmethod
    def _hosts(cls, allow: tuple[str, ...]) -> tuple[str, ...]:
        for each in allow:
            if not _HOST.fullmatch(each):
                raise ValueError(f"{each!r} is no host; write its name alone, without scheme, port or path")
        return tuple(each.lower().rstrip(".") for each in allow)

    @model_validator(mode="after")
    def _names_differ(self) -> AlertsConfig:
        titles = [each.title for each in self.receiver]
        twice = sorted({each for each in titles if titles.count(each) > 1})
        if twice:
            raise ValueError(f"two receivers are called {twice[0]!r}; give each a name of its own")
        return self
