"""What each receiver sends, and that parameters are checked where it is made."""

from __future__ import annotations

import base64
import hashlib
import hmac
import inspect
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dqm.model import plugins
from dqm.model.errors import ConfigError
from dqm.model.events import Event
from pipelines.alerts.alertmanager import Alertmanager
from pipelines.alerts.chat import Chat
from pipelines.alerts.mail import Email
from pipelines.alerts.notice import Notice
from pipelines.alerts.outside import NotDeliveredError, Outside
from pipelines.alerts.receivers import GROUP, made
from pipelines.alerts.webhook import Webhook, signature, signing_key

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
OPENED = Event("anomaly.opened", "run 7", {"severity": "critical", "ranges": [[1, 5], [9, 9]]}, 7, "ECAL")


def notice(event: Event = OPENED) -> Notice:
    """An event as it is told."""
    return Notice(event, AT, "https://dqm.test/site")


@pytest.mark.parametrize("kind", plugins.names(GROUP))
def test_a_receiver_is_a_small_file(kind: str) -> None:
    """The rule that keeps plug-ins easy: at most 70 lines each."""
    source = inspect.getsourcefile(plugins.load(GROUP, kind))
    assert source is not None
    with open(source, encoding="utf-8") as stream:  # noqa: PTH123 (a path of the interpreter)
        assert len(stream.readlines()) <= 70


def test_all_kinds_are_registered() -> None:
    assert plugins.names(GROUP) == ["alertmanager", "apprise", "email", "log", "webhook"]


def test_the_published_test_vector_of_standard_webhooks() -> None:
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "KEY")
    got = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert got == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_web_hook_is_signed_as_its_receiver_would_check(outside: Outside, desk: Any, clock: Any) -> None:
    """Computed here from what arrived alone, without a function of ours."""
    Webhook("HOOK_KEY", f"{desk.url}/hook").send(notice(), outside)
    (got,) = desk.requests
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = got.headers["webhook-id"] + "." + got.headers["webhook-timestamp"] + "." + got.body.decode()
    expected = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    assert got.headers["webhook-id"] == OPENED.id == json.loads(got.body)["id"]
    assert got.headers["webhook-timestamp"] == str(int(clock().timestamp()))
    assert got.headers["content-type"] == "application/cloudevents+json; charset=utf-8"


@pytest.mark.parametrize("secret", ["", "hunter2-hunter2", "whsec_c2hvcnQ=", "whsec_not base64!", "whsec_" + "A" * 100])
def test_a_key_of_another_form_is_not_quoted(outside: Outside, desk: Any, secret: str) -> None:
    hook = Webhook("KEY", desk.url)
    with pytest.raises(NotDeliveredError, match=r"KEY (must hold whsec_ and 24 to 64 bytes|is not set)") as caught:
        hook.send(notice(), replace(outside, environment={"KEY": secret}))
    assert "hunter2" not in str(caught.value)
    assert desk.requests == []


def test_the_address_of_a_web_hook_may_be_secret(outside: Outside, desk: Any) -> None:
    there = {**outside.environment, "URL": f"{desk.url}/secret"}
    Webhook("HOOK_KEY", url_env="URL").send(notice(), replace(outside, environment=there))
    assert desk.requests[0].path == "/secret"
    elsewhere = replace(outside, environment={**there, "URL": "https://evil.test/secret"})
    with pytest.raises(ConfigError, match=r"host 'evil.test' is not in alerts.allow") as caught:
        Webhook("HOOK_KEY", url_env="URL").send(notice(), elsewhere)
    assert "secret" not in str(caught.value)


