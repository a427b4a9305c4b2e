"""The built wheel holds the five packages with their data files, and works with the source out of reach."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.package, pytest.mark.timeout(300)]

PACKAGES = {"dqm", "features", "detectors", "dashboard", "pipelines"}


def run(*command: str | Path, cwd: Path) -> str:
    """Standard output and error of a command outside the checkout; a failure shows both."""
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the installed hatchling: nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=repository)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel and, by a path file, the packages it needs.

    A folder named in a path file is searched, but its own path files are not read: the editable install of the
    checkout, which is one, stays out.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True)
    interpreter = folder / "bin" / "python"
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        interpreter,
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        wheel,
        cwd=folder,
    )
    site = Path(run(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder


def files(wheel: Path) -> list[str]:
    """Names inside the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_wheel_has_the_five_packages_and_nothing_else(wheel: Path) -> None:
    top = {name.partition("/")[0] for name in files(wheel)}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES


def test_wheel_has_every_file_of_the_packages(wheel: Path, repository: Path) -> None:
    """Migrations and templates too. Mutant: ``exclude = ["*.toml"]`` in the build."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES]
    listing = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout
    source = {line for line in listing.splitlines() if (repository / line).is_file()}
    packed = set(files(wheel))
    assert source - packed == set()
    assert any(name.startswith("dqm/store/migrations/versions/") for name in packed)


def test_wheel_carries_its_licence(wheel: Path) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in files(wheel))


def test_packages_come_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    names = ", ".join(sorted(PACKAGES))
    code = f"import {names}\nfor each in ({names}): print(each.__file__)"
    places = run(installed / "bin" / "python", "-c", code, cwd=tmp_path).split()
    assert [place for place in places if not Path(place).is_relative_to(installed)] == []


def test_command_line_answers(installed: Path, tmp_path: Path) -> None:
    assert "certify" in run(installed / "bin" / "dqm", "--help", cwd=tmp_path)


def test_doctor_finds_a_sound_installation(installed: Path, tmp_path: Path) -> None:
    assert "BAD" not in run(installed / "bin" / "dqm", "doctor", cwd=tmp_path)


@pytest.mark.parametrize("example", ["clas12", "cms", "generic"])
def test_example_configurations_are_packed(example: str, installed: Path, tmp_path: Path) -> None:
    run(installed / "bin" / "dqm", "init", example, cwd=tmp_path)
    assert (tmp_path / "dqm.toml").stat().st_size > 0
