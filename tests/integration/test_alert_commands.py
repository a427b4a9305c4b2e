"""``dqm alerts …`` through the command line: what people read, and the exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dqm.model.errors import ConfigError, InputError, RefusedError, StoreError, UnknownNameError
from dqm.model.events import Event
from dqm.store.store import Store
from pipelines.cli import app

LOG = "[[alerts.receiver]]\nkind = 'log'\npath = 'told.jsonl'\n"
AWAY = "[alerts]\nallow = ['127.0.0.1']\nattempts = 1\n" + (
    "[[alerts.receiver]]\nkind = 'webhook'\nurl = 'http://127.0.0.1:9/secret-path'\nsecret_env = 'HOOK_KEY'\n"
)


class Shell:
    """A configuration and its store."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "dqm.toml"
        self.configure(LOG)

    def configure(self, text: str) -> None:
        """Write the configuration."""
        self.config.write_text(text, encoding="utf-8")

    def post(self, *events: Event) -> None:
        """Post events."""
        with Store.open(self.folder / "certification") as store, store.transaction() as change:
            change.emit(events)

    def __call__(self, *words: str, code: int = 0) -> str:
        """What a command says; its exit code must be ``code``."""
        done = CliRunner().invoke(app, ["alerts", *words, "--config", str(self.config)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        assert "secret" not in done.output
        return done.output


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, made once."""
    path = tmp_path_factory.mktemp("store") / "certification"
    Store.create(path).close()
    return path


@pytest.fixture
def shell(tmp_path: Path, template: Path) -> Shell:
    """A store whose events are written into a file."""
    shutil.copytree(template, tmp_path / "certification")
    return Shell(tmp_path)


OPENED = Event("anomaly.opened", "run 7", {"n": 1}, 7, "A")


def test_relay_and_list(shell: Shell) -> None:
    assert shell("list") == "nothing was told yet\n"
    shell.post(OPENED)
    assert shell("relay") == "delivered 1; nothing left\n"
    assert "anomaly.opened run 7 A → log: done" in shell("list")
    assert json.loads((shell.folder / "told.jsonl").read_text(encoding="ascii"))["id"] == OPENED.id
    assert shell("list", "--state", "dead") == "no delivery is dead\n", "not that nothing was told"
    (row,) = json.loads(shell("list", "--state", "done", "--json", "-").partition("\n")[2])["deliveries"]
    assert (row["event"], row["state"], row["attempts"], row["run"]) == (OPENED.id, "done", 1, 7)
    with pytest.raises(UnknownNameError, match="unknown state 'don'; nearest valid names: 'done'"):
        shell("list", "--state", "don")


def test_dead_letters_are_shown_and_redelivered(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell("dead") == "no dead letters\n"
    monkeypatch.setenv("HOOK_KEY", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    shell.configure(AWAY)
    shell.post(OPENED)
    assert "left: 1 dead" in shell("relay", code=1)
    assert "webhook: dead: 127.0.0.1 cannot be reached: Connection refused" in shell("dead")
    assert "name numbers from dqm alerts list" in shell("redeliver", code=2)
    with pytest.raises(UnknownNameError, match="unknown dead or silenced delivery '99'"):
        shell("redeliver", "99")
    assert "left: 1 dead" in shell("relay", code=4), "until somebody deals with it"
    assert shell("redeliver", "--dead") == "1 due again; next: dqm alerts relay\n"
    assert "left: 1 dead" in shell("relay", code=1)
    assert "1 dismissed; dqm alerts list --state silenced shows them" in shell("dead", "--dismiss")
    assert shell("dead", "--dismiss") == "no dead letters\n"
    assert "webhook: silenced: 127.0.0.1 cannot be reached" in shell("list")
    assert shell("relay") == "delivered 0; nothing left\n"


def test_test_tells_every_receiver(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell("test") == "log: delivered\n"
    shell.configure(AWAY + LOG)
    monkeypatch.delenv("HOOK_KEY", raising=False)
    assert shell("test", code=1) == "webhook: the environment variable HOOK_KEY is not set\nlog: delivered\n"
    assert shell("test", "--receiver", "log") == "log: delivered\n"
    shell.configure("")
    assert "no receiver is configured" in shell("test", code=1)


def test_silence_and_its_end(shell: Shell) -> None:
    said = shell("silence", "--run", "7", "--hours", "2", "--reason", "cabling")
    assert "silence 1: run 7, every subsystem, by operator until " in said
    shell.post(OPENED)
    assert shell("relay") == "delivered 0; left: 1 held\n"
    assert "held: silence 1: run 7" in shell("list")
    with pytest.raises(UnknownNameError, match="unknown silence '9'; valid names begin: '1'"):
        shell("silence", "--end", "9")
    assert shell("silence", "--end", "1") == "alerts of run 7, every subsystem are told again (entry 2)\n"
    assert shell("relay") == "delivered 1; nothing left\n"
    with pytest.raises(InputError, match="the reason is empty; say why"):
        shell("silence")


def test_acknowledgement(shell: Shell) -> None:
    with pytest.raises(UnknownNameError, match="unknown open anomaly '7 A'; there are no valid names"):
        shell("ack", "7", "A")
    shell.post(OPENED)
    assert shell("ack", "7", "A") == "alerts of run 7, subsystem A are acknowledged by operator (entry 1)\n"
    shell.post(Event("anomaly.updated", "run 7", {"n": 2}, 7, "A"))
    assert shell("relay") == "delivered 1; nothing left\n"
    assert "silenced: somebody knows of it" in shell("list")


@pytest.mark.parametrize("command", [("relay",), ("redeliver", "1")])
def test_no_store_and_a_wrong_configuration(tmp_path: Path, command: tuple[str, ...]) -> None:
    shell = Shell(tmp_path)
    shell.configure("[alerts]\nreceivers = []\n")
    with pytest.raises(ConfigError, match=r"unknown key 'alerts.receivers'; nearest valid names: 'receiver'"):
        shell(*command)
    shell.configure("[store]\npath = 'nowhere'\n")
    with pytest.raises(StoreError, match="there is no store here"):
        shell(*command)


def test_audit_holds_who_silenced(shell: Shell) -> None:
    people = "[[people.person]]\nname = 'ada'\nrole = 'expert'\n"
    shell.configure(people + LOG)
    for stranger in ((), ("--as", "bob")):
        with pytest.raises(RefusedError, match="may not act here"):
            shell("silence", "--reason", "x", *stranger)
    shell("silence", "--reason", "x", "--as", "ada")
    with Store.open(shell.folder / "certification") as store:
        (entry,) = store.audit()
        assert (entry.actor, entry.action, entry.fields["subsystem"]) == ("ada", "silence", "*")
        assert entry.role == "expert"
        assert store.verify_audit() == 1
