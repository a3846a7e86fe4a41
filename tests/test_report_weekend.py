"""The weekend report: the worst first, each build with its proof, and a whole page after any weekend, also one in which nothing ran."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import weekend_planner
from jarvis_lib.model.fact import stamp
from jarvis_lib.report.drawing import bar, dot_plot, said
from jarvis_lib.report.page import WEEKEND_SECTIONS, scrub, weekend_report
from jarvis_lib.report.publish import publish
from jarvis_lib.report.weekend_parts import Dot, WeekendReport, WeekRow
from jarvis_lib.report.weekend_text import weekend_text
from jarvis_lib.store.place import Place
from tests.facts import added, opened, passed, task
from tests.report_nights import HOSTILE, artefact, attempt, changed, close, failed_check, fixed, rechecked
from tests.weekend_parts import FRIDAY, Clock, local, workspace

SATURDAY, SUNDAY = local(2026, 11, 28, 9, 5), local(2026, 11, 29, 20, 0)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Friday 18:00 in Berlin."""
    return workspace(tmp_path, Clock(FRIDAY))


def lived(place: Place, title: str = "Index the desk") -> dict[str, str]:
    """A weekend of one chosen build of three tasks: one shipped, one failed its check, one had no turn; and one night task beside it."""
    before = FRIDAY - timedelta(days=3)
    index = task(title, hours=4.0, project="Desk", description="Lookups take too long.\nMore.", checks=(), changes=("desk.sqlite",))
    draw = task("Draw the desk", hours=3.0, project="Desk", description="One page of charts.")
    write = task("Write about the desk", hours=2.0, project="Desk")
    night = task("Tidy up by night", hours=1.0)
    place.store.write(*[added(place, t, at=before) for t in (index, draw, write, night)])
    build = next(c for c in weekend_planner.suggest(place, now=FRIDAY).candidates if c.kind == "project")
    weekend_planner.select(place, build.id, now=FRIDAY)
    weekend_planner.start(place, now=FRIDAY)
    place.store.write(opened(place, at=local(2026, 11, 28, 1, 0)))
    attempt(place, night, "n1", at=local(2026, 11, 28, 1, 5), evidence=[passed()])
    close(place, local(2026, 11, 28, 2, 0))
    place.store.write(opened(place, "s2", at=SATURDAY))
    shown = [passed("every lookup"), artefact("reports/desk.html"), changed("desk.sqlite")]
    attempt(place, index, "a1", at=SATURDAY, session="s2", seconds=5 * 3600.0, evidence=shown)
    attempt(place, draw, "a2", at=SATURDAY, session="s2", seconds=3600.0, evidence=[failed_check()], tail="drew nothing\n")
    rechecked(place, fixed(place, SATURDAY, session="s2"), SATURDAY + timedelta(hours=25))
    close(place, local(2026, 11, 28, 20, 0), session="s2")
    return {"index": index.id, "draw": draw.id, "write": write.id, "night": night.id, "build": build.id}


def report(place: Place) -> WeekendReport:
    return weekend_planner.summary(place, as_of=SUNDAY)


def test_it_tells_the_result_and_the_worst_of_it(place: Place) -> None:
    """2 of 3 is not good: the headline names what failed, counts only the weekend's own, and the hours of its windows."""
    lived(place)
    made = report(place)
    assert made.headline == "Weekend: 1 of 3 shipped, 5 h of 24 h used; “Draw the desk” failed its check"
    assert (made.tone, made.weekend) == ("warn", "2026-11-28")
    assert made.kicker == "Weekend report · 28-29 Nov 2026 · done by today 20:00 (Europe/Berlin)"


def test_each_build_has_goal_result_evidence_and_hours(place: Place) -> None:
    ids = lived(place)
    rows = {r.task: r for r in report(place).builds}
    assert set(rows) == {ids["index"], ids["draw"], ids["write"]}
    index = rows[ids["index"]]
    assert (index.status.word, index.goal, index.hours) == ("shipped", "Lookups take too long.", "5 h of 4 h planned")
    assert "1 of 1 check passed" in index.result[0] and [link.path for link in index.links][-2:] == ["reports/desk.html", "desk.sqlite"]
    assert rows[ids["draw"]].status.word == "refuted" and rows[ids["write"]].status.word == "not started"


def test_what_it_could_not_do_is_told_with_its_reason(place: Place) -> None:
    lived(place)
    told = report(place).not_done
    assert len(told) == 2 and told[0].startswith("Draw the desk (refuted): ") and told[1].startswith("Write about the desk (not started): ")


