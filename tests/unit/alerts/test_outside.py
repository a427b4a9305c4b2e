"""The way out: who may be told, what is refused, and that nothing secret is ever quoted."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dqm.model.errors import ConfigError
from dqm.model.events import Event
from pipelines.alerts.mail import Email
from pipelines.alerts.notice import Notice
from pipelines.alerts.outside import MOST_BYTES, NotDeliveredError, Outside, seconds_until, within

HIDDEN = "hidden-in-query"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://example.org/x", r"host 'example.org' is not in alerts.allow; valid names begin: '127.0.0.1'"),
        ("http://hooks.test/x", r"host 'hooks.test' must be told encrypted; in the clear only this machine itself is"),
        ("http://127.0.0.1.evil.test/x", r"host '127.0.0.1.evil.test' is not in alerts.allow"),
        ("http://127.0.0.1@evil.test/x", r"the address at 'evil.test' holds a user or a password"),
        ("https://u:hidden-in-query@hooks.test/", r"the address at 'hooks.test' holds a user or a password"),
        ("ftp://127.0.0.1/", r"must be https://HOST/…, or http:// on this machine"),
        ("file:///etc/passwd", r"must be https://HOST/…, or http:// on this machine"),
        ("http://127.0.0.1:0/", r"must be https://HOST/…"),
        ("http://127.0.0.1/a b", r"must be https://HOST/…"),
        ("http://127.0.0.1/a\r\nX: y", r"must be https://HOST/…"),
        ("http://127.0.0.1:port/", r"the address of a receiver cannot be read as a URL"),
        ("http://[::1/", r"the address of a receiver cannot be read as a URL"),
        ("", r"must be https://HOST/…"),
    ],
)
def test_an_address_that_is_not_permitted(url: str, why: str) -> None:
    """Mutant: a host is looked for in the address instead of being equal to one."""
    with pytest.raises(ConfigError, match=why) as caught:
        Outside(("127.0.0.1", "hooks.test")).target(url)
    assert HIDDEN not in str(caught.value)


def test_names_of_hosts_have_no_case() -> None:
    assert Outside(("hooks.test", "::1")).target("https://Hooks.Test.:8443/x").port == 8443
    assert Outside(("::1",)).target("http://[::1]:80/x").hostname == "::1"
    assert Outside(("localhost",)).target("http://localhost/x").hostname == "localhost"


def told(outside: Outside, desk: Any) -> NotDeliveredError:
    """What is said when the desk was not told; it must not quote path, query or body."""
    with pytest.raises(NotDeliveredError) as caught:
        outside.post(f"{desk.url}/secret-path?token={HIDDEN}", b"secret-body", {"Authorization": "Bearer secret-token"})
    text = f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    assert "secret" not in text
    assert HIDDEN not in text
    return caught.value


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(outside: Outside, desk: Any, status: int) -> None:
    """Mutant: ``urllib.request``, which follows a redirect to wherever it leads."""
    desk.answer = lambda n: (status, {"Location": f"{desk.url}/elsewhere"}, b"")
    assert str(told(outside, desk)) == f"127.0.0.1 answered {status}; redirects are not followed"
    assert [each.path for each in desk.requests] == [f"/secret-path?token={HIDDEN}"]


def test_an_answer_of_ten_megabytes_is_cut(outside: Outside, desk: Any) -> None:
    desk.answer = lambda n: (200, {}, b"x" * 10_000_000)
    assert len(outside.post(desk.url, b"", {})) == MOST_BYTES
    desk.answer = lambda n: (400, {}, b"secret-answer" * 1_000_000)
    assert str(told(outside, desk)) == "127.0.0.1 answered 400"


def test_an_answer_with_headers_without_end(outside: Outside, desk: Any) -> None:
    desk.answer = lambda n: (200, {f"X-{i}": "y" for i in range(200)}, b"")
    assert str(told(outside, desk)) == "127.0.0.1 does not speak HTTP as it should: HTTPException"


def test_a_receiver_that_hangs_up(outside: Outside, desk: Any) -> None:
    desk.answer = lambda n: None
    error = told(outside, desk)
    assert "127.0.0.1 cannot be reached" in str(error)
    assert not error.answered


def test_nobody_is_there(outside: Outside) -> None:
    with pytest.raises(NotDeliveredError, match=r"127.0.0.1 cannot be reached: Connection refused"):
        outside.post("http://127.0.0.1:9/", b"", {})


def test_a_receiver_that_hangs_is_given_up(outside: Outside, desk: Any) -> None:
    def hang(n: int) -> None:
        desk.closing.wait(30)

    desk.answer = hang
    error = told(replace(outside, total_timeout=0.1), desk)
    assert str(error) == "127.0.0.1 did not answer in time"
    desk.closing.set()


def test_a_receiver_that_answers_drop_by_drop_is_given_up(outside: Outside) -> None:
    """Mutant: the timeout of the socket alone, which begins anew with every byte."""
    stop = threading.Event()
    with pytest.raises(NotDeliveredError, match=r"no answer within 0.05 s"):
        within(0.05, lambda: stop.wait(30) and None)
    stop.set()


def test_what_happens_in_the_other_thread_comes_back() -> None:
    def work() -> None:
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        within(5.0, work)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("Wed, 25 Nov 2026 12:01:30 GMT", 90.0),
        ("Wednesday, 25-Nov-26 12:01:30 GMT", 90.0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        ("9" * 400, 999999999999.0),
        ("-5", None),
        ("soon", None),
        ("²", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_both_forms(text: str | None, seconds: float | None) -> None:
    assert seconds_until(text, NOW) == seconds


def test_retry_after_of_an_answer(outside: Outside, desk: Any) -> None:
    desk.answer = lambda n: (429, {"Retry-After": "42"}, b"")
    error = told(outside, desk)
    assert (error.retry_after, error.answered) == (42.0, True)


def test_a_certificate_that_nobody_vouches_for_is_refused(outside: Outside, encrypted: Any) -> None:
    """Mutant: ``ssl._create_unverified_context``."""
    with pytest.raises(NotDeliveredError, match=r"the certificate of 127.0.0.1 is refused: self-signed certificate"):
        outside.post(f"https://127.0.0.1:{encrypted.port}/", b"", {})
    with pytest.raises(NotDeliveredError, match=r"the certificate of 127.0.0.1 is refused: self-signed certificate"):
        mail(encrypted.port).send(Notice(Event("alerts.test", "x"), NOW, "s"), outside)


def test_a_certificate_of_an_authority_that_the_environment_names(
    outside: Outside, encrypted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(encrypted.certificate))
    assert outside.post(f"https://127.0.0.1:{encrypted.port}/", b"", {}) == b"fine"
    with pytest.raises(NotDeliveredError, match=r"the certificate of localhost is refused: Hostname mismatch"):
        replace(outside, allow=("localhost",)).post(f"https://localhost:{encrypted.port}/", b"", {})


def mail(port: int) -> Email:
    """A mail server that speaks TLS from the first byte."""
    return Email("127.0.0.1", "a@site.test", "b@site.test", port, "tls")


def test_secrets_come_from_the_environment_and_are_not_shown(outside: Outside) -> None:
    assert outside.secret("TOKEN") == "bearer-xyzzy"
    assert "xyzzy" not in repr(outside)
    with pytest.raises(NotDeliveredError, match="the environment variable NOWHERE is not set"):
        outside.secret("NOWHERE")
