"""The relay: every event arrives at least once, by the same id, in order, and nothing is given up in silence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dqm.model.config import Config
from dqm.model.errors import ConfigError, UnknownNameError
from dqm.model.events import Event
from dqm.store.store import Store
from pipelines.alerts import relay as module
from pipelines.alerts.outside import Outside
from pipelines.alerts.receivers import usable
from pipelines.alerts.relay import probe, relay


def night(n: int) -> Event:
    """An event about no run."""
    return Event("nightly.finished", f"night {n}", {"n": n})


@pytest.fixture
def sent(store: Store, outside: Outside) -> Callable[..., Any]:
    """One pass of the relay."""
    return lambda config, **options: relay(config, store, outside=outside, **options)


def test_an_event_is_told_once_and_confirmed(sent: Any, configured: Any, hook: Any, desk: Any, post: Any) -> None:
    post(night(1))
    done = sent(configured(hook))
    assert (done.delivered, done.complete, done.text()) == (1, True, "delivered 1; nothing left")
    assert sent(configured(hook)).delivered == 0
    assert desk.ids() == [night(1).id]


def test_a_new_receiver_starts_from_now(sent: Any, configured: Any, hook: Any, desk: Any, post: Any) -> None:
    post(night(1))
    sent(configured())
    post(night(2))
    assert sent(configured(hook)).delivered == 1
    assert desk.ids() == [night(2).id]


def test_types_and_severity_choose(sent: Any, configured: Any, hook: Any, desk: Any, post: Any) -> None:
    post(night(1), Event("nightly.failed", "night 2"), Event("model.promoted", "m"), Event("golden.published", "g"))
    urgent, golden = hook | {"name": "urgent", "severity": "critical"}, hook | {"name": "golden", "types": ["golden.*"]}
    done = sent(configured(urgent, golden))
    assert done.delivered == 2
    assert {each.headers["webhook-id"] for each in desk.requests} == {
        Event("nightly.failed", "night 2").id,
        Event("golden.published", "g").id,
    }


def test_the_end_of_an_anomaly_reaches_who_was_told_of_it(
    sent: Any, configured: Any, hook: Any, desk: Any, post: Any
) -> None:
    data = {"severity": "critical"}
    post(Event("anomaly.opened", "run 1", data, 1, "A"), Event("anomaly.resolved", "run 1", data, 1, "A"))
    assert sent(configured(hook | {"severity": "critical"})).delivered == 2


def test_a_failure_waits_longer_each_time_and_then_is_a_dead_letter(
    sent: Any, configured: Any, hook: Any, desk: Any, post: Any, store: Store, clock: Any
) -> None:
    desk.answer = lambda n: (500, {}, b"")
    config = configured(hook, attempts=3, first_delay=100.0)
    post(night(1))
    waits = []
    for _ in range(2):
        done = sent(config)
        assert not done.complete
        assert done.failed == {"webhook": "127.0.0.1 answered 500"}
        (pending,) = store.deliveries.found(["pending"])
        waits.append((pending.due - clock()).total_seconds())
        assert sent(config).failed == {}, "it was sent before it was due"
        clock.now = pending.due
    assert 0 <= waits[0] <= 100
    assert 0 <= waits[1] <= 200
    done = sent(config)
    assert (done.given_up, done.complete, desk.ids()) == (1, False, [night(1).id] * 3)
    assert done.text() == ("delivered 0; left: 1 dead\nwebhook: 127.0.0.1 answered 500\ndead letters: dqm alerts dead")
    assert sent(config).complete, "an old dead letter fails no later pass"


def test_a_dead_letter_is_redelivered_with_the_same_id(
    sent: Any, configured: Any, hook: Any, desk: Any, post: Any, store: Store, clock: Any
) -> None:
    desk.answer = lambda n: (500, {}, b"") if n == 1 else (200, {}, b"")
    config = configured(hook, attempts=1)
    post(night(1))
    sent(config)
    (dead,) = store.deliveries.found(["dead"])
    assert store.deliveries.redeliver([dead.id], clock()) == 1
    assert sent(config).complete
    assert desk.ids() == [night(1).id] * 2
    with pytest.raises(UnknownNameError, match=rf"unknown dead or silenced delivery '{dead.id}'"):
        store.deliveries.redeliver([dead.id], clock())


def test_jitter_is_full_and_capped(configured: Any, post: Any, store: Store, clock: Any, outside: Outside) -> None:
    """Mutant: a wait that only grows, so that all who failed together come back together."""
    alerts = configured(first_delay=10.0, longest_delay=60.0).alerts
    post(*map(night, range(200)))
    store.deliveries.spread(lambda event: ["a"], clock())
    some = [replace(each, attempts=2) for each in store.deliveries.found()]
    waits = [module.delay(alerts, each, None) for each in some]
    assert min(waits) < 1 < 19 < max(waits) <= 20
    late = [module.delay(alerts, replace(each, attempts=2000), None) for each in some]
    assert 55 < max(late) <= 60
    assert module.delay(alerts, some[0], 45.0) == 45.0
    assert module.delay(alerts, some[0], 1e9) == 60.0


def test_a_relay_that_dies_after_sending_sends_again_by_the_same_id(
    sent: Any, configured: Any, hook: Any, desk: Any, post: Any, clock: Any, monkeypatch: Any
) -> None:
    """Mutant: the delivery is marked done before it is sent, and the event is lost with the process."""

    class KilledError(BaseException):
        pass

    send = module._send

    def killed(*args: Any) -> None:
        send(*args)
        raise KilledError

    post(night(1))
    with monkeypatch.context() as patch:
        patch.setattr(module, "_send", killed)
        with pytest.raises(KilledError):
            sent(configured(hook))
    assert sent(configured(hook)).delivered == 0, "another may still be sending it"
    clock.pass_by(3600)
    assert sent(configured(hook)).complete
    assert desk.ids() == [night(1).id] * 2


def test_two_relays_at_once_do_not_send_the_same(
    sent: Any, configured: Any, hook: Any, desk: Any, post: Any, store: Store, outside: Outside
) -> None:
    """The second runs while the first waits for its receiver."""
    config: Config = configured(hook)

    def meanwhile(n: int) -> tuple[int, dict[str, str], bytes]:
        if n == 1:
            with Store.open(store.path) as other:
                assert relay(config, other, outside=outside).delivered == 1
        return 200, {}, b""

    desk.answer = meanwhile
    post(night(1), night(2))
    assert sent(config).complete
    assert sorted(desk.ids()) == sorted([night(1).id, night(2).id])


def test_a_success_counts_after_the_lease_and_a_failure_does_not(
    configured: Any, post: Any, store: Store, clock: Any
) -> None:
    from dqm.store.deliveries import Outcome

    post(night(1))
    store.deliveries.spread(lambda event: ["a"], clock())
    (due,) = store.deliveries.due(["a"], clock(), timedelta(hours=1))
    first = store.deliveries.claim(due, clock() + timedelta(seconds=60))
    assert store.deliveries.due(["a"], clock(), timedelta(hours=1)) == []
    assert store.deliveries.claim(due, clock() + timedelta(seconds=60)) is None
    clock.pass_by(61)
    (again,) = store.deliveries.due(["a"], clock(), timedelta(hours=1))
    second = store.deliveries.claim(again, clock() + timedelta(seconds=60))
    assert first
    assert second
    assert (first.id, second.attempts) == (second.id, 2)
    store.deliveries.enter(Outcome(first, "dead", clock(), "late"))
    assert store.deliveries.counts()["pending"] == 1
    store.deliveries.enter(Outcome(first, "done", clock()))
    assert store.deliveries.counts()["done"] == 1


@pytest.mark.parametrize("run", [1, None], ids=["of a run", "of a loop"])
def test_an_anomaly_is_told_in_order_and_others_do_not_wait(
    run: int | None, sent: Any, configured: Any, hook: Any, desk: Any, post: Any, clock: Any
) -> None:
    """Mutant: the end of an anomaly overtakes its begin, and Alertmanager fires what is over."""
    desk.answer = lambda n: (500, {}, b"") if n == 1 else (200, {}, b"")
    opened, ended = Event("anomaly.opened", "A", {}, run, "A"), Event("anomaly.resolved", "A", {}, run, "A")
    other = Event("anomaly.opened", "B", {}, run, "B")
    post(opened, ended, other)
    sent(configured(hook))
    clock.pass_by(60)
    assert sent(configured(hook)).complete
    assert desk.ids() == [opened.id, other.id, opened.id, ended.id]


def test_a_clock_set_back_makes_nobody_wait(
    sent: Any, configured: Any, hook: Any, desk: Any, post: Any, clock: Any
) -> None:
    desk.answer = lambda n: (500, {}, b"") if n == 1 else (200, {}, b"")
    post(night(1))
    sent(configured(hook))
    clock.pass_by(-86400 * 365)
    assert sent(configured(hook)).complete


def test_a_receiver_that_never_answers_is_left_alone_and_the_others_are_told(
    sent: Any, configured: Any, hook: Any, desk: Any, post: Any, store: Store
) -> None:
    post(*map(night, range(8)))
    away = hook | {"name": "away", "url": "http://127.0.0.1:9/"}
    done = sent(configured(away, hook))
    assert done.delivered == 8
    assert done.failed["away"].startswith("127.0.0.1 cannot be reached")
    tried = [each.attempts for each in store.deliveries.found(["pending"])]
    assert sorted(tried) == [0] * 5 + [1] * 3


def test_waiting_goes_on_until_all_is_told(
    sent: Any, configured: Any, hook: Any, desk: Any, post: Any, clock: Any
) -> None:
    desk.answer = lambda n: (503, {"Retry-After": "7"}, b"") if n < 4 else (200, {}, b"")
    post(night(1))
    start = clock()
    done = sent(configured(hook, first_delay=1.0), wait=60.0, sleep=clock.pass_by)
    assert done.complete
    assert (clock() - start).total_seconds() == pytest.approx(21)
    desk.answer = lambda n: (503, {"Retry-After": "7"}, b"")
    post(night(2))
    done = sent(configured(hook, first_delay=1.0), wait=10.0, sleep=clock.pass_by)
    assert not done.complete


def test_what_a_receiver_that_is_gone_was_to_be_told_is_a_dead_letter(
    sent: Any, configured: Any, hook: Any, desk: Any, post: Any, store: Store
) -> None:
    desk.answer = lambda n: (500, {}, b"")
    post(night(1))
    sent(configured(hook))
    assert sent(configured({"kind": "log"})).given_up == 1
    (dead,) = store.deliveries.found(["dead"])
    assert dead.error == "no receiver of this name is configured any more"


class Broken:
    """A plug-in that fails as nobody foresaw."""

    def check(self, outside: Outside) -> None:
        """Fine."""

    def send(self, notice: Any, outside: Outside) -> None:
        """Quote a secret in an error."""
        raise KeyError(outside.secret("HOOK_KEY"))


class Stuck(Broken):
    """A plug-in that waits for ever."""

    def __init__(self) -> None:
        self.end = threading.Event()

    def send(self, notice: Any, outside: Outside) -> None:
        """Wait."""
        self.end.wait(30)


def test_a_receiver_that_never_comes_back_holds_nobody_up(
    configured: Any, hook: Any, desk: Any, post: Any, outside: Outside, store: Store, monkeypatch: Any
) -> None:
    """Mutant: the timeout of a socket alone, which begins anew with every byte, and is the plug-in's own affair."""
    whole, stuck = usable, Stuck()

    def with_stuck(alerts: Any, outside: Outside) -> Any:
        told, wrong = whole(alerts, outside)
        first = next(iter(told))
        return told | {first: replace(told[first], receiver=stuck)}, wrong

    monkeypatch.setattr(module, "usable", with_stuck)
    post(night(1))
    config = configured({"kind": "log", "name": "stuck"}, hook)
    done = relay(config, store, outside=replace(outside, total_timeout=0.5))
    stuck.end.set()
    assert (done.delivered, done.failed) == (1, {"stuck": "no answer within 0.5 s"})


