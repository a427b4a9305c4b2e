"""``dqm alerts …``: who is told, what was not, and silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.desk import desk, nonce_of
from pipelines.terminal import DEFAULT_CONFIG, UNDELIVERED, As, ConfigPath, JsonPath, Nonce, say, write_json

if TYPE_CHECKING:
    from dqm.store.deliveries import Delivery

app = typer.Typer(help="Tell receivers what happened, and see what they were not told.", no_args_is_help=True)

Why = Annotated[str, typer.Option("--reason", help="why; kept with it")]


@app.command("relay")
def alerts_relay(
    config: ConfigPath = DEFAULT_CONFIG,
    wait: Annotated[float, typer.Option(min=0, help="seconds to go on trying what fails")] = 0.0,
    json_path: JsonPath = "",
) -> None:
    """Send what is due, once; ends with 1 where something stays undelivered, with 4 where there are dead letters."""
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
    if done.counts["dead"]:
        raise typer.Exit(UNDELIVERED)


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
    from dqm.services.silences import silences_at
    from dqm.store.deliveries import STATES
    from pipelines.alerts.outside import utc_now

    if state and state not in STATES:
        raise UnknownNameError("state", state, STATES)
    with desk(config) as (_, store, _people):
        found = store.deliveries.found([state] if state else STATES, limit)
        silences = silences_at(store, utc_now())
    none = f"no delivery is {state}" if state else "nothing was told yet"
    say("\n".join([*(map(_line, found) if found else [none]), *(each.text() for each in silences)]))
    write_json(
        json_path, {"deliveries": [_document(each) for each in found], "silences": [vars(each) for each in silences]}
    )


@app.command("dead")
def alerts_dead(
    config: ConfigPath = DEFAULT_CONFIG,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="count them no longer; they become silenced")] = False,
    json_path: JsonPath = "",
) -> None:
    """List the dead letters: deliveries that were given up, with what went wrong last."""
    with desk(config) as (_, store, _people):
        found = store.deliveries.found(["dead"])
        if dismiss:
            store.deliveries.dismiss([each.id for each in found])
    say("\n".join(map(_line, found)) or "no dead letters")
    if dismiss and found:
        say(f"{len(found)} dismissed; dqm alerts list --state silenced shows them, and dqm alerts redeliver sends them")
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
    with desk(config) as (_, store, _people):
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
    who: As = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Hold back what is about a run or a subsystem for some hours, or end such a silence."""
    from datetime import timedelta

    from dqm.services import silences
    from pipelines.alerts.outside import utc_now

    at, name = utc_now(), nonce_of(nonce)
    with desk(config) as (_, store, people):
        if end is None:
            until = at + timedelta(hours=hours)
            done = silences.silence(store, people, who, run, subsystem, until, reason, nonce=name, at=at)
        else:
            done = silences.end_silence(store, people, who, end, nonce=name, at=at)
        holding = silences.silences_at(store, at)
    say("\n".join([done.text(), *(each.text() for each in holding)]))


@app.command("ack")
def alerts_ack(
    run: Annotated[int, typer.Argument(help="run of the anomaly", min=0)],
    subsystem: Annotated[str, typer.Argument(help="its subsystem")] = "",
    reason: Why = "",
    who: As = "",
    nonce: Nonce = "",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Say that you know of an anomaly: its updates are not told any more, its end is."""
    from dqm.services.silences import acknowledge

    with desk(config) as (_, store, people):
        done = acknowledge(store, people, who, run, subsystem, reason, nonce=nonce_of(nonce))
    say(done.text())


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
