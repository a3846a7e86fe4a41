"""Do the daily notes tell each thing once, and leave alone what others wrote? Full disks, locked and strange folders included."""

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.doors import memory
from jarvis_lib.doors.doctor import examine
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.conftest import NIGHT
from tests.facts import added, claimed, ended, opened, passed, task
from tests.roomy import roomy

MORNING = NIGHT + timedelta(hours=8)


@pytest.fixture
def wanted(home: Path, make_place: Callable[[datetime], Place]) -> Place:
    """The workspace of somebody who asked for notes."""
    want(home, "notes")
    return make_place(MORNING)


def want(home: Path, path: str) -> None:
    text = roomy()
    (home / "jarvis.toml").write_text(text.replace('[memory]\npath = ""', f'[memory]\npath = "{path}"'))
    assert f'path = "{path}"' in (home / "jarvis.toml").read_text()


def shipped(place: Place, title: str = "Write the guide", attempt: str = "a1") -> str:
    """A task that was worked in the night and proved."""
    one = task(title)
    place.store.append(added(place, one, at=NIGHT))
    if attempt == "a1":
        place.store.write(opened(place, at=NIGHT))
    place.store.write(claimed(place, one, attempt))
    place.store.write(ended(place, one, attempt, evidence=[passed()]))
    return one.id


def note(home: Path, day: str = "2026-11-24", folder: str = "notes") -> Path:
    return home / folder / f"{day}.md"


def test_nobody_who_did_not_ask_gets_notes(place: Place, home: Path) -> None:
    """Without a path nothing is written and nothing is said in the night."""
    shipped(place)
    assert memory.told(place, now=MORNING) == "" and memory.write(place, now=MORNING).path is None
    assert list(home.rglob("2026-*.md")) == []


def test_each_thing_is_told_once(wanted: Place, home: Path) -> None:
    """Shipped, then accepted: two blocks in one file, the second with the new thing alone; a third call adds nothing."""
    one = shipped(wanted)
    first = memory.write(wanted, now=MORNING)
    text = note(home).read_text()
    assert first.added == 2 and text.startswith("# 2026-11-24\n\n## Jarvis, 07:30\n")
    assert re.search(rf"^- 07:30 Shipped: Write the guide \\?\(`{one}`\)", text, re.MULTILINE)
    other = task("New thing", category="New features")
    wanted.store.append(added(wanted, other, actor="agent:codex"))
    assert memory.write(wanted, now=MORNING).added == 1
    assert note(home).read_text().startswith(text) and "Proposed by agent:codex: New thing" in note(home).read_text()
    size = note(home).stat().st_size
    assert memory.write(wanted, now=MORNING).added == 0 and note(home).stat().st_size == size


def test_what_others_wrote_stays_to_the_byte(wanted: Place, home: Path) -> None:
    """Notes of another hand, without a line end and with bytes that are no text: ours come after them, and theirs after ours stay too."""
    shipped(wanted)
    note(home).parent.mkdir()
    theirs = b"# mine\nremember \xff\xfe this"
    note(home).write_bytes(theirs)
    memory.write(wanted, now=MORNING)
    after = note(home).read_bytes()
    assert after.startswith(theirs + b"\n\n## Jarvis") and b"# 2026" not in after
    with note(home).open("ab") as stream:
        stream.write(b"later words\n")
    queue.drop(wanted, _parked(wanted), now=MORNING)
    memory.write(wanted, now=MORNING)
    assert note(home).read_bytes().startswith(after + b"later words\n")


def _parked(place: Place) -> str:
    one = task("X", category="New features")
    place.store.append(added(place, one, actor="agent:codex"))
    return one.id


def test_a_crash_between_note_and_store_tells_nothing_twice(wanted: Place, home: Path) -> None:
    """The note was synced and the process died before the store knew: the mark in the note says how far it came."""
    shipped(wanted)
    memory.write(wanted, now=MORNING)
    text = note(home).read_text()
    (home / "again").mkdir()
    note(home, folder="again").write_text(text)
    want(home, "again")  # a folder that the store knows nothing of, with a note that has the mark
    fresh = open_workspace(home, clock=lambda: MORNING, actor="person:test")
    assert memory.write(fresh, now=MORNING).added == 0 and note(home, folder="again").read_text() == text


