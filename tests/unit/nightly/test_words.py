"""What a night and a watch say of themselves can be read without knowing how they work."""

from __future__ import annotations

from dqm.model.findings import Finding
from pipelines.nightly.due import Due
from pipelines.nightly.watch import Pass, WatchSummary
from pipelines.run.arrivals import Arrivals, Seen

SEEN = Seen(1, 1, "a")


def test_what_is_due() -> None:
    assert Due((1, 2), (3,), (2,)).text() == "2 new runs (1 of them late), 1 to be scored again"
    assert Due((1,), ()).text() == "1 new run, 0 to be scored again"


def test_a_backfill_scores_all_again_but_what_is_new() -> None:
    """Mutant: only what was due; the report of a backfill then says that no run was scored."""
    assert Due((3, 9), (2,), (3,)).again(frozenset({1, 2, 3})) == Due((3,), (1, 2), (3,))


def test_files_that_are_gone_are_told_from_new_ones() -> None:
    """Mutant: one list of all that differs; a shifter takes a file that vanished for one that came."""
    then = Arrivals({"/in/a.csv": SEEN, "/in/b.csv": SEEN})
    assert Arrivals({"/in/a.csv": SEEN, "/in/c.csv": SEEN}).told(then) == "new or changed: c.csv; gone: b.csv"
    assert Arrivals({"/in/a.csv": SEEN}).told(then) == "new or changed: nothing; gone: b.csv"
    assert Arrivals({f"/in/{n}.csv": SEEN for n in range(5)}).told(None) == "new or changed: 0.csv, 1.csv, 2.csv …"


def test_a_pass_says_what_it_put_into_quarantine() -> None:
    """Mutant: only the log and the receivers are told; who looks at the watch reads that nothing is wrong."""
    torn = Finding("unreadable", "quarantined", "a.csv: the file is empty", "a.csv")
    said = Pass(0.5, (), 0, {}, {}, 0, (torn,)).text().splitlines()
    assert said[1:] == ["in quarantine: quarantined [unreadable] a.csv: the file is empty"]


def test_one_pass_is_no_plural() -> None:
    assert WatchSummary(1, 0, 2.0).text() == "watched for 2.0 s: 1 pass, something failed in none"
    assert WatchSummary(2, 1, 2.0).text() == "watched for 2.0 s: 2 passes, something failed in 1"