def test_the_week_stands_beside_goal_and_median(place: Place) -> None:
    """Accepted builds and their hours, fixes that held for a day, what was undone; weeks without data are no zeros."""
    ids = lived(place)
    week = {r.name: r for r in report(place).week}
    assert (week["Builds accepted"].value, week["Builds accepted"].goal, week["Builds accepted"].median) == (2.0, "14 to 21", None)
    assert week["Run hours accepted"].said == "5.2 h" and week["Fixes that held"].value == 1.0
    assert queue.show(place, ids["index"])["task"]["state"] == "accepted"
    later = weekend_planner.summary(place, as_of=SUNDAY + timedelta(days=7))
    assert {r.name: (r.value, r.median) for r in later.week}["Builds accepted"] == (0.0, 2.0)


def test_estimates_say_how_the_person_plans(place: Place) -> None:
    """4 h planned for 5 h taken, 1 h for 10 minutes: the median ratio, and each as a dot."""
    lived(place)
    made = report(place)
    assert {(d.title, d.new) for d in made.dots} == {("Index the desk", True), ("Tidy up by night", False)}
    assert made.estimates_said == "You plan 3.4x of what it takes (median of 2 verified tasks of the last 8 weeks); 1 of 2 took no longer than planned."


def test_next_week_has_its_nights_and_what_is_late(place: Place) -> None:
    """Seven nights with their booked share; a task that cannot be in time stands as LATE."""
    lived(place)
    due = SUNDAY + timedelta(hours=2)
    place.store.write(added(place, task("Too late", hours=5.0, due=due), at=SUNDAY))
    made = report(place)
    assert [n.when for n in made.nights][:2] == ["Sun 29", "Mon 30"] and len(made.nights) == 7 and made.nights[0].hours == 24.0
    assert made.nights[0].share > 0 and any(line.startswith("Too late: LATE") for line in made.late)


def test_a_night_that_the_calendar_cuts_is_one_night_with_fewer_hours(place: Place) -> None:
    """Two hours of an appointment in the middle of Monday's night are not room for work."""
    begin, end = local(2026, 12, 1, 2, 0), local(2026, 12, 1, 4, 0)
    rows = {"starts": [int(begin.timestamp())], "ends": [int(end.timestamp())], "all_days": [False], "kinds": ["busy"], "uids": ["u"], "titles": [""]}
    words = {"source": "c", "entry": "c", "said": "", "fingerprint": "", "etag": "", "digest": "", "cuts": ["overnight"], "away_cuts": []}
    place.store.write(place.fact("calendar.read", at=FRIDAY, rows=rows, events=1, skipped=0, **words))
    assert [(n.when, n.hours) for n in report(place).nights][:3] == [("Sun 29", 24.0), ("Mon 30", 18.0), ("Tue 1", 24.0)]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (FRIDAY, "Nothing needs you."),
        *((sunday, "Nothing needs you before Monday.") for sunday in (SUNDAY, local(2026, 10, 25, 20, 0), local(2027, 3, 28, 20, 0))),
    ],
)
def test_an_empty_store_has_a_whole_page(place: Place, when: object, said: str) -> None:
    """Also on the Sundays of a clock change, and on a Friday, when it tells of the weekend before."""
    html = weekend_report(place, as_of=when.isoformat()).html()  # type: ignore[attr-defined]  # a datetime
    assert "nothing ran, no build was chosen" in html and said in html
    assert "there is nothing to compare" in html and html.count("<h2") == len(WEEKEND_SECTIONS) - 1


def test_a_choice_that_was_not_started_is_said(place: Place) -> None:
    place.store.write(*[added(place, task(f"Desk {i}", hours=3.0, project="Desk"), at=FRIDAY) for i in range(2)])
    (build,) = (c for c in weekend_planner.suggest(place, now=FRIDAY).candidates if c.kind == "project")
    weekend_planner.select(place, build.id, now=FRIDAY)
    made = report(place)
    assert "a build is chosen, not started" in made.headline and "jarvis weekend start" in made.builds_said


def test_a_started_weekend_that_is_to_come_is_told_as_such(place: Place) -> None:
    """On Friday evening the report is of the coming weekend, nothing of it is called left undone."""
    place.store.write(*[added(place, task(f"Desk {i}", hours=3.0, project="Desk"), at=FRIDAY) for i in range(2)])
    (build,) = (c for c in weekend_planner.suggest(place, now=FRIDAY).candidates if c.kind == "project")
    weekend_planner.select(place, build.id, now=FRIDAY)
    weekend_planner.start(place, now=FRIDAY)
    made = weekend_planner.summary(place, as_of=FRIDAY + timedelta(hours=1))
    assert made.headline == "Weekend so far: 0 of 2 shipped, 0 h of 24 h used"
    assert made.not_done == () and "2 phases are still to come" in made.not_done_said


