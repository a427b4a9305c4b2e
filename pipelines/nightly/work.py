"""The work of a night and of a watch, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, time_ns

import numpy as np

from detectors.artifacts import Bundle
from dqm.formats.reading import read_input
from dqm.model.config import Config
from dqm.model.errors import ArtifactError, FingerprintError
from dqm.model.events import Event
from dqm.model.findings import Finding
from dqm.store.anomalies import ScannedDay
from dqm.store.change import Change
from dqm.store.freshness import data_digests
from dqm.store.schema import CHALLENGER
from dqm.store.store import Store
from dqm.store.stored import StoredModel
from pipelines.alerts.producing import anomaly_events, finding_events, last_anomalies, missing_events, run_events
from pipelines.alerts.relay import relay
from pipelines.execution.schedulers import SERIAL, Scheduler
from pipelines.execution.workers import Workers
from pipelines.nightly.due import Due, due, runs_since
from pipelines.nightly.page import write_page
from pipelines.nightly.stages import Stages
from pipelines.nightly.summary import NightSummary
from pipelines.run.arrivals import Arrivals
from pipelines.run.certify import Certified, certify, of_runs, past_of
from pipelines.run.drift import DriftCheck, drift
from pipelines.run.file_by_file import Reader
from pipelines.run.freshness import stale_runs
from pipelines.run.ingest import ingest
from pipelines.run.ready import loading
from pipelines.run.renewal import outdated_runs
from pipelines.run.score import champion, champion_entry, held_runs, score
from pipelines.run.score_part import bundle_of
from pipelines.run.train import all_labels, train
from pipelines.sensors.due import arrived, scan_due, scan_text, take_in
from pipelines.sensors.foreseen import silence

REPORTS = "nights"
"""Folder of the reports, inside the store."""


@dataclass(frozen=True)
class NightRequest:
    """What a night is asked for: some ``runs`` or all, those that begin ``since`` a moment, where partitions run.

    ``again`` scores every run that the model did not learn from, whatever was scored before.
    """

    runs: frozenset[int] = frozenset()
    since: datetime | None = None
    scheduler: Scheduler = SERIAL
    again: bool = False


WHOLE = NightRequest()
"""Everything that is due, one partition after the other."""


class Work:
    """What a night does, stage by stage, while it runs; ``live`` where it follows runs that grow.

    ``read`` is how an input is read. What was done so far stands in the other attributes, for the summary.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        request: NightRequest,
        night: int,
        stages: Stages,
        *,
        live: bool = False,
        read: Reader = read_input,
    ) -> None:
        self.config, self.store, self.request, self.night, self.stages = config, store, request, night, stages
        self.live, self.read = live, read
        self.workers = Workers(request.scheduler)
        self.bundle: Bundle
        self.began = datetime.now(UTC)
        self.quarantined = self.scored = self.delivered = 0
        self.failed_runs: dict[int, str] = {}
        self.decisions: dict[str, int] = {}
        self.findings: tuple[Finding, ...] = ()
        self.scanned: list[ScannedDay] = []

    def run(self) -> NightSummary:
        """All stages."""
        begun = perf_counter()
        then = Arrivals.taken(self.store)
        self.ingest(Arrivals.of(self.config, then), then)
        self.sensors()
        stored = self.model()
        found = Due((), ())
        if stored is not None:
            found = self.score(stored)
            self.certify(stored)
            self.retrain(stored)
        self.tell()
        report = self.report(found, begun)
        return self.summary(found, begun, report)

    def ingest(self, arrivals: Arrivals, then: Arrivals | None) -> None:
        """Read the inputs where anything of them is new."""
        with self.stages.stage("ingest") as saying:
            changed = arrivals.differ(then)
            if not changed and not arrivals.live and not arrivals.missing and self.store.runs("quantities"):
                saying.skipped, saying.said = True, "no input has changed"
                if then is not None and arrivals.files != then.files:
                    with self.store.transaction() as change:
                        change.take_in(arrivals.document())  # a file that was only touched is not digested again
                return
            self._tell_missing(arrivals, then)
            self.workers.warm(loading(self.store))
            done = ingest(self.config, self.store, also=_tell_findings, read=self.read, arrivals=arrivals, again=False)
            self.findings, self.quarantined = done.findings, done.quarantined
            saying.said = f"{arrivals.told(then)}; {done.text()}"

    def sensors(self) -> None:
        """Take in what the streams of sensors hold, and scan the days that this concerns, where any is configured."""
        if not self.config.sensors.stream:
            return
        now = time_ns()
        with self.stages.stage("sensors") as saying:
            found = arrived(self.config, self.store)
            self._found(found.missing)
            if found.missing:
                with self.store.transaction() as change:
                    _tell_findings(change, found.missing)
            saying.skipped, saying.said = not found.fresh, "no file has changed"
            if found.fresh:
                done = take_in(self.config, self.store, found, now, _tell_findings)
                self._found(done.findings)
                saying.said = done.text()
        with self.stages.stage("scan") as saying:
            self.scanned, skipped = scan_due(self.config, self.store, now, self.stages.started)
            saying.skipped = not self.scanned and not skipped
            silent = silence(self.config, self.store, now)
            saying.said = "; ".join([scan_text(self.scanned), *skipped, *([silent] if silent else [])])

    def _found(self, findings: tuple[Finding, ...]) -> None:
        """Count what was found in streams of sensors."""
        self.findings += findings
        self.quarantined += sum(each.severity == "quarantined" for each in findings)

    def _tell_missing(self, arrivals: Arrivals, then: Arrivals | None) -> None:
        """Say which files vanished, before anything is read: where all of an input is gone nothing can be."""
        at = self.store.intake.at
        events = missing_events(arrivals.gone(then), arrivals.missing, at.isoformat() if at else "")
        if events:
            with self.store.transaction() as change:
                change.emit(events)

    def model(self) -> StoredModel | None:
        """The champion, if it can be used; else everybody is told, and nothing is decided."""
        with self.stages.stage("model") as saying:
            try:
                stored, self.bundle = champion(self.store)
            except (ArtifactError, FingerprintError) as error:
                self._refused(champion_entry(self.store).model_id, error)
                raise
            saying.said = stored.model_id
            return stored
        return None

    def score(self, stored: StoredModel) -> Due:
        """Score what is due; a run that fails is named and does not stop the others."""
        found = Due((), ())
        with self.stages.stage("score") as saying:
            found = due(self.config, self.store, self.bundle)
            held_runs(self.store, self.request.runs)  # says where none of them is known
            wanted = self._wanted(frozenset(self.store.runs("quantities")) - set(self.bundle.runs))
            found = found.again(wanted) if self.request.again else found.within(wanted)
            if not found.runs:
                saying.skipped, saying.said = True, "nothing is due"
                return found

            def tell(change: Change) -> None:  # with the scores: afterwards nobody knows that they came late
                why = "it came after later runs had been scored"
                change.emit(Event("data.late", f"run {run}", {"why": why}, run) for run in found.late)

            try:
                done = score(self.config, self.store, found.runs, self.workers, also=tell)
            except (ArtifactError, FingerprintError) as error:
                self._refused(stored.model_id, error)
                raise
            self.scored, self.failed_runs = done.runs, dict(done.failed)
            saying.said = f"{found.text()}; {done.text()}"
        return found

    def certify(self, stored: StoredModel, runs: frozenset[int] = frozenset()) -> None:
        """Decide the given runs, or all, publish, and say so, in one commit."""
        with self.stages.stage("certify") as saying:
            manifest = stored.provenance["manifest"]
            scored = any(each.provenance["model"] == manifest for each in self.store.partitions("scores"))
            if not (scored or stale_runs(self.config, self.store) or outdated_runs(self.config, self.store)):
                saying.skipped, saying.said = True, "this model has scored no run yet; what was decided stands"
                return
            before = last_anomalies(self.store)
            still = {key[0] for key, last in before.items() if last.type != "anomaly.resolved"}

            def tell(change: Change, made: Certified) -> None:
                made_from = f"{manifest[:16]}-{made.working_point.digest[:16]}"
                # Open anomalies of runs that are not decided now end where people decided or signed meanwhile.
                looked_at, decided = of_runs(made.verdicts, made.decided | still), of_runs(made.verdicts, made.decided)
                change.emit(anomaly_events(looked_at, before, made.provisional))
                change.emit(run_events(decided, self.config.alerts.ask_share, made_from, made.provisional))

            checked = None if self.live else self.drift(stored)  # a watch leaves the telling to the night
            done = certify(self.config, self.store, runs, also=tell, live=self.live, checked=checked)
            self.decisions = done.decisions
            saying.said = done.text().replace("\n", "; ")
            if done.review:
                now, why = data_digests(self.store), "its data changed after it was signed: review and reopen it"
                with self.store.transaction() as change:
                    change.emit(
                        Event("data.late", f"run {run}", {"why": why, "data": now.get(run, "")}, run)
                        for run in done.review
                    )

    def drift(self, stored: StoredModel) -> DriftCheck | None:
        """Whether the scores of the newest runs are still like those of the past; drift is told."""
        found: DriftCheck | None = None
        with self.stages.stage("drift") as saying:
            found = drift(self.config, self.store, past_of(self.store), stored.provenance["manifest"])
            if found is None:
                saying.skipped, saying.said = True, "too few runs were scored by this model to tell"
                return None
            saying.said = found.text()
            if found.drifts:
                about = {"model": stored.model_id, "runs": list(found.runs), "now": found.now, "before": found.before}
                about |= {"p_value": found.p_value, "on_drift": self.config.nightly.on_drift}
                with self.store.transaction() as change:
                    change.emit([Event("model.drift", f"model {stored.model_id}", about)])
        return found

    def retrain(self, stored: StoredModel) -> None:
        """Train a challenger where enough runs were labelled since the champion learned; people decide what scores."""
        after = self.config.nightly.retrain_after
        if not after:
            return
        with self.stages.stage("retrain") as saying:
            labels = all_labels(self.store)
            labelled = set(np.unique(labels.index.get_level_values("run")[labels.values >= 0]).tolist())
            latest = self.store.pointed(CHALLENGER) or stored
            known = set(bundle_of(self.store.path / latest.folder, latest.provenance["manifest"]).runs)
            new = len(labelled - known)
            if new < after:
                saying.skipped, saying.said = True, f"{new} of {after} new labelled runs"
                return
            done = train(self.config, self.store, challenger=True)
            saying.said = f"{done.text()}; compare and let it score with: dqm promote".replace("\n", "; ")

    def tell(self) -> None:
        """Take what was posted to its receivers; what nobody took is tried again by the next relay."""
        with self.stages.stage("tell") as saying:
            done = relay(self.config, self.store)
            self.delivered = done.delivered
            saying.said = done.text().replace("\n", "; ")

    def report(self, found: Due, begun: float) -> Path | None:
        """One page for the night."""
        path = self.store.path / REPORTS / f"night-{self.night:06d}.html"
        with self.stages.stage("report") as saying:
            path.parent.mkdir(exist_ok=True)
            write_page(
                path, self.config, self.store, self.summary(found, begun, None).document(), self.findings, self.scanned
            )
            saying.said = str(path)
            return path
        return None

    def summary(self, found: Due, begun: float, report: Path | None) -> NightSummary:
        """What was done so far."""
        return NightSummary(
            night=self.night,
            began=self.began,
            seconds=perf_counter() - begun,
            stages=tuple(self.stages.found),
            due=found,
            scored=self.scored,
            failed_runs=self.failed_runs,
            decisions=self.decisions,
            quarantined=self.quarantined,
            delivered=self.delivered,
            snapshot=self.store.snapshot,
            report=report,
            findings=self.findings,
        )

    def _wanted(self, scorable: frozenset[int]) -> frozenset[int]:
        """The scorable runs that were asked for."""
        wanted = scorable & self.request.runs if self.request.runs else scorable
        return wanted if self.request.since is None else wanted & runs_since(self.store, self.request.since)

    def _refused(self, model: str, error: Exception) -> None:
        with self.store.transaction() as change:
            change.emit([Event("model.refused", f"model {model}", {"model": model, "reason": str(error)})])


def _tell_findings(change: Change, found: tuple[Finding, ...]) -> None:
    change.emit(finding_events(found))
