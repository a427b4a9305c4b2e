"""``dqm models``: the trained models of a store."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.artifacts import load
from dqm.model.amounts import counted
from dqm.model.errors import ArtifactError
from dqm.store.schema import CHALLENGER, CHAMPION
from dqm.store.store import Store


@dataclass(frozen=True)
class ListedModel:
    """One model: name, aliases, detectors, training runs, what MLflow calls it, and what is wrong with it."""

    model: str
    aliases: tuple[str, ...]
    detectors: tuple[str, ...]
    runs: int
    features: str
    mlflow: str
    fault: str

    def text(self) -> str:
        """For people."""
        names = f" ({', '.join(self.aliases)})" if self.aliases else ""
        if self.fault:
            return f"{self.model}{names}: UNUSABLE: {self.fault}"
        where = f"; MLflow: {self.mlflow}" if self.mlflow else ""
        return f"{self.model}{names}: {' + '.join(self.detectors)}, trained on {counted(self.runs, 'run')}{where}"


def listed(store: Store) -> list[ListedModel]:
    """Every model, the newest last; one whose bundle is refused is listed with the reason."""
    pointed = {CHAMPION: store.pointed(CHAMPION), CHALLENGER: store.challenger()}
    found = []
    for each in store.models():
        aliases = tuple(alias for alias, model in pointed.items() if model and model.model_id == each.model_id)
        detectors: tuple[str, ...] = ()
        runs, fault = 0, ""
        try:
            bundle = load(store.path / each.folder)
            detectors, runs = tuple(member.kind for member in bundle.members), len(bundle.runs)
        except ArtifactError as error:
            fault = str(error)
        where = each.provenance.get("mlflow", "")
        found.append(ListedModel(each.model_id, aliases, detectors, runs, each.fingerprint, where, fault))
    return found