def test_a_plug_in_that_breaks_stops_nobody_else(
    sent: Any, configured: Any, hook: Any, desk: Any, post: Any, monkeypatch: Any
) -> None:
    whole = usable

    def with_broken(alerts: Any, outside: Outside) -> Any:
        told, wrong = whole(alerts, outside)
        first = next(iter(told))
        return told | {first: replace(told[first], receiver=Broken())}, wrong

    monkeypatch.setattr(module, "usable", with_broken)
    post(night(1))
    done = sent(configured({"kind": "log", "name": "broken"}, hook))
    assert (done.delivered, done.failed) == (1, {"broken": "the receiver failed with KeyError"})


def test_a_receiver_that_can_never_work_keeps_nothing_from_the_others(
    sent: Any, configured: Any, hook: Any, desk: Any, post: Any, store: Store
) -> None:
    """Mutant: one misspelt receiver, and nobody is told anything, of a night that failed neither."""
    post(night(1))
    far = hook | {"name": "far", "url": "https://example.org/"}
    why = r"alerts.receiver 'far': host 'example.org' is not in alerts.allow.*; what is for it waits, the others were told"
    with pytest.raises(ConfigError, match=why):
        sent(configured(hook, far), wait=60)
    assert desk.ids() == [night(1).id]
    assert [each.receiver for each in store.deliveries.found(["pending"])] == ["far"]
    assert sent(configured(hook, hook | {"name": "far"})).delivered == 1, "mended, it is told what waited"


def test_probe_tells_every_receiver_now(configured: Any, hook: Any, desk: Any, outside: Outside) -> None:
    config = configured(hook | {"types": ["golden.*"]}, hook | {"name": "keyless", "secret_env": "NOWHERE"})
    wrong = "the environment variable NOWHERE is not set"
    assert probe(config, outside=outside) == {"webhook": "", "keyless": wrong}
    assert b'"io.lumicert.alerts.test"' in desk.requests[0].body
    assert probe(config, "webhook", outside) == {"webhook": ""}
    with pytest.raises(UnknownNameError, match="unknown receiver 'webhok'; nearest valid names: 'webhook'"):
        probe(config, "webhok", outside)
