"""``dqm promote``: let the challenger score, or go back to the model before; who did it, why, on what evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dqm.decide.policy import MarginPolicy
from dqm.model.config import Config
from dqm.model.errors import InputError, RefusedError
from dqm.model.events import Event
from dqm.model.people import People, Role
from dqm.services.submission import Desk, Judgement, Recorded, checked_text, submit
from dqm.services.working_points import approval
from dqm.store.schema import CHALLENGER, CHAMPION
from dqm.store.store import Store
from dqm.store.stored import StoredModel
from dqm.store.tables import store_past
from pipelines.promotion.comparison import Comparison, compare
from pipelines.run.past_file import load_past
from pipelines.run.score import champion_entry
from pipelines.run.score_part import bundle_of

ACTION = "promote"


@dataclass(frozen=True)
class Promotion:
    """What was promoted: the entry, and the comparison; None for a way back, or where none could be made."""

    recorded: Recorded
    comparison: Comparison | None

    def text(self) -> str:
        """For people."""
        compared = "" if self.comparison is None else f"{self.comparison.text()}\n"
        return f"{compared}{self.recorded.text()}\nwhat was decided stays until it is scored again: dqm backfill"

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        compared = None if self.comparison is None else self.comparison.document()
        return {**self.recorded.document(), "comparison": compared}


def challenger_of(store: Store) -> StoredModel:
    """The challenger; raises ``InputError`` where there is none or it scores already."""
    found = store.pointed(CHALLENGER)
    if found is None:
        raise InputError(f"{store.path} holds no challenger; make one with: dqm train --challenger")
    if found.model_id == champion_entry(store).model_id:
        raise InputError(f"the challenger {found.model_id} scores already; make another with: dqm train --challenger")
    return found


def compared(config: Config, store: Store) -> Comparison:
    """The challenger beside the champion."""
    return compare(config, store, champion_entry(store), challenger_of(store))


def promote(
    config: Config,
    store: Store,
    people: People,
    name: str,
    why: str,
    *,
    nonce: str,
    anyway: bool = False,
    at: datetime | None = None,
) -> Promotion:
    """Let the challenger score from now on, with the working point that its own past gives; needs an expert.

    Where a leader approved the working point that decides now, it needs a leader, for another takes its place.

    Raises ``RefusedError`` where the comparison speaks against it, unless it is to be done ``anyway``; it is in the
    entry then too. Its bundle must be the one that was stored.
    """
    champion, model = champion_entry(store), challenger_of(store)
    try:
        found = compare(config, store, champion, model)
    except InputError:
        if not anyway:
            raise
        found = None
    if found is not None and found.against and not anyway:
        raise RefusedError(f"{found.text()}\nto promote it all the same give --anyway and the reason")
    evidence = {"comparison": None if found is None else found.document(), "anyway": anyway}
    done = _let_score(config, store, people, name, model, why, nonce, at, evidence, champion.model_id)
    return Promotion(done, found)


def roll_back(
    config: Config,
    store: Store,
    people: People,
    name: str,
    why: str,
    *,
    nonce: str,
    at: datetime | None = None,
) -> Promotion:
    """Let the model score that did before the last promotion; raises ``InputError`` where there was none."""
    now = champion_entry(store).model_id
    done = [each for each in store.audit() if each.action == ACTION]
    steps = [each for each in done if each.fields["model"] == now and not each.fields.get("back")]
    if not steps:
        raise InputError(f"{now} was not promoted, so there is nothing to go back to; dqm models lists what there is")
    model = store.model(steps[-1].fields["before"])
    return Promotion(_let_score(config, store, people, name, model, why, nonce, at, {"back": True}, now), None)


def _let_score(
    config: Config,
    store: Store,
    people: People,
    name: str,
    model: StoredModel,
    why: str,
    nonce: str,
    at: datetime | None,
    evidence: dict[str, Any],
    before: str,
) -> Recorded:
    """Alias, past, working point, entry and event in one commit; ``before`` scores still, as was seen."""
    reason = checked_text(why, "reason", required=True)
    bundle_of(store.path / model.folder, model.provenance["manifest"])  # refuses one that was altered
    past = load_past(store, model)
    wanted = config.working_point
    point = MarginPolicy().choose(past, wanted.data_loss, wanted.pollution, wanted.confidence)

    def judge(desk: Desk) -> Judgement:
        approved = approval(desk.store) is not None
        what = "to promote a model over an approved working point" if approved else "to promote a model"
        desk.require(Role.LEADER if approved else Role.EXPERT, what)
        if champion_entry(desk.store).model_id != before:
            raise RefusedError("another model was promoted meanwhile; compare again")
        desk.change.point(CHAMPION, model.model_id)
        desk.change.add_working_point(point)
        store_past(desk.change, past, {"model": model.provenance["manifest"], "features": model.fingerprint})
        fields = {
            "model": model.model_id,
            "before": before,
            "reason": reason,
            "working_point": point.digest,
            **evidence,
        }
        told = {"model": model.model_id, "before": before, "by": desk.person.name, "reason": reason, "nonce": nonce}
        desk.change.emit([Event("model.promoted", f"model {model.model_id}", told)])
        sentence = f"{model.model_id} scores from now on, before it did {before}"
        return Judgement(ACTION, f"model {model.model_id}", fields, sentence)

    return submit(store, people.person(name), nonce, at, judge)
