"""E-mail by SMTP, encrypted unless the server is this machine: one message for an event, always the same Message-ID."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

from dqm.model.errors import ConfigError
from pipelines.alerts.notice import Notice
from pipelines.alerts.outside import NotDeliveredError, Outside, tls


@dataclass(frozen=True)
class Email:
    """From ``sender`` to ``to`` (addresses between commas) through ``host``; ``password_env`` names a variable.

    ``security``: ``starttls`` (port 587), ``tls`` from the first byte (port 465), or ``none`` on this machine alone.
    """

    host: str
    sender: str
    to: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password_env: str = ""

    def __post_init__(self) -> None:
        if not all("@" in each and each.isprintable() for each in (self.sender, self.to)):
            raise ValueError("sender and to must hold addresses such as shift@example.org")

    def check(self, outside: Outside) -> None:
        """Raise ``ConfigError`` for a server that is not permitted."""
        outside.permit(self.host, encrypted=self.security != "none")
        if bool(self.user) != bool(self.password_env):
            raise ConfigError("give user and password_env together")

    def send(self, notice: Notice, outside: Outside) -> None:
        """Hand the message to the server."""
        password = outside.secret(self.password_env) if self.password_env else ""
        with outside.explained(self.host):
            try:
                with self._connected(outside.total_timeout) as server:
                    self._hand_over(server, self.message(notice), password)
            except smtplib.SMTPException as error:  # an OSError, whose text would quote the server
                what = f"{self.host} refused: {type(error).__name__} {getattr(error, 'smtp_code', '')}"
                raise NotDeliveredError(what.strip(), answered=True) from None

    def _connected(self, timeout: float) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=timeout, context=tls())
        return smtplib.SMTP(self.host, self.port, timeout=timeout)

    def _hand_over(self, server: smtplib.SMTP, message: EmailMessage, password: str) -> None:
        if self.security == "starttls":
            server.starttls(context=tls())
        if self.user:
            server.login(self.user, password)
        if server.send_message(message):
            raise NotDeliveredError(f"{self.host} refused some of the addresses", answered=True)

    def message(self, notice: Notice) -> EmailMessage:
        """The message of an event."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, self.to, notice.title()
        message["Message-ID"], message["Date"] = f"<{notice.id}@lumicert.invalid>", notice.at
        message.set_content(notice.text())
        return message