def test_alertmanager_fires_an_anomaly_until_its_end(outside: Outside, desk: Any) -> None:
    """Begin and end have equal labels; what fired under another severity ends."""
    receiver = Alertmanager(f"{desk.url}/prefix/", hours=1, token_env="TOKEN")
    receiver.send(notice(), outside)
    (got,) = desk.requests
    assert (got.path, got.headers["authorization"]) == ("/prefix/api/v2/alerts", "Bearer bearer-xyzzy")
    warning, critical = json.loads(got.body)
    assert critical["labels"] == {
        "alertname": "lumicert.anomaly",
        "run": "7",
        "subsystem": "ECAL",
        "severity": "critical",
    }
    assert (critical["startsAt"], critical["endsAt"]) == ("2026-11-25T12:00:00.000000Z", "2026-11-25T13:00:00.000000Z")
    assert warning["endsAt"] == "2026-11-25T12:00:00.000000Z"
    assert critical["annotations"]["summary"] == "[critical] anomaly.opened: run 7, ECAL"
    assert critical["annotations"]["id"] == OPENED.id
    ended = Event("anomaly.resolved", "run 7", dict(OPENED.data), 7, "ECAL")
    assert [each["labels"] for each in receiver.alerts(notice(ended))] == [warning["labels"], critical["labels"]]
    assert all(each["startsAt"] == each["endsAt"] for each in receiver.alerts(notice(ended)))


def test_alertmanager_is_told_of_anything_else_for_a_while() -> None:
    (alert,) = Alertmanager("https://am.test").alerts(notice(Event("nightly.failed", "night 3")))
    assert alert["labels"] == {"alertname": "lumicert.nightly.failed", "severity": "critical"}
    assert alert["endsAt"] == "2026-11-28T12:00:00.000000Z"


class _Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a client needs; ``refuse`` answers 535 to a login, quoting what it got."""

    def handle(self) -> None:
        self.wfile.write(b"220 mailbox\r\n")
        while line := self.rfile.readline():
            word = line.split()[0].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.messages.append(b"".join(lines).decode())  # type: ignore[attr-defined]
            if word == b"AUTH" and self.server.refuse:  # type: ignore[attr-defined]
                self.wfile.write(b"535 no " + line)
            elif word == b"AUTH":
                self.wfile.write(b"235 welcome\r\n")
            elif word == b"EHLO":
                offers = b"250-STARTTLS\r\n" if self.server.context else b""  # type: ignore[attr-defined]
                self.wfile.write(b"250-mailbox\r\n" + offers + b"250 AUTH PLAIN\r\n")
            elif word == b"STARTTLS":
                self.wfile.write(b"220 go on\r\n")
                self.request = self.server.context.wrap_socket(self.request, server_side=True)  # type: ignore[attr-defined]
                self.setup()
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            elif word == b"RCPT" and b"gone" in line:
                self.wfile.write(b"550 gone\r\n")
            else:
                self.wfile.write(b"250 fine\r\n")

    def finish(self) -> None:
        """Close what STARTTLS put in the place of the connection."""
        super().finish()
        self.request.close()


class _MailServer(socketserver.ThreadingTCPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the midst of a line."""


