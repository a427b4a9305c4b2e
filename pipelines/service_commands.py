"""Commands of people: claim, release, decide, escalate, sign, sign-many, reopen, publish, runs, audit, working-point.

Each is one call of a service by the person of ``--as``; a form behind it gives ``--nonce`` and ``--expected``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dqm.model.errors import InputError
from dqm.model.reason_codes import REASON_CODES
from pipelines.desk import desk, nonce_of
from pipelines.terminal import DEFAULT_CONFIG, As, ConfigPath, JsonPath, Nonce, say, write_json

if TYPE_CHECKING:
    from dqm.model.config import Config
    from dqm.model.verdicts import Asked
    from dqm.services.shown import Shown
    from dqm.services.submission import Recorded
    from dqm.store.store import Store

Expected = Annotated[
    str,
    typer.Option(help="what you saw, as dqm runs RUN prints it; refused where that changed since"),
]
Run = Annotated[int, typer.Argument(help="run")]
Lumisections = Annotated[
    list[str], typer.Argument(help="lumisections: 12, 10-20, 1-5,9, all, or open: what needs a person")
]
Comment = Annotated[str, typer.Option(help="in your words")]
working_point = typer.Typer(
    name="working-point", help="Show, propose and approve the thresholds that decide.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (claim, release, decide, escalate, sign, reopen, publish, runs, audit):
        app.command()(command)
    app.command(name="sign-many")(sign_many)
    app.add_typer(working_point, name="working-point")


def claim(
    run: Run,
    hours: Annotated[float, typer.Option(help="how long; 0: as the configuration says")] = 0.0,
    who: As = "",
    expected: Expected = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Reserve a run for yourself, for some hours."""
    from dqm.services.runs import claim as service

    with desk(config) as (settings, store, people):
        lasting = hours or settings.people.claim_hours
        done = service(store, people, who, run, hours=lasting, **_form(nonce, expected))
    _tell(done, json_path)


