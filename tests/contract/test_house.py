"""The rules of the house: layout, sizes, names, layers, licences; and nothing of a machine in a tracked file."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGES = ("dqm", "features", "detectors", "dashboard", "pipelines")
TOP_LEVEL = {
    *PACKAGES,
    *("tests", "notebooks", "docs", ".ci"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE"),
    *("Makefile", "pyproject.toml", "constraints.txt", ".gitignore"),
}
VAGUE = {"utils", "util", "common", "base", "manager", "helpers", "helper", "misc"}
PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
# Put together here, so that this file does not hold what it looks for.
HOSTS = [
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("pytorch", "org/whl"), ("anaconda", "org"))
]
FOLDERS = ["/" + name + "/" for name in ("work", "root", "home", "opt/wheels")]


@pytest.fixture(scope="module")
def tracked(repository: Path) -> list[Path]:
    """Files that git tracks or would track, relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: run the tests in a clone")
    return [Path(line) for line in listing.splitlines() if (repository / line).is_file()]


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    """The tables of ``pyproject.toml``."""
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


def modules(tracked: list[Path], *folders: str) -> list[Path]:
    """Python files below the given top-level folders."""
    return [each for each in tracked if each.suffix == ".py" and each.parts[0] in folders]


def requirements(project: dict[str, Any], group: str) -> set[str]:
    """Canonical names that the runtime (``run``) or a dependency group asks for."""
    lines = project["project"]["dependencies"] if group == "run" else project["dependency-groups"][group]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def test_top_level_is_fixed(tracked: list[Path]) -> None:
    assert {each.parts[0] for each in tracked} - TOP_LEVEL == set()


def test_no_module_has_a_vague_name(tracked: list[Path]) -> None:
    assert [str(each) for each in modules(tracked, *PACKAGES, "tests") if {each.stem, *each.parts} & VAGUE] == []


def test_no_file_is_longer_than_400_lines(tracked: list[Path], repository: Path) -> None:
    sizes = {
        str(each): len((repository / each).read_text(encoding="utf-8").splitlines())
        for each in modules(tracked, *PACKAGES, "tests")
    }
    assert {name: size for name, size in sizes.items() if size > 400} == {}


def test_no_test_folder_hides_a_package(repository: Path) -> None:
    assert {each.name for each in (repository / "tests").iterdir() if each.is_dir()} & set(PACKAGES) == set()


def test_no_page_hides_a_module(tracked: list[Path]) -> None:
    """Streamlit puts ``dashboard/`` first on ``sys.path``: ``dashboard/calendar.py`` would hide the standard one."""
    taken = (set(sys.stdlib_module_names) | set(PACKAGES)) - {"__init__"}
    assert [str(each) for each in modules(tracked, "dashboard") if each.stem in taken] == []


def test_every_package_states_its_contract(tracked: list[Path], repository: Path) -> None:
    silent = [
        str(each)
        for each in modules(tracked, *PACKAGES)
        if each.name == "__init__.py"
        and not ast.get_docstring(ast.parse((repository / each).read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_no_file_names_a_registry_or_a_folder_of_a_machine(tracked: list[Path], repository: Path) -> None:
    pattern = re.compile("|".join(map(re.escape, HOSTS)) + "|" + r"(?<![\w.\-/*}])(?:" + "|".join(FOLDERS) + ")")
    found = []
    for each in tracked:
        if each.suffix in {".png", ".parquet", ".root", ".npz"}:
            continue
        text = (repository / each).read_text(encoding="utf-8")
        found += [f"{each}: {match.group()}" for match in pattern.finditer(text)]
    assert found == []


def imported(tree: ast.Module) -> set[str]:
    """Top-level names of everything that a module imports."""
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def test_nothing_is_pickled(tracked: list[Path], repository: Path) -> None:
    """Mutant: ``np.load(path, allow_pickle=True)`` in an artifact reader."""
    found = []
    for each in modules(tracked, *PACKAGES):
        text = (repository / each).read_text(encoding="utf-8")
        found += [f"{each}: imports {name}" for name in imported(ast.parse(text)) & PICKLES]
        found += [
            f"{each}: {call}" for call in re.findall(r"allow_pickle=True|\b(?:read|to)_pickle\b|\btorch\.load\b", text)
        ]
    assert found == []


def test_layers_hold(repository: Path) -> None:
    """The contracts of ``[tool.importlinter]``; without a cache, so that no earlier answer is repeated."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def licence_rows(repository: Path) -> dict[str, str]:
    """Licence of every package that has a row of three cells in ``docs/licences.md``."""
    page = (repository / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w.\-]+) \| ([^|]+) \| [^|]+ \|$", page, flags=re.MULTILINE)
    return {canonicalize_name(name): licence.strip() for name, licence in rows if name != "package"}


@pytest.mark.parametrize("group", ["run", "dev"])
def test_licences_are_listed_as_the_packages_state_them(group: str, project: dict[str, Any], repository: Path) -> None:
    """An expression must be equal; an older free-text statement must name the same family."""
    rows = licence_rows(repository)
    names = requirements(project, group)
    assert names - rows.keys() == set()
    for name in names:
        metadata = importlib.metadata.metadata(name)
        expression = metadata.get("License-Expression")
        stated = " ".join([metadata.get("License") or "", *(metadata.get_all("Classifier") or [])])
        assert rows[name] == expression if expression else rows[name].partition("-")[0] in stated, name


def test_every_pinned_package_is_on_the_page_of_licences(repository: Path) -> None:
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line.partition("==")[0] for line in lines if line and not line.startswith("#")]
    page = (repository / "docs" / "licences.md").read_text(encoding="utf-8")
    assert [name for name in pinned if not re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", page)] == []


def test_constraints_pin_exactly_and_cover_what_we_ask_for(project: dict[str, Any], repository: Path) -> None:
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[\w.\-]+==[\w.]+", line)] == []
    pinned = {canonicalize_name(line.partition("==")[0]) for line in pins}
    assert (requirements(project, "run") | requirements(project, "dev")) - pinned == set()


def test_one_version_everywhere(project: dict[str, Any], repository: Path) -> None:
    version = project["project"]["version"]
    assert f'__version__ = "{version}"' in (repository / "dqm" / "__init__.py").read_text(encoding="utf-8")
    assert f"version: {version}\n" in (repository / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {version} " in (repository / "CHANGELOG.md").read_text(encoding="utf-8")
