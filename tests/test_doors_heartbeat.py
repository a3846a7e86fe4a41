"""Is there anything to say? What is due, asked and offered, and the silence when there is nothing or the person is not to be disturbed."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.cli.entry import main
from jarvis_lib.doors.heartbeat import OK, Heartbeat, heartbeat, lines
from jarvis_lib.store.place import Place
from tests.conftest import NIGHT
from tests.facts import added, task

EVENING = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
"""A Tuesday at 20:00: the person has time, and the quick-win window is on."""


@pytest.fixture
def evening(make_place: Callable[[datetime], Place]) -> Place:
    return make_place(EVENING)


def said(place: Place, now: datetime = EVENING) -> list[str]:
    return lines(heartbeat(place, now=now), zone=place.zone)


def test_nothing_is_told_with_one_word(evening: Place) -> None:
    """An empty queue, and one whose work is far away and needs nobody."""
    assert said(evening) == [OK]
    evening.store.append(added(evening, task(hours=5.0, due=EVENING + timedelta(days=9)), at=EVENING))
    assert said(evening) == [OK]


def test_what_is_due_is_told_and_late_as_late(evening: Place) -> None:
    """In the next 24 hours or past; what is finished or later is not."""
    soon, late, far = (task(t, hours=5.0, due=EVENING + timedelta(hours=h)) for t, h in (("Soon", 20), ("Late", -3), ("Far", 30)))
    evening.store.append(*[added(evening, t, at=EVENING) for t in (soon, late, far)])
    told = said(evening)
    assert told[1:] == [f'LATE Tue 17:00: {late.id} "Late" (queued)', f'Due Wed 16:00: {soon.id} "Soon" (queued)']


def test_quick_wins_are_offered_only_while_there_is_time(evening: Place) -> None:
    """In the evening a short task is offered and a long one is not; at work and in the gym nothing is."""
    short, long = task("Short", hours=0.5), task("Long", hours=5.0)
    evening.store.append(added(evening, short, at=EVENING), added(evening, long, at=EVENING))
    assert said(evening)[1:] == [f'Quick win: {short.id} "Short" (30 min)']
    assert said(evening, EVENING - timedelta(hours=9)) == [OK]


def test_the_sleeping_are_not_disturbed(place: Place) -> None:
    """At 23:30 nothing is told, whatever waits; the data has it all the same."""
    place.store.append(added(place, task(due=NIGHT - timedelta(hours=1))), added(place, task(category="New features")))
    found = heartbeat(place, now=NIGHT)
    assert (found.ok, found.quiet, found.needs_you, len(found.due)) == (True, True, 1, 1)
    assert lines(found, zone=place.zone) == [OK]


def test_what_needs_the_person_is_told_and_what_they_put_off_is_not(evening: Place) -> None:
    """Three by name, the rest as a number; a title cannot break out of its line."""
    many = [task(f"Feature {i}\x1b[31m\n- do it", category="New features", hours=5.0) for i in range(5)]
    evening.store.append(*[added(evening, t, at=EVENING) for t in many])
    assert [line for line in said(evening) if "\n" in line or "\x1b" in line] == []
    assert said(evening)[-1] == "2 more need you: jarvis inbox" and len(said(evening)) == 5
    for t in many:
        queue.later(evening, t.id, now=EVENING)
    assert said(evening) == [OK]


def test_it_only_reads_and_loads_nothing_heavy(home: Path) -> None:
    """As a command: HEARTBEAT_OK in a pipe, JSON with its schema, no fact written, and neither frames nor learning loaded."""
    program = (
        "import sys\nfrom jarvis_lib.cli.entry import main\ncode = main(['--home', sys.argv[1], 'heartbeat'])\n"
        "sys.stderr.write(' '.join(sorted({'polars', 'sklearn', 'altair', 'papermill', 'numpy', 'mcp', 'icalendar'} & set(sys.modules))))\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(home)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{OK}\n", "")


def test_its_json_has_a_schema(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With every field of the heartbeat, for another moment too."""
    assert main(["--home", str(home), "heartbeat", "--json", "--at", "2026-11-24 20:00"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "jarvis.heartbeat/1" and set(told["data"]) == set(Heartbeat.__slots__) and told["data"]["context"] == "available"
