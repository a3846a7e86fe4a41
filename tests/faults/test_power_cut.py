"""After a power cut at any moment around add, approve, claim and ending, nothing that was acknowledged is lost."""

import random
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from jarvis_lib.model.fact import Refused
from jarvis_lib.store import journal, recover
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.facts import added, task
from tests.faults import powercut

pytestmark = [pytest.mark.faults, pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, which traces the system calls")]

WORK = """
import os, sys
sys.path.insert(0, sys.argv[2])
from jarvis_lib.store import spool
from jarvis_lib.workspace import open_workspace
from tests.facts import added, claimed, ended, opened, passed, task
from jarvis_lib.model.task import content_hash
place = open_workspace(sys.argv[1], actor="person:test")
def ack(*facts):
    for done in place.store.write(*facts):
        os.write(2, b"ACK " + done.fact.id.encode() + b"\\n")
one, two = task("one"), task("two", category="New features")
fact = added(place, one)
spool.put(place.home, fact)
os.write(2, b"ACK " + fact.id.encode() + b"\\n")
ack(added(place, two))
ack(place.fact("task.approved", task=two.id, content_hash=content_hash(two, {})))
ack(opened(place))
ack(claimed(place, one, "a1"))
ack(ended(place, one, "a1", evidence=[passed()]))
"""


def test_no_acknowledged_fact_is_lost(place: Place, tmp_path: Path) -> None:
    """Every moment of the run, seven fates of what was not synced: the facts are there and the store is whole."""
    place.store.write(added(place, task("before")))
    root = Path(__file__).parents[2]
    trace = powercut.record(place.home, [sys.executable, "-c", WORK, str(place.home), str(root)], tmp_path / "trace.log")
    assert len(trace.acked) == 6
    chance = random.Random(11)
    seen: Counter[str] = Counter()
    states = tmp_path / "states"
    for moment in range(1, len(trace.ops) + 1):
        acked = {op.name for op in trace.ops[:moment] if op.kind == "ack"}
        for model, fate in powercut.MODELS:
            home = states / f"{moment}-{model}-{fate}"
            powercut.write(powercut.state(trace, moment, model, fate, chance), home)
            outcome = look(home, acked)
            seen[outcome] += 1
            assert outcome == "whole", f"power cut behind {trace.ops[moment - 1].kind} {trace.ops[moment - 1].node} ({moment}), {model}, {fate}: {outcome}"
            shutil.rmtree(home)
    print(dict(seen), "states,", len(trace.ops), "operations")
    assert sum(seen.values()) > 300


def look(home: Path, acked: set[str]) -> str:
    store = open_workspace(home).store
    try:
        wrong = recover.verify(store)
        if wrong and "cannot be read" in wrong[0]:  # a torn block that no opening meets: each session verifies, and rebuilds, before it starts
            recover.rebuild(store, "the check found it damaged")
            wrong = recover.verify(store)
    except (Refused, journal.JournalDamaged) as error:
        return f"refused: {error}"
    known = {line.fact.id for line in journal.read(home)}
    return wrong[0] if wrong else f"lost {acked - known}" if acked - known else "whole"


def test_without_the_folder_sync_a_fact_can_be_lost(place: Place, tmp_path: Path) -> None:
    """The model is strict enough to see the fault that the spool avoids."""
    place.store.write(added(place, task("before")))
    careless = (
        "import os, sys\n"
        "p = sys.argv[1] + '/data/spool/x.json'\n"
        "fd = os.open(p + '.tmp', os.O_WRONLY | os.O_CREAT)\n"
        "os.write(fd, b'{}'); os.fsync(fd); os.close(fd); os.rename(p + '.tmp', p)\n"
        "os.write(2, b'ACK x\\n')\n"
    )
    trace = powercut.record(place.home, [sys.executable, "-c", careless, str(place.home)], tmp_path / "trace.log")
    lost = [f for m, f in powercut.MODELS if "data/spool/x.json" not in powercut.state(trace, len(trace.ops), m, f, random.Random(1))]
    assert "lost" in lost
