"""A full disk: each command says so in one sentence, nothing is half-written, and what was acknowledged is applied when there is room."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def can_mount() -> bool:
    """A private mount of a small memory disk needs root or user namespaces."""
    probe = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=1m x /mnt"]
    return shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True).returncode == 0


pytestmark = pytest.mark.faults
needs_mount = pytest.mark.skipif(not can_mount(), reason="may not mount a small memory disk here")

NO_ROOM_AT_COMMIT = """
import resource, sys
from pathlib import Path
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import template
from jarvis_lib.store import recover
from jarvis_lib.workspace import open_workspace
from tests.facts import added, task
home = Path(sys.argv[1])
(home / "jarvis.toml").write_text(template())
place = open_workspace(home, actor="person:test")
place.store.write(added(place, task("First")))
large = [task(f"Large {i}", description="x" * 20_000) for i in range(3)]
whole = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, whole[1]))
told = []
for one in large:
    try:
        place.store.write(added(place, one))
    except Refused as error:
        told.append(error.sentence)
try:
    with place.store.reading():
        pass
except Refused as error:
    told.append(error.sentence)
resource.setrlimit(resource.RLIMIT_FSIZE, whole)
assert len(told) == 4 and all("cannot be written" in t for t in told), told
with place.store.reading() as reader:
    titles = [r["title"] for r in reader.rows("autonomous_queue.listing", open_only=False, state="", most=9)]
assert sorted(titles) == ["First", "Large 0", "Large 1", "Large 2"], titles
assert recover.verify(place.store) == []
"""


def test_a_commit_that_the_disk_refuses_is_one_sentence_and_catches_up(tmp_path: Path) -> None:
    """The write-ahead log cannot grow, though spool and journal could: each command says so, and with room again all is applied."""
    (tmp_path / "work.py").write_text(NO_ROOM_AT_COMMIT)
    place = tmp_path / "place"
    place.mkdir()
    done = subprocess.run([sys.executable, tmp_path / "work.py", place], capture_output=True, text=True, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr


WORK = """
import os, sys
from pathlib import Path
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import template
from jarvis_lib.store import recover
from jarvis_lib.workspace import open_workspace
from tests.facts import added, task
home = Path(sys.argv[1])
(home / "jarvis.toml").write_text(template())
place = open_workspace(home, actor="person:test")
acked, told = [], []
for i in range(4000):
    one = task(f"T{i}", description="x" * 2000)
    try:
        place.store.write(added(place, one))
        acked.append(one.id)
    except Refused as error:
        told.append(error.sentence)
        if len(told) == 5:
            break
assert len(told) == 5 and len(acked) > 50, (len(told), len(acked))
assert all("cannot be written" in t for t in told), told
assert not [n for n in os.listdir(home / "data" / "spool") if n.endswith(".tmp")]
os.unlink(home / "ballast")
with place.store.reading() as reader:
    there = {r["id"] for r in reader.rows("autonomous_queue.listing", open_only=False, state="", most=9999)}
assert set(acked) <= there
assert recover.verify(place.store) == []
print("acknowledged", len(acked), "there", len(there))
"""


@needs_mount
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """Filled to the brim, then freed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "work.py").write_text(WORK)
    script = f"mount -t tmpfs -o size=6m x {disk} && head -c 2000000 /dev/zero > {disk}/ballast && exec {sys.executable} {tmp_path}/work.py {disk}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)


@needs_mount
def test_a_read_only_folder_is_one_sentence(tmp_path: Path) -> None:
    """Adding and reading both say why and what to do; nothing changes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    jarvis = Path(sys.executable).with_name("jarvis")
    script = (
        f"mount -t tmpfs -o size=6m x {disk} && {jarvis} init {disk}/w && {jarvis} --home {disk}/w add A B 1 docs LOW && {jarvis} --home {disk}/w list && "
        f"mount -o remount,ro {disk} && {{ {jarvis} --home {disk}/w add A B 1 docs LOW; echo code $?; {jarvis} --home {disk}/w approve aaaaa; echo code $?; }}"
    )
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"})
    assert done.stdout.count("code 1") == 2, done.stdout + done.stderr
    assert done.stderr.count("jarvis: ") == 2 and "Traceback" not in done.stderr
    assert "Read-only file system" in done.stderr