@pytest.fixture
def mailbox() -> Iterator[Any]:
    """A mail server on this machine."""
    server: Any = _MailServer(("127.0.0.1", 0), _Mailbox)
    server.daemon_threads, server.messages, server.refuse, server.context = True, [], False, None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_mail_by_starttls_to_a_server_that_is_known_alone(
    email: Email, mailbox: Any, outside: Outside, certified: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: ``starttls()`` without a context, which takes any certificate."""
    mailbox.context, certificate = certified
    user = replace(email, security="starttls", user="dqm", password_env="MAIL_PASSWORD")
    with pytest.raises(NotDeliveredError, match=r"the certificate of 127.0.0.1 is refused: self-signed certificate"):
        user.send(notice(), outside)
    assert mailbox.messages == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    user.send(notice(), outside)
    assert len(mailbox.messages) == 1


@pytest.fixture
def email(mailbox: Any) -> Email:
    """The receiver of that server."""
    return Email("127.0.0.1", "dqm@site.test", "shift@site.test, expert@site.test", mailbox.server_address[1], "none")


def test_mail_has_one_message_id_for_an_event(email: Email, mailbox: Any, outside: Outside) -> None:
    odd = Event(
        "anomaly.opened", "run 7\r\nBcc: all@evil.test", {"ranges": [[1, 5], [9, 9]], "worst": 0.98765432}, 7, "Ü"
    )
    email.send(notice(odd), outside)
    email.send(notice(odd), outside)
    first, second = mailbox.messages
    assert first == second
    assert f"Message-ID: <{odd.id}@lumicert.invalid>" in first
    assert "\nBcc:" not in first
    assert "ranges: 1-5, 9" in first
    assert "worst: 0.987654" in first


def test_mail_logs_in_and_never_quotes_a_password(email: Email, mailbox: Any, outside: Outside) -> None:
    """The server repeats what it got in its refusal; the error says the code alone."""
    user = replace(email, user="dqm", password_env="MAIL_PASSWORD")
    user.send(notice(), outside)
    mailbox.refuse = True
    with pytest.raises(NotDeliveredError) as caught:
        user.send(notice(), outside)
    assert str(caught.value) == "127.0.0.1 refused: SMTPAuthenticationError 535"
    assert len(mailbox.messages) == 1


def test_mail_that_some_do_not_get_is_not_delivered(email: Email, outside: Outside) -> None:
    with pytest.raises(NotDeliveredError, match=r"127.0.0.1 refused some of the addresses"):
        replace(email, to="shift@site.test, gone@site.test").send(notice(), outside)


def test_mail_is_encrypted_or_not_sent(email: Email, mailbox: Any, outside: Outside) -> None:
    """A server that offers no TLS, as if somebody in between had taken the offer away."""
    with pytest.raises(NotDeliveredError, match=r"127.0.0.1 refused: SMTPNotSupportedError"):
        replace(email, security="starttls").send(notice(), outside)
    with pytest.raises(NotDeliveredError, match=r"127.0.0.1 cannot be reached"):
        replace(email, security="tls").send(notice(), outside)
    with pytest.raises(ConfigError, match=r"host 'mail.test' must be told encrypted"):
        replace(email, host="mail.test").check(replace(outside, allow=("mail.test",)))
    with pytest.raises(ConfigError, match="give user and password_env together"):
        replace(email, user="dqm").check(outside)
    assert mailbox.messages == []


def chat(outside: Outside, url: str) -> Callable[[], None]:
    """Tell a chat at an address."""
    event = Event("alerts.test", "<!channel> @all", {"subsystem": "`x`"})
    return lambda: Chat("CHAT").send(notice(event), replace(outside, environment={"CHAT": url}))


def test_a_chat_is_told_and_names_call_nobody(outside: Outside, desk: Any) -> None:
    desk.answer = lambda n: (200, {}, b"ok")
    chat(outside, f"mmost://127.0.0.1:{desk.port}/3ccdd113474722377935511fc85d3dd4")()
    (got,) = desk.requests
    text = json.loads(got.body)["text"]
    assert got.path == "/hooks/3ccdd113474722377935511fc85d3dd4"
    assert "alerts.test: ‹!channel› @\u200ball" in text
    assert "@all" not in text


@pytest.mark.parametrize("status", [302, 500])
def test_a_chat_that_refuses_or_redirects(outside: Outside, desk: Any, status: int, caplog: Any) -> None:
    desk.answer = lambda n: (status, {"Location": f"{desk.url}/elsewhere"}, b"")
    with pytest.raises(NotDeliveredError, match="the chat of CHAT did not take the message"):
        chat(outside, f"mmost://127.0.0.1:{desk.port}/3ccdd113474722377935511fc85d3dd4?redirect=yes")()
    assert [each.path for each in desk.requests] == ["/hooks/3ccdd113474722377935511fc85d3dd4"]
    assert "3ccdd113" not in caplog.text


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mmosts://evil.test/3ccdd113474722377935511fc85d3dd4", "host 'evil.test' is not in alerts.allow"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "host 'slack.com' is not in alerts.allow"),
        (
            "json://127.0.0.1/3ccdd113474722377935511fc85d3dd4",
            "CHAT must hold a complete slack://…, mmosts://… or mmost://… address",
        ),
        ("slack://T1JJ3T3L2", "CHAT must hold a complete slack://"),
        ("mmost://", "CHAT must hold a complete slack://"),
        ("not a chat", "CHAT must hold a complete slack://…, mmosts://… or mmost://… address"),
    ],
)
def test_a_chat_that_is_not_permitted(outside: Outside, url: str, why: str) -> None:
    with pytest.raises((NotDeliveredError, ConfigError), match=why) as caught:
        chat(outside, url)()
    assert "3ccdd113" not in str(caught.value)


def test_a_log_is_one_line_for_each_event(configured: Any, outside: Outside, capsys: Any) -> None:
    config = configured({"kind": "log"}, {"kind": "log", "name": "file", "path": "alerts.jsonl"})
    for told in made(config.alerts, outside):
        told.receiver.send(notice(), outside)
    line = capsys.readouterr().err
    assert json.loads(line) == notice().cloud_event()
    assert (outside.folder / "alerts.jsonl").read_text(encoding="ascii") == line
    (away,) = made(configured({"kind": "log", "path": "no/such/folder"}).alerts, outside)
    with pytest.raises(NotDeliveredError, match="no/such/folder cannot be written: No such file or directory"):
        away.receiver.send(notice(), outside)


HOOK = {"kind": "webhook", "url": "http://127.0.0.1/", "secret_env": "KEY"}


@pytest.mark.parametrize(
    ("receiver", "why"),
    [
        ({"kind": "webhok"}, "unknown plug-in of dqm.alerts 'webhok'; nearest valid names: 'webhook'"),
        (HOOK | {"secret": "whsec_hunter2"}, "unknown key 'secret'; nearest valid names: 'secret_env'"),
        ({"kind": "webhook", "url": "http://127.0.0.1/"}, "secret_env: Field required"),
        ({"kind": "webhook", "secret_env": "KEY"}, "give either url or url_env"),
        (HOOK | {"url_env": "URL"}, "give either url or url_env"),
        (HOOK | {"url": "https://evil.test/hunter2"}, "host 'evil.test' is not in alerts.allow"),
        (
            HOOK | {"types": ["anomaly.opend"]},
            "no event type fits 'anomaly.opend'; nearest valid names: 'anomaly.opened'",
        ),
        (
            {"kind": "alertmanager", "url": "http://127.0.0.1/", "hours": "hunter2"},
            "hours: Input should be a valid number",
        ),
        ({"kind": "alertmanager", "url": "http://127.0.0.1/", "hours": 0}, r"hours = 0 must lie in \(0, 8760\]"),
        ({"kind": "email", "host": "127.0.0.1", "sender": "dqm", "to": "a@b.c"}, "sender and to must hold addresses"),
        ({"kind": "email", "host": "127.0.0.1", "sender": "a@b.c", "to": "x"}, "sender and to must hold addresses"),
        ({"kind": "email", "host": "127.0.0.1", "sender": "a@b.c", "to": "a@b.c", "security": "no"}, "security: Input"),
    ],
)
def test_parameters_are_checked_where_a_receiver_is_made(
    configured: Any, outside: Outside, receiver: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigError, match=f"alerts.receiver '{receiver['kind']}': .*{why}") as caught:
        made(configured(receiver).alerts, outside)
    assert "hunter2" not in str(caught.value)


def test_a_plug_in_that_cannot_be_imported(configured: Any, outside: Outside, monkeypatch: Any) -> None:
    def broken(group: str, name: str) -> Any:
        raise ImportError("hunter2")

    monkeypatch.setattr(plugins, "load", broken)
    with pytest.raises(ConfigError, match=r"alerts.receiver 'log': kind 'log' cannot be imported: ImportError$"):
        made(configured({"kind": "log"}).alerts, outside)
