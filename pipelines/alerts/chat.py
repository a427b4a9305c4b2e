"""Slack and Mattermost through apprise: the whole address is a secret and comes from the environment."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from pipelines.alerts.notice import Notice
from pipelines.alerts.outside import NotDeliveredError, Outside

SLACK = ("slack.com", "hooks.slack.com")
_INERT = str.maketrans({"@": "@\u200b", "<": "‹", ">": "›", "`": "'"})


@dataclass(frozen=True)
class Chat:
    """``url_env`` names the variable that holds ``slack://…``, ``mmosts://…`` or, on this machine, ``mmost://…``."""

    url_env: str

    def check(self, outside: Outside) -> None:
        """Nothing to check: the address is known when it is used."""

    def send(self, notice: Notice, outside: Outside) -> None:
        """Post title and text; a name in them calls nobody."""
        url = outside.secret(self.url_env)
        scheme, service = url.partition("://")[0].lower(), self._service(url)
        for host in SLACK if scheme == "slack" else (service.host,):
            outside.permit(host, encrypted=scheme != "mmost")
        service.socket_connect_timeout = outside.connect_timeout
        service.socket_read_timeout = outside.total_timeout
        service.verify_certificate, service.redirects = True, False  # whatever the address asks for
        if not service.notify(body=notice.text().translate(_INERT), title=notice.title().translate(_INERT)):
            raise NotDeliveredError(f"the chat of {self.url_env} did not take the message")

    def _service(self, url: str) -> Any:
        """The one plug-in of apprise that an address needs: to load all of them takes a second."""
        from apprise.plugins import mattermost, slack

        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its messages quote addresses
        kinds: dict[str, Any] = {
            "slack": slack.NotifySlack,
            "mmost": mattermost.NotifyMattermost,
            "mmosts": mattermost.NotifyMattermost,
        }
        kind = kinds.get(url.partition("://")[0].lower())
        parts = kind.parse_url(url) if kind else None
        try:
            return kind(**parts) if kind and parts else self._refuse()
        except TypeError:  # what apprise raises for an address that lacks a part
            return self._refuse()

    def _refuse(self) -> None:
        raise NotDeliveredError(
            f"{self.url_env} must hold a complete slack://…, mmosts://… or mmost://… address"
        ) from None
