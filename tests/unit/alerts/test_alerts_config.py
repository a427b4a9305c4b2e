"""The section ``[alerts]`` of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqm.model.config import load
from dqm.model.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("atempts = 3", "unknown key 'alerts.atempts'; nearest valid names: 'attempts'"),
        ("attempts = 0", "alerts.attempts: "),
        ("ask_share = 1.5", "alerts.ask_share: "),
        ("allow = ['https://x.test/']", "'https://x.test/' is no host; write its name alone"),
        ("allow = ['x.test:443']", "'x.test:443' is no host; write its name alone"),
        ("allow = ['*.test']", r"'\*.test' is no host"),
        ("receiver = [{}, {}]", "two receivers are called 'log'; give each a name of its own"),
        ("receiver = [{name = 'a b'}]", "name 'a b' must be of letters, digits"),
        ("receiver = [{to = ['hunter2']}]", "to must be a number, a text, true or false"),
        ("receiver = [{severity = 'loud'}]", "alerts.receiver.0.severity: "),
    ],
)
def test_a_section_that_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "dqm.toml"
    path.write_text(f"[alerts]\n{text}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=why) as caught:
        load(path)
    assert "hunter2" not in str(caught.value)


def test_a_section_as_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "dqm.toml"
    text = "[alerts]\nallow = ['Hooks.Test.', '10.0.0.1', '::1']\n[[alerts.receiver]]\nkind = 'log'\npath = 'x'\n"
    path.write_text(text, encoding="utf-8")
    alerts = load(path).alerts
    assert alerts.allow == ("hooks.test", "10.0.0.1", "::1")
    (receiver,) = alerts.receiver
    assert (receiver.title, receiver.parameters, receiver.types) == ("log", {"path": "x"}, ("*",))
