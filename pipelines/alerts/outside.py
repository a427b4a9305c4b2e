"""The only way out: allowed hosts, TLS, deadlines, no redirects, a cap on answers, secrets from the environment.

What goes wrong is a ``NotDeliveredError`` whose text names the host alone: paths, queries, answers and secrets of a
target never get into it.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from dqm.model.errors import ConfigError, nearest

MOST_BYTES = 64 * 1024
"""How much of an answer is read; a longer one counts as received and is cut."""

_WAYS = {"https": 443, "http": 80}


class NotDeliveredError(RuntimeError):
    """A receiver that was not told: why, whether it answered at all, and after how many seconds it asks to be tried."""

    def __init__(self, reason: str, *, answered: bool = False, retry_after: float | None = None) -> None:
        self.answered, self.retry_after = answered, retry_after
        super().__init__(reason)


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Outside:
    """What receivers may use: ``allow`` hosts, timeouts in seconds, the environment, the clock, a folder for files."""

    allow: tuple[str, ...] = ()
    connect_timeout: float = 5.0
    total_timeout: float = 15.0
    folder: Path = Path()
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    clock: Callable[[], datetime] = utc_now

    def secret(self, variable: str) -> str:
        """A secret from the environment; raises ``NotDeliveredError`` naming the variable where there is none."""
        found = self.environment.get(variable, "").strip()
        if not found:
            raise NotDeliveredError(f"the environment variable {variable} is not set")
        return found

    def permit(self, host: str, *, encrypted: bool) -> None:
        """Raise ``ConfigError`` for a host that is not on the list, or is to be told in the clear and is elsewhere."""
        name = host.lower().rstrip(".")
        if name not in self.allow:
            raise ConfigError(f"host {host!r} is not in alerts.allow; {nearest(name, self.allow)}")
        if not encrypted and not _is_here(name):
            raise ConfigError(f"host {host!r} must be told encrypted; in the clear only this machine itself is")

    def target(self, url: str) -> SplitResult:
        """The parts of an address that may be told; raises ``ConfigError``, without the address, for any other."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ConfigError("the address of a receiver cannot be read as a URL") from None
        if (
            parts.scheme not in _WAYS
            or not host
            or port == 0
            or not (url.isascii() and url.isprintable())
            or " " in url
        ):
            raise ConfigError("the address of a receiver must be https://HOST/…, or http:// on this machine")
        if parts.username is not None or parts.password is not None:
            raise ConfigError(f"the address at {host!r} holds a user or a password; they come from the environment")
        self.permit(host, encrypted=parts.scheme == "https")
        return parts

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Send ``body``; returns what came back with a 2xx, cut at ``MOST_BYTES``.

        Raises ``NotDeliveredError`` for anything else, redirects included, ``ConfigError`` for an address that is not
        permitted.
        """
        parts = self.target(url)
        host = parts.hostname or ""
        with self.explained(host), self._connected(host, parts.port or _WAYS[parts.scheme]) as plain:
            wire = tls().wrap_socket(plain, server_hostname=host) if parts.scheme == "https" else plain
            line = http.client.HTTPConnection(host, parts.port)
            line.sock = wire
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            try:
                line.request("POST", path, body, {"User-Agent": "lumicert", "Connection": "close", **headers})
                with line.getresponse() as answer:
                    self._refuse(host, answer)
                    return answer.read(MOST_BYTES)
            finally:
                line.close()

    @contextmanager
    def _connected(self, host: str, port: int) -> Iterator[socket.socket]:
        with socket.create_connection((host, port), timeout=self.connect_timeout) as wire:
            wire.settimeout(self.total_timeout)
            yield wire

    @contextmanager
    def explained(self, host: str) -> Iterator[None]:
        """Turn what the network and its libraries raise into ``NotDeliveredError``, without what they quote."""
        try:
            yield
        except TimeoutError:
            raise NotDeliveredError(f"{host} did not answer in time") from None
        except ssl.SSLCertVerificationError as error:
            raise NotDeliveredError(f"the certificate of {host} is refused: {error.verify_message}") from None
        except OSError as error:
            raise NotDeliveredError(f"{host} cannot be reached: {error.strerror or type(error).__name__}") from None
        except (http.client.HTTPException, ValueError) as error:
            raise NotDeliveredError(f"{host} does not speak HTTP as it should: {type(error).__name__}") from None

    def _refuse(self, host: str, answer: http.client.HTTPResponse) -> None:
        if 200 <= answer.status < 300:
            return
        after = seconds_until(answer.getheader("Retry-After"), self.clock())
        redirected = "; redirects are not followed" if 300 <= answer.status < 400 else ""
        raise NotDeliveredError(f"{host} answered {answer.status}{redirected}", answered=True, retry_after=after)


def seconds_until(retry_after: str | None, now: datetime) -> float | None:
    """Seconds by a ``Retry-After`` (RFC 9110, 10.2.3): a number of seconds or a date; None where it says nothing."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    zoned = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (zoned - now).total_seconds())


def tls() -> ssl.SSLContext:
    """The checks of the system's own authorities, TLS 1.2 at least; ``SSL_CERT_FILE`` names others."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def within(seconds: float, work: Callable[[], None]) -> None:
    """Wait at most so long for work that may hang, whatever it waits for; raises ``NotDeliveredError`` when it does.

    What is given up goes on in a thread that does not keep the process: it may tell a receiver after all, by the same
    id, and is tried again.
    """
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
            done.set_result(None)
        except BaseException as error:  # noqa: BLE001 (handed to the one who waits)
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    if not wait([done], timeout=seconds).done:
        raise NotDeliveredError(f"no answer within {seconds:g} s")
    done.result()