def test_what_a_person_did_is_not_called_shipped(place: Place) -> None:
    ids = lived(place)
    weekend_planner.complete(place, ids["write"], now=SUNDAY)
    rows = {r.task: r for r in report(place).builds}
    assert rows[ids["write"]].status.word == "done by you" and report(place).headline.startswith("Weekend: 1 of 3 shipped")


def test_the_page_is_one_small_file_and_what_tasks_wrote_is_inert(place: Place) -> None:
    """No script, no address, at most 60 KB; drawings made of shapes only; links as seen from where it lies."""
    lived(place, HOSTILE)
    html = weekend_report(place, as_of=stamp(SUNDAY)).html()
    assert "<script" not in html and "<img" not in html and not re.search(r"https?:|url\(|@import|src=", html)
    assert html.count("<svg") >= 5 and "onload" not in html and "\x1b" not in html and "\u202e" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html and len(html.encode()) < 60 * 1024
    assert html.count("<h1") == 1 and html.count("<th ") == html.count("scope=")
    for labels in re.findall(r'aria-labelledby="([^"]+)"', html):
        assert all(f'id="{label}"' in html for label in labels.split())
    assert scrub('<svg onload="x()"><a href="http://x.example/">k</a><image href="x"></image><use href="#a"></use></svg>') == "<svg><a>k</a></svg>"


def test_the_terminal_and_json_tell_the_same(place: Place) -> None:
    """Lines of at most the width, no escape sequences, every section; JSON as it is."""
    lived(place, HOSTILE)
    made = report(place)
    text = weekend_text(made, 80)
    assert made.headline in text and "\x1b" not in text
    assert all(head in text for head in ("The builds (3):", "The week:", "Estimates:", "Patterns:", "Next week:", "What it could not do:"))
    assert [line for line in text.splitlines() if len(line) > 80 and "  $ " not in line and "evidence:" not in line and "xxxx" not in line] == []
    assert json.loads(json.dumps(made.to_json()))["schema"] == "jarvis.weekend/1"


def test_the_notebook_writes_the_page_and_the_index_lists_it(home: Path) -> None:
    """By papermill, as cron would; a missing notebook leaves the text and the reason."""
    (home / "notebooks").symlink_to(Path(__file__).parents[1] / "notebooks")
    place = workspace(home, Clock(FRIDAY))
    lived(place)
    page = weekend_planner.make_summary(place, as_of=SUNDAY)
    assert page == home / "reports" / "2026" / "11" / "2026-11-28-weekend.html"
    html = page.read_text(encoding="utf-8")
    assert "Weekend: 1 of 3 shipped" in html and html.count("<section") == len(WEEKEND_SECTIONS) - 1
    assert (home / "reports" / "latest-weekend.html").is_file() and "Sat 28 Nov, weekend" in (home / "reports" / "index.html").read_text(encoding="utf-8")
    assert not (home / "reports" / "latest-brief.html").exists()
    (home / "notebooks").unlink()
    said_lines: list[str] = []
    failed = weekend_planner.make_summary(place, as_of=SUNDAY, out=home / "reports" / "x-weekend.html", say=said_lines.append)
    assert failed.suffix == ".txt" and "The page could not be made" in failed.read_text(encoding="utf-8") and said_lines


def test_the_shapes_are_where_the_numbers_are() -> None:
    """A bar's length against its band, and a dot on the line when plan and truth are the same."""
    row = WeekRow("Builds", 7.0, "7", 14.0, 21.0, "14 to 21", 10.5, "10.5")
    shape = bar(row)
    assert shape.length * 3 == pytest.approx(shape.band_x * 1.5, rel=0.01) and shape.tick == pytest.approx(shape.length * 1.5, rel=0.01)
    assert bar(WeekRow("None", 0.0, "0", 0.0, 0.0, "0", None, "")).length == 0.0
    plot = dot_plot([Dot("even", 3.0, 3.0, True), Dot("over", 1.0, 10.0, False)])
    even, over = plot.dots
    assert even[0] - plot.left == pytest.approx(plot.side - even[1]) and over[:2] == (plot.left, 0.0)
    assert [word for _, word in plot.ticks] == ["1 h", "10 h"] and [said(v) for v in (0.1, 0.01, 0.0001)] == ["6 min", "36 s", "0.36 s"]


def test_publishing_a_weekend_leaves_the_latest_brief_alone(place: Place) -> None:
    page = weekend_report(place, as_of=stamp(SUNDAY)).write().path
    assert publish(page, place.home).name == "latest-weekend.html"
