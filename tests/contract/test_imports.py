"""``dqm --help`` answers at once: what is heavy is imported by the command that needs it."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

HEAVY = {
    *("lightgbm", "mlflow", "numba", "pandas", "plotly", "pyarrow"),
    *("pyod", "scipy", "sklearn", "sqlalchemy", "streamlit", "torch"),
}
HELP = "import sys; sys.argv = ['dqm', '--help']\nfrom pipelines.cli import main\n"
LOADED = f"""{HELP}
try:
    main()
except SystemExit:
    print("LOADED", *{{each.partition(".")[0] for each in sys.modules}})
"""


def python(code: str, repository: Path) -> str:
    """Standard output of a fresh interpreter that runs ``code`` in the checkout."""
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_imports_nothing_heavy(repository: Path) -> None:
    """Mutant: ``import pandas`` at the top of ``pipelines/cli.py``."""
    loaded = python(LOADED, repository).rpartition("LOADED")[2].split()
    assert "typer" in loaded, "the probe did not reach the command line"
    assert sorted(HEAVY & set(loaded)) == []


def test_help_answers_within_half_a_second(repository: Path) -> None:
    """The best of several, in seconds of the processor, since a neighbour on the same core is not our cost."""
    best = float("inf")
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        python(HELP + "main()", repository)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert best < 0.5
