"""Every command, configuration key and plug-in group is documented; command lines and links are real."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import BaseModel

from detectors import registry
from dqm.model.config import Config
from dqm.model.plugins import GROUPS
from pipelines.cli import app


@pytest.fixture(scope="module")
def pages(repository: Path) -> dict[str, str]:
    """Text of the README and of every page of ``docs/`` by name."""
    found = [repository / "README.md", *sorted((repository / "docs").glob("*.md"))]
    return {each.name: each.read_text(encoding="utf-8") for each in found}


def commands(group: Any, prefix: str = "dqm") -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name such as ``dqm benchmark certification``."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str, pages: dict[str, str]) -> None:
    assert any(re.search(rf"{re.escape(name)}\b", text) for text in pages.values())


def invocations(text: str) -> Iterator[str]:
    """Command lines that begin with ``dqm`` in the shell blocks of a page."""
    for block in re.findall(r"```(?:bash|sh|console)\n(.*?)```", text, flags=re.DOTALL):
        for line in block.splitlines():
            if re.match(r"(?:\$ )?(?:\.venv/bin/)?dqm [a-z]", line):
                yield line.removeprefix("$ ").removeprefix(".venv/bin/").partition("#")[0].strip()


def test_every_command_line_in_the_documentation_exists(pages: dict[str, str]) -> None:
    """The command must be known, and every ``--option`` must be one of its own."""
    wrong = []
    for page, text in pages.items():
        for line in invocations(text):
            name = next(
                (each for each in sorted(COMMANDS, key=len, reverse=True) if f"{line} ".startswith(f"{each} ")), ""
            )
            known = (
                {option for each in COMMANDS[name].params for option in (*each.opts, *each.secondary_opts)}
                if name
                else set()
            )
            used = set(re.findall(r"(?<=\s)--[\w-]+", line)) - {"--help", "--version"}
            if not name or used - known:
                wrong.append(f"{page}: {line}")
    assert wrong == []


def records(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Headings of ``docs/configuration.md`` with the record that each describes."""
    found = {}
    for name, field in model.model_fields.items():
        for record in nested(field.annotation):
            many = "tuple" in str(field.annotation)
            title = f"[[{name}]]" if many else f"[{name}]"
            kinds = get_args(record.model_fields["kind"].annotation) if "kind" in record.model_fields else ()
            found[f'`{title} kind = "{kinds[0]}"`' if kinds else f"`{title}`"] = record
            for inner, inner_field in record.model_fields.items():
                inside = nested(inner_field.annotation)
                alone = inner_field.annotation in inside
                place = f"`[{name}.{inner}]`" if alone else f"`[{name}.{inner}.NAME]`"
                found |= {place: inside[0]} if inside else {}
    return found


def nested(annotation: Any) -> list[type[BaseModel]]:
    """Record types inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for each in get_args(annotation) for found in nested(each)]


def default(record: type[BaseModel], key: str) -> str:
    """The default of a key as TOML shows it, in the form of the page."""
    field = record.model_fields[key]
    if field.is_required():
        return "required"
    value = {} if isinstance(field.default, BaseModel) else field.default
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value, default=str)}`"


def documented(page: str, heading: str) -> dict[str, str]:
    """Keys and defaults in the table under a heading."""
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", page, flags=re.MULTILINE | re.DOTALL)
    assert section, f"no heading {heading} in configuration.md"
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$", section[1], flags=re.MULTILINE))


@pytest.mark.parametrize("heading", records(Config))
def test_every_configuration_key_and_default_is_documented(heading: str, pages: dict[str, str]) -> None:
    record = records(Config)[heading]
    tagged = heading.count("kind =") == 1
    keys = [key for key in record.model_fields if not (tagged and key == "kind")]
    assert documented(pages["configuration.md"], heading) == {key: default(record, key) for key in keys}


@pytest.mark.parametrize("kind", registry.names())
def test_every_detector_and_default_is_documented(kind: str, pages: dict[str, str]) -> None:
    given = {name: f"`{json.dumps(value)}`" for name, value in registry.parameters(kind).items()}
    assert documented(pages["detectors.md"], f"`{kind}`") == given


@pytest.mark.parametrize("group", GROUPS)
def test_every_plugin_group_is_documented(group: str, pages: dict[str, str]) -> None:
    assert any(group in text for text in pages.values())


def test_links_lead_to_files(pages: dict[str, str], repository: Path) -> None:
    broken = []
    for page, text in pages.items():
        folder = repository if page == "README.md" else repository / "docs"
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if "://" not in target and not (folder / target).exists():
                broken.append(f"{page}: {target}")
        for mention in re.findall(r"`((?:docs|tests|notebooks)/[\w./-]+\.\w+)`", text):
            if not (repository / mention).exists():
                broken.append(f"{page}: {mention}")
    assert broken == []
