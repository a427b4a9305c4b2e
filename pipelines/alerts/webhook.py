"""A web hook: the CloudEvent as the body of a POST, signed by Standard Webhooks 1.0 (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from pipelines.alerts.notice import MEDIA_TYPE, Notice
from pipelines.alerts.outside import NotDeliveredError, Outside

PREFIX = "whsec_"


@dataclass(frozen=True)
class Webhook:
    """POST to ``url``; ``secret_env`` names the variable with the key ``whsec_…``, ``url_env`` one with the URL."""

    secret_env: str
    url: str = ""
    url_env: str = ""

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.url_env):
            raise ValueError("give either url or url_env, the variable that holds it")

    def check(self, outside: Outside) -> None:
        """Raise ``ConfigError`` for an address that is not permitted."""
        if self.url:
            outside.target(self.url)

    def send(self, notice: Notice, outside: Outside) -> None:
        """Send and sign; the time that is signed is that of this attempt, the id always the same."""
        key = signing_key(outside.secret(self.secret_env), self.secret_env)
        body, seconds = notice.body(), int(outside.clock().timestamp())
        headers = {
            "Content-Type": MEDIA_TYPE,
            "webhook-id": notice.id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signature(key, notice.id, seconds, body),
        }
        outside.post(self.url or outside.secret(self.url_env), body, headers)


def signing_key(secret: str, variable: str) -> bytes:
    """The 24 to 64 bytes of ``whsec_<base64>``; raises ``NotDeliveredError``, which names the variable alone."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise NotDeliveredError(f"{variable} must hold {PREFIX} and 24 to 64 bytes as base64")
    return key


def signature(key: bytes, id_: str, seconds: int, body: bytes) -> str:
    """``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``."""
    digest = hmac.new(key, f"{id_}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