def test_a_forged_mark_does_not_silence_it(wanted: Place, home: Path) -> None:
    """A mark beyond the end of the journal counts for nothing."""
    shipped(wanted)
    note(home).parent.mkdir()
    with wanted.store.reading() as reader:
        own = reader.rows("doors.first_fact")[0]["id"][:8]
    note(home).write_text(f"<!-- jarvis {own}: told up to 99999999 -->\n")
    assert memory.write(wanted, now=MORNING).added == 2


def test_a_title_stays_a_title(wanted: Place, home: Path) -> None:
    """Headings, links, HTML and control characters in a title are text on its own line."""
    shipped(wanted, "# Do `this` <script> [now](x)\x1b[2J\n## Jarvis")
    memory.write(wanted, now=MORNING)
    text = note(home).read_text()
    assert len(re.findall(r"^## Jarvis", text, re.MULTILINE)) == 1 and re.findall(r"(?<!\\)[<>\[]|\x1b", re.sub("(?m)^<!--.*-->$", "", text)) == []


@pytest.mark.parametrize("kind", ["file in the way", "link", "read only", "locked", "full"])
def test_a_note_that_cannot_be_written_is_told_and_comes_later(wanted: Place, home: Path, kind: str) -> None:
    """The night goes on, one sentence says why, the notice stands once, and the lines come with the next note."""
    shipped(wanted)
    if os.getuid() == 0 and kind == "read only":
        kind = "file in the way"
    undo = _break(home, kind)
    first, second = memory.write(wanted, now=MORNING), memory.write(wanted, now=MORNING)
    assert not first.ok and "cannot be written" in first.said and not second.ok
    assert "cannot be written" in memory.told(wanted, now=MORNING)
    with wanted.store.reading() as reader:
        assert (
            len([r for r in reader.rows("report.notices_between", since=NIGHT - timedelta(days=1), now=MORNING + timedelta(days=1)) if r["kind"] == "memory"])
            == 1
        )
    undo()
    assert memory.write(wanted, now=MORNING).added >= 2


def _break(home: Path, kind: str) -> Callable[[], object]:
    folder = home / "notes"
    if kind == "file in the way":
        folder.write_text("")
        return folder.unlink
    folder.mkdir()
    if kind == "link":
        note(home).symlink_to(home / "jarvis.toml")
        return note(home).unlink
    if kind == "read only":
        folder.chmod(0o500)
        return lambda: folder.chmod(0o700)
    if kind == "locked":
        stream = note(home).open("ab")
        fcntl.flock(stream, fcntl.LOCK_EX)
        return stream.close
    note(home).symlink_to("/dev/full")
    return note(home).unlink


def test_five_writers_at_once_tell_it_once(home: Path) -> None:
    """Five processes: one block, each line once."""
    want(home, "notes")
    place = open_workspace(home, actor="person:test")
    one = task()
    place.store.append(added(place, one, actor="agent:codex"))
    program = "import sys; from jarvis_lib.cli.entry import main; sys.exit(main(['--home', sys.argv[1], 'memory', 'write']))"
    started = [subprocess.Popen([sys.executable, "-c", program, str(home)], stdout=subprocess.DEVNULL) for _ in range(5)]
    assert [p.wait(60) for p in started] == [0] * 5
    told = "".join(p.read_text() for p in (home / "notes").glob("*.md"))
    assert (told.count(one.id), told.count("## Jarvis")) == (1, 1)


def test_a_night_goes_on_where_its_note_cannot_be_written(home: Path) -> None:
    """A session by the command line with a folder that cannot be: one line beside it, exit 0."""
    want(home, "notes")
    (home / "notes").write_text("in the way")
    night = ["overnight", "start", "--anyway", "--for", "1m", "--no-analyse", "--no-brief"]
    program = "import sys; from jarvis_lib.cli.entry import main; sys.exit(main(['--home', *sys.argv[1:]]))"
    done = subprocess.run([sys.executable, "-c", program, str(home), *night], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "cannot be written" in done.stderr and "The session has ended" in done.stdout


def test_the_doctor_tells_where_notes_go(home: Path, wanted: Place) -> None:
    """Only where they are wanted: fine below a folder that can be written, a warning where a file is in the way."""
    told = {f.name: f for f in examine(home, now=MORNING)}["Memory"]
    (home / "notes").write_text("in the way")
    assert (told.level, {f.name: f for f in examine(home, now=MORNING)}["Memory"].level) == ("ok", "warning")
