"""``dqm alerts …``: who is told, what was not, and silence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.terminal import DEFAULT_CONFIG, ConfigPath, JsonPath, say, write_json

if TYPE_CHECKING:
    from dqm.store.deliveries import Delivery

app = typer.Typer(help="Tell receivers what happened, and see what they were not told.", no_args_is_help=True)

Person = Annotated[str, typer.Option("--as", help="who does this")]
Why = Annotated[str, typer.Option("--reason", help="why; kept with it")]
OPERATOR, ROLE = "operator", "shifter"


@app.command("relay")
def alerts_relay(
    config: ConfigPath = DEFAULT_CONFIG,
    wait: Annotated[float, typer.Option(min=0, help="seconds to go on trying what fails")] = 0.0,
    json_path: JsonPath = "",
) -> None:
    """Send what is due, once; ends with 1 where something stays undelivered."""
    from dqm.model.config import load
    from dqm.store.store import Store
    from pipelines.alerts.relay import relay

    settings = load(config)
    with Store.open(settings.store_path) as store:
        done = relay(settings, store, wait=wait)
    say(done.text())
    write_json(json_path, vars(done) | {"complete": done.complete})
    if not done.complete:
        raise typer.Exit(1)


@app.command("test")
def alerts_test(
    config: ConfigPath = DEFAULT_CONFIG,
    receiver: Annotated[str, typer.Option(help="only this one; empty: all")] = "",
    json_path: JsonPath = "",
) -> None:
    """Send an event ``alerts.test`` to the receivers now, whatever they ask for; ends with 1 where one fails."""
    from dqm.model.config import load
    from pipelines.alerts.relay import probe

    results = probe(load(config), receiver)
    for name, error in results.items():
        say(f"{name}: {error or 'delivered'}")
    write_json(json_path, [{"receiver": name, "error": error} for name, error in results.items()])
    if not results:
        say("no receiver is configured; docs/alerts.md says how")
    if any(results.values()) or not results:
        raise typer.Exit(1)


@app.command("list")
def alerts_list(
    config: ConfigPath = DEFAULT_CONFIG,
    state: Annotated[str, typer.Option(help="pending, done, dead, held or silenced; empty: all")] = "",
    limit: Annotated[int, typer.Option(min=1, help="newest so many")] = 50,
    json_path: JsonPath = "",
) -> None:
    """List deliveries, newest event first, and the silences that hold."""
    from dqm.model.errors import UnknownNameError
    from dqm.store.deliveries import STATES
    from pipelines.alerts.outside import utc_now
    from pipelines.alerts.silences import silences_at

    if state and state not in STATES:
        raise UnknownNameError("state", state, STATES)
    with _opened(config) as store:
        found = store.deliveries.found([state] if state else STATES, limit)
        silences = silences_at(store, utc_now())
    say("\n".join([*map(_line, found), *(each.text() for each in silences)]) or "nothing was told yet")
    write_json(
        json_path, {"deliveries": [_document(each) for each in found], "silences": [vars(each) for each in silences]}
    )


@app.command("dead")
def alerts_dead(config: ConfigPath = DEFAULT_CONFIG, json_path: JsonPath = "") -> None:
    """List the dead letters: deliveries that were given up, with what went wrong last."""
    with _opened(config) as store:
        found = store.deliveries.found(["dead"])
    say("\n".join(map(_line, found)) or "no dead letters")
    write_json(json_path, [_document(each) for each in found])


@app.command("redeliver")
def alerts_redeliver(
    numbers: Annotated[list[int] | None, typer.Argument(help="numbers of dead or silenced deliveries")] = None,
    config: ConfigPath = DEFAULT_CONFIG,
    dead: Annotated[bool, typer.Option("--dead", help="all dead letters")] = False,
    json_path: JsonPath = "",
) -> None:
    """Make deliveries due again that were given up or silenced; ``dqm alerts relay`` then sends them."""
    from pipelines.alerts.outside import utc_now

    if not numbers and not dead:
        raise typer.BadParameter("name numbers from dqm alerts list, or --dead for all dead letters")
    with _opened(config) as store:
        all_dead = [each.id for each in store.deliveries.found(["dead"])] if dead else []
        count = store.deliveries.redeliver([*(numbers or []), *all_dead], utc_now())
    say(f"{count} due again; next: dqm alerts relay")
    write_json(json_path, {"due_again": count})


@app.command("silence")
def alerts_silence(
    reason: Why = "",
    run: Annotated[int | None, typer.Option(min=0, help="only this run; left out: any")] = None,
    subsystem: Annotated[str, typer.Option(help="only this subsystem; *: any")] = "*",
    hours: Annotated[float, typer.Option(min=0.01, max=720, help="how long")] = 8.0,
    end: Annotated[int | None, typer.Option(help="end the silence of this number instead")] = None,
    person: Person = OPERATOR,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Hold back what is about a run or a subsystem for some hours, or end such a silence."""
    from datetime import timedelta

    from dqm.model.errors import UnknownNameError
    from pipelines.alerts.outside import utc_now
    from pipelines.alerts.silences import silence, silences_at, unsilence

    at = utc_now()
    with _opened(config) as store:
        if end is None:
            until = at + timedelta(hours=hours)
            action = silence(person, ROLE, _nonce(), at, until=until, reason=reason, run=run, subsystem=subsystem)
        else:
            holding = {each.id: each for each in silences_at(store, at)}
            if end not in holding:
                raise UnknownNameError("silence", str(end), map(str, holding))
            action = unsilence(person, ROLE, _nonce(), at, holding[end])
        with store.transaction(at=at) as change:
            change.record(action)
        said = [each.text() for each in silences_at(store, at)]
    say("\n".join(said) or "no silence holds")


