"""Is everything that the code reads in the wheel, and does the wheel reach its brief in an empty home, far from the clone?"""

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from jarvis_lib import __version__
from tests.install_parts import ROOT, built, environment, install, outside, requirements
from tests.roomy import make_roomy

READ = {".sql", ".j2", ".css", ".js", ".json", ".svg", ".ipynb", ".conf", ".py", ".typed", ""}
"""The kinds of file that the package is made of; another kind must be named here, and then it is looked for."""


def tracked(*folders: str) -> list[Path]:
    """The files of the clone that git knows, below these folders; in an unpacked sdist, all of them."""
    listed = subprocess.run(["git", "ls-files", "-z", "--", *folders], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    return [p for f in folders for p in (ROOT / f).rglob("*") if p.is_file() and "__pycache__" not in p.parts]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this clone."""
    return built(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """What lies in it."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_has_every_file_of_the_package(names: set[str]) -> None:
    """Code, SQL, templates, styles, scripts, settings of the lab, the sandbox's files: each one that git knows."""
    wanted = tracked("jarvis_lib")
    assert {p.suffix for p in wanted} <= READ
    missing = sorted(p.relative_to(ROOT).as_posix() for p in wanted if p.relative_to(ROOT).as_posix() not in names)
    assert not missing
    assert sum(p.suffix == ".sql" for p in wanted) > 30 and sum(p.suffix == ".j2" for p in wanted) > 20


def test_the_wheel_has_the_notebooks_and_the_inputs_of_the_demo(wheel: Path, names: set[str]) -> None:
    """To the byte, inside of the package, where `jarvis init` and `jarvis demo` look."""
    with zipfile.ZipFile(wheel) as archive:
        for source, there in (("notebooks", "_notebooks"), ("data/demo", "_demo")):
            files = tracked(source)
            assert files
            for path in files:
                assert archive.read(f"jarvis_lib/{there}/{path.relative_to(ROOT / source).as_posix()}") == path.read_bytes()
    assert f"jarvis_workspace-{__version__}.dist-info/licenses/LICENSE" in names


def test_the_wheel_has_nothing_that_a_person_made(tmp_path: Path) -> None:
    """A notebook of somebody's task, a store and a report lie in the folder that is built from; none of them is packed, in neither form."""
    clone = tmp_path / "clone"
    for path in tracked("."):
        if "tests" not in path.relative_to(ROOT).parts[:1]:
            there = clone / path.relative_to(ROOT)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, there)
    mine = [
        "notebooks/tasks/somebodys.ipynb",
        "data/jarvis.duckdb",
        "data/journal/somebodys.jsonl",
        "reports/somebodys.html",
        "notebooks/.ipynb_checkpoints/somebodys.ipynb",
    ]
    for name in mine:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("somebodys")
    for kind in ("wheel", "sdist"):
        command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", tmp_path / "dist", clone]
        subprocess.run(command, check=True, capture_output=True)
    with zipfile.ZipFile(next((tmp_path / "dist").glob("*.whl"))) as archive:
        packed = archive.namelist()
    with tarfile.open(next((tmp_path / "dist").glob("*.tar.gz"))) as archive:
        packed += archive.getnames()
    assert len(packed) > 1000 and not [name for name in packed if "somebodys" in name or name.endswith((".duckdb", ".pyc"))]


def test_a_wheel_of_the_sdist_is_the_wheel_of_the_clone(tmp_path: Path, names: set[str]) -> None:
    """The sdist has all that the wheel is built from, and the tests."""
    with tarfile.open(built(tmp_path, "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    assert all((source / name).exists() for name in ("tests/conftest.py", "Makefile", "constraints.txt", "LICENSE", "CHANGELOG.md", "CITATION.cff"))
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / "again", source], check=True, capture_output=True)
    with zipfile.ZipFile(next((tmp_path / "again").glob("*.whl"))) as archive:
        assert set(archive.namelist()) == names


@pytest.mark.long
def test_the_wheel_works_far_from_the_clone(wheel: Path, tmp_path: Path) -> None:
    """Installed in an environment of its own, with an empty home: `init`, a session with the notebooks that learn and plan, and its brief."""
    python = environment(tmp_path / "environment", requirements())
    install(python, wheel)
    variables = outside(tmp_path) | {"PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin"}
    home = Path(variables["HOME"])

    def jarvis(*words: str, cwd: Path) -> str:
        done = subprocess.run(["jarvis", *words], cwd=cwd, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    assert jarvis("--version", cwd=home).startswith(f"Jarvis {__version__}, ")
    jarvis("init", "ws", cwd=home)
    ws = home / "ws"
    make_roomy(ws)
    jarvis("add", "Copy the settings", "", "0.01", "Documentation", "HIGH", "--command", "cp jarvis.toml reports/s", "--check", "test -s reports/s", cwd=ws)
    night = jarvis("overnight", "start", "--for", "5m", "--analyse", cwd=ws)
    assert "verified" in night and "could not be made" not in night, night
    (task,) = [t for t in json.loads(jarvis("queue", "list", "--json", cwd=ws))["data"] if t["title"] == "Copy the settings"]
    assert task["state"] in ("shipped", "accepted")
    (brief,) = (ws / "reports").glob("*/*/*-brief.html")
    assert "Copy the settings" in brief.read_text(encoding="utf-8")
    assert [p.name for p in home.iterdir() if not p.name.startswith(".")] == ["ws"]