def release(
    run: Run,
    who: As = "",
    expected: Expected = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Give a claimed run back."""
    from dqm.services.runs import release as service

    with desk(config) as (_, store, people):
        done = service(store, people, who, run, **_form(nonce, expected))
    _tell(done, json_path)


def decide(
    run: Run,
    lumisections: Lumisections,
    verdict: Annotated[str, typer.Argument(help="GOOD, BAD or EXCLUDED")],
    reason: Annotated[str, typer.Option(help="why, one of: " + ", ".join(REASON_CODES))] = "",
    comment: Comment = "",
    who: As = "",
    expected: Expected = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Say that lumisections are GOOD, BAD or EXCLUDED, and why."""
    from dqm.services.decide import decide as service

    if not reason:
        raise InputError("a decision needs its reason, --reason with one of: " + ", ".join(REASON_CODES))
    with desk(config) as (_, store, people):
        ranges = _ranges(store, run, lumisections)
        done = service(store, people, who, run, ranges, verdict, reason, comment, **_form(nonce, expected))
    _tell(done, json_path)


def escalate(
    run: Run,
    lumisections: Lumisections,
    comment: Annotated[str, typer.Option(help="what you ask the expert")] = "",
    who: As = "",
    expected: Expected = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Ask an expert about lumisections."""
    from dqm.services.runs import escalate as service

    with desk(config) as (_, store, people):
        ranges = _ranges(store, run, lumisections)
        done = service(store, people, who, run, ranges, comment, **_form(nonce, expected))
    _tell(done, json_path)


def sign(
    run: Run,
    comment: Comment = "",
    who: As = "",
    expected: Expected = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Sign a run off: what is decided stands. Refused while anything of it is open."""
    from dqm.services.runs import sign as service

    with desk(config) as (settings, store, people):
        done = service(store, people, who, run, asked=_asked(settings), comment=comment, **_form(nonce, expected))
    _tell(done, json_path)


def sign_many(
    runs: Annotated[list[str], typer.Argument(help="runs, or quiet: all in which nothing asks and nobody is at work")],
    comment: Comment = "",
    who: As = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Sign many runs, an entry each; those in which anything is open are told and left. Exit code 1 where any is."""
    from dqm.services.batch import sign_many as service

    with desk(config) as (settings, store, people):
        shown = _quiet(store) if runs == ["quiet"] else dict.fromkeys(map(_number, runs))
        done = service(store, people, who, shown, comment, asked=_asked(settings), nonce=nonce_of(nonce))
    say(done.text())
    write_json(json_path, done.document())
    raise typer.Exit(1 if done.refused else 0)


def reopen(
    run: Run,
    reason: Annotated[str, typer.Option(help="why, in your words")] = "",
    who: As = "",
    expected: Expected = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Open a signed run again, with a reason."""
    from dqm.services.runs import reopen as service

    with desk(config) as (_, store, people):
        done = service(store, people, who, run, reason, **_form(nonce, expected))
    _tell(done, json_path)


def publish(
    preview: Annotated[bool, typer.Option("--preview", help="tell what would change, and publish nothing")] = False,
    who: As = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Publish the golden JSON of what is decided now, without scoring."""
    from datetime import UTC, datetime

    from dqm.services.difference import difference
    from dqm.services.publish import GOLDEN, keeps_from_publishing
    from dqm.services.publish import publish as service
    from pipelines.run.certify import IN_WORDS

    with desk(config) as (settings, store, people):
        if preview:
            found = difference(store, datetime.now(UTC))
            keeps = keeps_from_publishing(store, _asked(settings), datetime.now(UTC))
            text, document = found.text(settings.experiment.weight_unit), found.document() | {"keeps": keeps}
            text += f"\nnote: dqm publish would refuse: {keeps}" if keeps else ""
        else:
            done = service(store, people, who, asked=_asked(settings), words=IN_WORDS, nonce=nonce_of(nonce))
            text, document = f"{done.text()}\n{store.newest(GOLDEN)}", done.document()
    say(text)
    write_json(json_path, document)


def runs(
    run: Annotated[int, typer.Argument(help="one run, range by range; the queue where it is left out")] = -1,
    most: Annotated[int, typer.Option(min=0, help="runs to list; 0: all")] = 20,
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """List the runs with their state and decisions, those first in which most weight needs a person."""
    from pipelines.run.queue import told, told_of

    with desk(config) as (settings, store, _):
        if run >= 0:
            ranges, text = told_of(store, run)
            document: list[Any] = [vars(each) for each in ranges]
        else:
            rows, text = told(store, settings.experiment.weight_unit, most)
            document = [each.document() for each in rows]
    say(text)
    write_json(json_path, document)


def audit(
    run: Annotated[int, typer.Argument(help="run; all where it is left out")] = -1,
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Show who did what, and whether the chain of entries is whole."""
    from pipelines.run.queue import history

    with desk(config) as (_, store, _people):
        entries, text = history(store, None if run < 0 else run)
    say(text)
    write_json(json_path, [{**vars(each), "fields": dict(each.fields)} for each in entries])


@working_point.command("show")
def show(config: ConfigPath = DEFAULT_CONFIG, json_path: JsonPath = "") -> None:
    """Show the working point that decides, who approved it, and what is proposed."""
    from pipelines.run.working_point import shown

    with desk(config) as (_, store, _people):
        document, text = shown(store)
    say(text)
    write_json(json_path, document)


@working_point.command("propose")
def propose(
    comment: Annotated[str, typer.Option(help="why, in your words")] = "",
    data_loss: Annotated[float, typer.Option(help="budget of good weight rejected; 0: as configured")] = 0.0,
    pollution: Annotated[float, typer.Option(help="budget of bad weight accepted; 0: as configured")] = 0.0,
    accept_below: Annotated[float, typer.Option(help="with --reject-above: thresholds instead of budgets")] = -1.0,
    reject_above: Annotated[float, typer.Option(help="with --accept-below: thresholds instead of budgets")] = -1.0,
    who: As = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Propose a working point: budgets, from which the past chooses thresholds, or thresholds."""
    from dqm.services.working_points import propose as service
    from pipelines.run.working_point import candidate

    with desk(config) as (settings, store, people):
        point = candidate(settings, store, (data_loss, pollution), (accept_below, reject_above))
        done = service(store, people, who, point, comment, nonce=nonce_of(nonce))
    _tell(done, json_path)


@working_point.command("approve")
def approve(
    proposal: Annotated[int, typer.Argument(help="number of the entry that proposed it")],
    comment: Comment = "",
    who: As = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Let a proposed working point decide from now on."""
    from dqm.services.working_points import approve as service

    with desk(config) as (_, store, people):
        done = service(store, people, who, proposal, comment=comment, nonce=nonce_of(nonce))
    _tell(done, json_path)


def _form(nonce: str, expected: str) -> dict[str, Any]:
    from dqm.services.shown import Shown

    return {"nonce": nonce_of(nonce), "expected": Shown.parse(expected) if expected else None}


def _quiet(store: Store) -> dict[int, Shown]:
    """The runs in which nothing asks, with what they are now."""
    from datetime import UTC, datetime

    from dqm.services.batch import nothing_asks
    from dqm.services.queue import queue
    from dqm.services.shown import Shown

    found = {each.run: Shown.parse(each.shown) for each in queue(store, datetime.now(UTC)) if nothing_asks(each)}
    if not found:
        raise InputError("there is no run to sign in which nothing asks and nobody is at work; see: dqm runs")
    return found


def _asked(settings: Config) -> Asked:
    """What the configuration asks of features now."""
    from features.asked import asked_of

    return asked_of(settings.features, settings.limits)


def _number(word: str) -> int:
    if not (word.isascii() and word.isdecimal() and len(word) < 19):
        raise InputError(f"{word!r} is no run; name runs by their numbers, or: dqm sign-many quiet")
    return int(word)


def _ranges(store: Store, run: int, words: list[str]) -> list[tuple[int, int]]:
    from pipelines.run.queue import named_lumisections

    return named_lumisections(store, run, words)


def _tell(done: Recorded, json_path: str) -> None:
    say(done.text())
    write_json(json_path, done.document())
