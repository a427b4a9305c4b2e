"""Receivers by name: built-ins and plug-ins register in the entry-point group ``dqm.alerts``.

A receiver is a frozen dataclass whose fields are its parameters in the configuration, with one method::

    @dataclass(frozen=True)
    class Siren:
        url: str

        def check(self, outside: Outside) -> None:
            outside.target(self.url)

        def send(self, notice: Notice, outside: Outside) -> None:
            outside.post(self.url, notice.body(), {})

``send`` returns when the receiver confirmed, and raises ``NotDeliveredError`` where it did not. What must stay secret
is no parameter: a parameter names the environment variable that holds it, and ``outside.secret`` reads it.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from dqm.model import plugins
from dqm.model.alerts_config import SEVERITIES, AlertsConfig, ReceiverConfig
from dqm.model.config import Config
from dqm.model.errors import ConfigError, UnknownNameError, nearest
from dqm.model.events import EVENT_TYPES, Event
from dqm.model.patterns import asked_for
from pipelines.alerts.notice import Notice, severity_of
from pipelines.alerts.outside import Outside

GROUP = "dqm.alerts"


class Receiver(Protocol):
    """Who can be told; see the module for the contract."""

    def check(self, outside: Outside) -> None:
        """Raise ``ConfigError`` for parameters that can never work, such as a host that is not allowed."""

    def send(self, notice: Notice, outside: Outside) -> None:
        """Tell it; raise ``NotDeliveredError`` unless it confirmed."""


@dataclasses.dataclass(frozen=True)
class Told:
    """A configured receiver with what it wants to be told."""

    config: ReceiverConfig
    receiver: Receiver

    @property
    def name(self) -> str:
        """The name of its deliveries."""
        return self.config.title


def wants(config: ReceiverConfig, event: Event) -> bool:
    """Whether a receiver, though it may not work yet, asks for the type and severity of an event."""
    urgent = SEVERITIES.index(severity_of(event)) >= SEVERITIES.index(config.severity)
    return urgent and asked_for(event.type, config.types)


def outside_of(config: Config) -> Outside:
    """The way out that a configuration allows."""
    alerts = config.alerts
    return Outside(alerts.allow, alerts.connect_timeout, alerts.total_timeout, config.folder)


def made(alerts: AlertsConfig, outside: Outside) -> list[Told]:
    """The configured receivers, checked; raises ``ConfigError`` naming the receiver and the nearest valid names."""
    return [Told(each, _made(each, outside)) for each in alerts.receiver]


def usable(alerts: AlertsConfig, outside: Outside) -> tuple[dict[str, Told], list[ConfigError]]:
    """The receivers that can work, by name, and what is wrong with each of the others."""
    told, wrong = dict[str, Told](), list[ConfigError]()
    for each in alerts.receiver:
        try:
            told[each.title] = Told(each, _made(each, outside))
        except ConfigError as error:
            wrong.append(error)
    return told, wrong


def _made(config: ReceiverConfig, outside: Outside) -> Receiver:
    place = f"alerts.receiver {config.title!r}"
    for pattern in config.types:
        if not any(asked_for(each, [pattern]) for each in EVENT_TYPES):
            raise ConfigError(f"{place}: no event type fits {pattern!r}; {nearest(pattern, EVENT_TYPES)}")
    try:
        kind: Any = plugins.load(GROUP, config.kind)
    except UnknownNameError as error:
        raise ConfigError(f"{place}: {error}") from None
    except Exception as error:  # a plug-in may fail in any way
        raise ConfigError(f"{place}: kind {config.kind!r} cannot be imported: {type(error).__name__}") from error
    fields = [each.name for each in dataclasses.fields(kind)]
    for name in config.parameters:
        if name not in fields:
            raise ConfigError(f"{place}: unknown key {name!r}; {nearest(name, fields)}")
    try:
        receiver: Receiver = TypeAdapter(kind).validate_python(config.parameters)
        receiver.check(outside)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(map(str, wrong["loc"]))
        raise ConfigError(f"{place}: {key}: {wrong['msg']}" if key else f"{place}: {wrong['msg']}") from None
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None
    return receiver
