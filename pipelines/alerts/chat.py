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
        import apprise  # on first use: it brings a second HTTP library

        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its messages quote addresses
        asset = apprise.AppriseAsset(http_redirects=False, secure_logging=True)
        service: Any = apprise.Apprise.instantiate(outside.secret(self.url_env), asset=asset)
        schemes = {"slack", "mmost", "mmosts"}
        if service is None or not schemes & {service.protocol, service.secure_protocol}:
            raise NotDeliveredError(f"{self.url_env} must hold slack://…, mmosts://… or mmost://…")
        service.socket_connect_timeout = outside.connect_timeout
        service.socket_read_timeout = outside.total_timeout
        service.verify_certificate, service.redirects = True, False  # whatever the address asks for
        for host in SLACK if service.secure_protocol == "slack" else (service.host,):
            outside.permit(host, encrypted=service.secure_protocol == "slack" or service.secure)
        body, title = notice.text().translate(_INERT), notice.title().translate(_INERT)
        if not service.notify(body=body, title=title):
            raise NotDeliveredError(f"the chat of {self.url_env} did not take the message")