@app.command("ack")
def alerts_ack(
    run: Annotated[int, typer.Argument(help="run of the anomaly", min=0)],
    subsystem: Annotated[str, typer.Argument(help="its subsystem")] = "",
    reason: Why = "",
    person: Person = OPERATOR,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Say that you know of an anomaly: its updates are not told any more, its end is."""
    from dqm.model.errors import UnknownNameError
    from pipelines.alerts.outside import utc_now
    from pipelines.alerts.producing import last_anomalies
    from pipelines.alerts.silences import acknowledgement

    at = utc_now()
    with _opened(config) as store:
        last = last_anomalies(store.events())
        here = {key for key, event in last.items() if event.type != "anomaly.resolved"}
        if (run, subsystem) not in here:
            raise UnknownNameError("open anomaly", f"{run} {subsystem}".strip(), (f"{r} {s}".strip() for r, s in here))
        with store.transaction(at=at) as change:
            change.record(acknowledgement(person, ROLE, _nonce(), at, run=run, subsystem=subsystem, reason=reason))
    say(f"{person} knows of run {run} {subsystem}".rstrip())


def _opened(config: Path) -> Any:
    from dqm.model.config import load
    from dqm.store.store import Store

    return Store.open(load(config).store_path)


def _nonce() -> str:
    import uuid

    return uuid.uuid4().hex


def _line(delivery: Delivery) -> str:
    event, when = delivery.posted.event, f"{delivery.posted.at:%Y-%m-%d %H:%M}"
    place = f"{event.subject} {event.subsystem}".rstrip()
    said = f": {delivery.error}" if delivery.error else ""
    tries = f", {delivery.attempts} attempts" if delivery.attempts > 1 else ""
    return f"{delivery.id} {when} {event.type} {place} → {delivery.receiver}: {delivery.state}{tries}{said}"


def _document(delivery: Delivery) -> dict[str, Any]:
    event = delivery.posted.event
    fields = ("id", "receiver", "state", "attempts", "due", "error")
    about = {
        "event": event.id,
        "type": event.type,
        "subject": event.subject,
        "run": event.run,
        "subsystem": event.subsystem,
    }
    return {name: getattr(delivery, name) for name in fields} | about | {"at": delivery.posted.at}
