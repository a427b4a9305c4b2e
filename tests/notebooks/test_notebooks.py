"""Every notebook runs from top to bottom in an empty folder, and is kept without outputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = 60


def read(notebook: Path) -> NotebookNode:
    """The notebook, of a valid format."""
    import nbformat

    found = nbformat.read(notebook, as_version=4)
    nbformat.validate(found)
    return found


def test_there_are_notebooks() -> None:
    assert [each.name for each in NOTEBOOKS][:1] == ["01_certification.ipynb"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda each: each.name)
def test_notebook_is_kept_without_outputs(notebook: Path) -> None:
    """Outputs are megabytes, differ from run to run, and may show data that does not belong here."""
    cells = [each for each in read(notebook).cells if each.cell_type == "code"]
    assert [each.id for each in cells if each.outputs or each.execution_count is not None] == []


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda each: each.name)
def test_notebook_runs(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that raises fails the test with its traceback; nothing is written outside the temporary folder.

    The kernel is the environment's own ``python3``: kernels and settings of the user's home are out of reach.
    """
    for variable in ("JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "TMPDIR"):
        (tmp_path / variable.lower()).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # this checkout, installed or not
    from nbclient import NotebookClient

    opened = read(notebook)
    client = NotebookClient(
        opened, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    assert all(each.execution_count for each in opened.cells if each.cell_type == "code")
