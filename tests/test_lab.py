"""What a notebook may ask: frames in local time, SQL behind a wall, answers, proposals that nobody approved, magics that only read; and nothing held open."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import jarvis_lib as jarvis
from jarvis_lib import autonomous_queue as queue
from jarvis_lib import overnight_runner as night
from jarvis_lib.lab import charts, frames, magics
from jarvis_lib.lab.desk import since_of
from jarvis_lib.model.evidence import RESULT_MIME
from jarvis_lib.model.fact import Refused
from jarvis_lib.report.charts import MIME
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.conftest import NIGHT
from tests.report_nights import HOSTILE, MORNING, good_night
from tests.roomy import roomy

ROOT = Path(__file__).parent.parent
FRAMES = ("tasks", "attempts", "sessions", "decisions", "plan", "events", "problems", "patterns", "metrics", "predictions")


@pytest.fixture
def desk(place: Place) -> Place:
    """The kernel looks at this workspace, as it is."""
    jarvis.use(place.home)
    return place


@pytest.fixture(scope="module")
def night_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a zone of its own, after a good night."""
    home = tmp_path_factory.mktemp("lived")
    (home / "jarvis.toml").write_text(roomy().replace('zone = ""', 'zone = "Asia/Kolkata"'))
    good_night(open_workspace(home, clock=lambda: NIGHT, actor="person:test"))
    return home


@pytest.fixture
def lived(night_home: Path) -> Place:
    """That workspace, looked at in the morning."""
    jarvis.use(night_home, as_of=MORNING.isoformat())
    return open_workspace(night_home, clock=lambda: MORNING, actor="person:test")


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    made = InteractiveShell.instance()
    made.run_line_magic("load_ext", "jarvis_lib")
    yield made
    InteractiveShell.clear_instance()


# --- what it costs -------------------------------------------------------------------------------------------------------


def test_importing_it_loads_nothing_heavy() -> None:
    """`import jarvis_lib` is free of every library; a name of a notebook brings only its own module."""
    heavy = "{'duckdb', 'polars', 'altair', 'papermill', 'sklearn', 'nbconvert', 'numpy', 'great_tables', 'click', 'IPython'} & set(sys.modules)"
    code = f"import sys, jarvis_lib as jarvis\nassert not {heavy}\njarvis.result\njarvis.charts if False else jarvis.tasks\nprint({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_module_of_the_package_is_still_found() -> None:
    """The names of notebooks hide no module, and a wrong name is an AttributeError."""
    assert queue.__name__ == "jarvis_lib.autonomous_queue"
    assert {"tasks", "sql", "charts"} <= set(dir(jarvis)) and jarvis.charts is charts
    with pytest.raises(AttributeError, match="nonsense"):
        jarvis.nonsense  # noqa: B018  # the name is looked up, which is the point


# --- frames --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_has_the_same_columns_on_an_empty_store(desk: Place, name: str) -> None:
    """Plain polars, no row, and every column that docs/JUPYTER.md names for it, in that order."""
    found = getattr(jarvis, name)()
    assert type(found) is pl.DataFrame and found.is_empty()
    assert found.columns == documented(name)


def documented(name: str) -> list[str]:
    text = (ROOT / "docs" / "JUPYTER.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| `{name}("))
    return [part.strip().split()[0].strip("`") for part in row.split("|")[2].split(",")]


@pytest.mark.parametrize("name", FRAMES)
def test_every_time_is_in_the_persons_zone(lived: Place, name: str) -> None:
    """Also where the machine has another one."""
    found = getattr(jarvis, name)()
    zones = {kind.time_zone for kind in found.schema.values() if isinstance(kind, pl.Datetime)}
    assert zones <= {"Asia/Kolkata"} and (zones or name == "patterns")


def test_a_time_is_converted_and_not_only_named(lived: Place) -> None:
    """What stands in the store as UTC is told five and a half hours later."""
    with lived.store.reading() as reader:
        stored = {r["id"]: r["claimed_at"] for r in reader.rows("report.attempts")}
    told = dict(jarvis.attempts().select("id", "claimed_at").rows())
    assert told == stored and stored
    assert all(t.utcoffset() == timedelta(hours=5.5) for t in told.values())


def test_attempts_are_those_of_the_reports_in_their_order(lived: Place) -> None:
    """The same rows and columns, although the one reads what stands and the other sorts and joins in the database; also from some time on."""
    with lived.store.reading() as reader:
        reports = frames.local(reader.frame("report.attempts"), lived.zone)
    begin = reports["claimed_at"].max()
    assert reports.height > 3 and isinstance(begin, datetime)
    assert jarvis.attempts().equals(reports) and jarvis.attempts(since=begin).equals(reports.filter(pl.col("claimed_at") == begin))
    nothing = jarvis.attempts(since=begin + timedelta(seconds=1))
    assert nothing.is_empty() and nothing.schema == reports.schema


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc"))))
def test_rows_come_by_time_however_they_stand(rows: list[tuple[int, str]]) -> None:
    """Those of one time by their id."""
    times = pl.DataFrame(
        [(datetime(2026, 11, 1, n, tzinfo=UTC), name) for n, name in rows], schema={"at": pl.Datetime("us", "UTC"), "id": pl.String}, orient="row"
    )
    assert frames._by_time(times, "at", "id").rows() == sorted(times.rows())


def test_tasks_are_chosen_by_state_and_time(lived: Place) -> None:
    every = jarvis.tasks()
    assert jarvis.tasks("open").height == every.filter(pl.col("state").is_in(["proposed", "queued", "parked", "running", "review"])).height
    assert jarvis.tasks(since=MORNING + timedelta(days=1)).is_empty() and jarvis.tasks(since="4w").height == every.height
    with pytest.raises(Refused, match="Did you mean 'queued'"):
        jarvis.tasks("qeued")
    with pytest.raises(Refused, match="a span such as 7d"):
        jarvis.tasks(since="yesterday-ish")
    with pytest.raises(Refused, match="a span such as 7d"):
        jarvis.tasks(since="²d")
    assert jarvis.tasks(since="9999999999w").height == every.height


@pytest.mark.parametrize(("text", "back"), [("12h", timedelta(hours=12)), ("7d", timedelta(days=7)), ("4w", timedelta(weeks=4))])
def test_a_span_counts_back_from_the_moment(text: str, back: timedelta) -> None:
    assert since_of(text, NIGHT) == NIGHT - back and since_of("", NIGHT) is None


def test_metrics_are_medians_or_means(desk: Place) -> None:
    """Two readings of one metric in the same five minutes are one row; a name that has none is refused."""
    from jarvis_lib.store.samples import Samples

    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    Samples(desk.home).add([(at, "load", 1.0), (at + timedelta(minutes=1), "load", 3.0), (at + timedelta(minutes=10), "load", 8.0)])
    assert jarvis.metrics("load")["value"].to_list() == [2.0, 8.0]
    assert jarvis.metrics("load", by="1h")["value"].to_list() == [4.0]
    with pytest.raises(Refused, match="Did you mean 'load'"):
        jarvis.metrics("laod")


# --- sql -----------------------------------------------------------------------------------------------------------------


def test_a_question_is_answered_with_its_parameters(lived: Place) -> None:
    found = jarvis.sql("select title, shipped_at from tasks where hours >= $least order by title", {"least": 0.0})
    assert found.height == jarvis.tasks().height and found.schema["shipped_at"].time_zone == "Asia/Kolkata"  # type: ignore[attr-defined]  # a Datetime


OUT = """insert into tasks select * from tasks|delete from tasks|update tasks set title = 'x'|drop table tasks
create table x (a int)|select * from read_text('jarvis.toml')|select * from read_csv('/etc/passwd')|select * from glob('*')
select * from 'jarvis.toml'|attach 'data/jarvis.duckdb' as y
copy tasks to 'out.csv'|export database 'out'|set enable_external_access = true|set lock_configuration = false|install httpfs|load httpfs
copy tasks to 'out.csv'; select 1|use memory; detach jarvis; attach 'data/jarvis.duckdb' as jarvis|select * from read_blob('data/jarvis.duckdb')"""


@pytest.mark.parametrize("question", OUT.replace("\n", "|").split("|"))
def test_no_question_gets_out_or_writes(desk: Place, question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused in a sentence, and nothing in the workspace is other than it was."""
    monkeypatch.chdir(desk.home)
    queue.add(desk, "One", "", 1, "Documentation", "LOW", command="true", now=NIGHT)
    before = content(desk.home)
    with pytest.raises(Refused):
        jarvis.sql(question)
    assert content(desk.home) == before


ROUND = """use memory; detach jarvis; attach '{copy}' as own; create table own.evil as select 1; select 1
copy (select 1) to '{copy}.wal'; select 1|copy (select 1) to '{copy}.wal'|explain analyze copy (select 1) to '{copy}.wal'
select 1; select 2|pragma database_list|-- nothing"""


@pytest.mark.parametrize("question", ROUND.replace("\n", "|").split("|"))
def test_no_question_goes_round_the_wall_by_the_snapshot_itself(desk: Place, question: str, tmp_path: Path) -> None:
    """The one file that a question may read is a backup of the person's, and it stays as it is, with nothing beside it."""
    copy = desk.store.snapshot(tmp_path / "copy.duckdb")
    before = content(tmp_path)
    jarvis.use(desk.home, snapshot=copy)
    with pytest.raises(Refused, match="Ask one question"):
        jarvis.sql(question.format(copy=copy))
    assert content(tmp_path) == before


def test_a_pivot_is_a_question(lived: Place) -> None:
    """It makes a type of its own first, which is written nowhere."""
    found = jarvis.sql("pivot tasks on state using count(*) group by category")
    assert found.height and "category" in found.columns and jarvis.sql("describe tasks").height


def content(home: Path) -> dict[Path, bytes]:
    """Every file but the lock, which names who held it last."""
    return {p: p.read_bytes() for p in home.rglob("*") if p.is_file() and p.name != "store.lock"}


def test_a_question_cannot_see_the_kernels_variables(desk: Place) -> None:
    """A frame of the cell is not a table by accident."""
    secret = pl.DataFrame({"a": [1]})
    with pytest.raises(Refused, match="secret"):
        jarvis.sql("select * from secret")
    assert secret.height == 1


# --- answers and proposals -----------------------------------------------------------------------------------------------


def test_what_waits_is_read_from_a_snapshot_too(desk: Place, tmp_path: Path) -> None:
    """As it was then, with its commands; a question that the store itself must answer is refused there."""
    asked, later = (queue.add(desk, t, "", 1, "New features", "LOW", command="true", now=NIGHT).task.id for t in ("Asked", "Later"))
    queue.later(desk, later, now=NIGHT)
    copy = desk.store.snapshot(tmp_path / "copy.duckdb")
    queue.decline(desk, asked, now=NIGHT)
    assert asked not in repr(jarvis.inbox())
    jarvis.use(desk.home, snapshot=copy)
    told = repr(jarvis.inbox())
    assert f"jarvis queue approve {asked}" in told and later in told
    with pytest.raises(Refused, match="reads a snapshot"):
        jarvis.why(asked)


def test_what_a_notebook_adds_waits_for_the_person(desk: Place) -> None:
    """Even what the policy would let run by itself; the answer shows the command, and nothing but a person's word moves it."""
    made = jarvis.add("Document it", hours=1, category="Documentation", command="echo a > a.md", checks=["test -s a.md"])
    row = jarvis.tasks().row(0, named=True)
    assert (row["id"], row["state"]) == (made.task, "proposed") and f"jarvis approve {made.task}" in made.commands
    assert "waits for your yes" in repr(jarvis.why(made.task)) and made.task in repr(jarvis.inbox())
    queue.approve(desk, made.task, now=NIGHT)
    assert jarvis.tasks()["state"].to_list() == ["queued"]


def test_nothing_is_proposed_from_inside_of_an_attempt(desk: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JARVIS_ATTEMPT", "abc")
    with pytest.raises(Refused, match="may read but not write"):
        jarvis.add("More work", command="true")
    assert jarvis.tasks().is_empty()


def test_an_answer_is_shown_escaped(desk: Place) -> None:
    """Titles may be hostile; JupyterLab gets them as text."""
    made = jarvis.add("<script>alert(1)</script>", command="true")
    html = made._repr_html_() + jarvis.why(made.task)._repr_html_() + jarvis.next()._repr_html_() + jarvis.inbox()._repr_html_()
    assert "<script" not in html and "&lt;script&gt;" in html


def test_a_shown_table_runs_nothing(desk: Place) -> None:
    """Neither cells, nor names of columns, nor the title."""
    bad = "<img src=x onerror=alert(1)>"
    shown = jarvis.show(pl.DataFrame({"a": [HOSTILE, bad], bad: [1.23456, 2.0]}), bad)
    assert "<img" not in shown.html and "<script" not in shown.html and "&lt;img" in shown.html and "1.235" in shown.html
    assert repr(shown).endswith("2 rows, 2 columns")


def test_a_result_names_files_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("out.csv").write_text("a\n1\n")
    made = jarvis.result("One row", ["out.csv"], {"rows": 1})
    assert made._repr_mimebundle_()[RESULT_MIME] == {"summary": "One row", "files": ["out.csv"], "metrics": {"rows": 1.0}}
    for wrong in (("", ["out.csv"], {}), ("x", ["gone.csv"], {}), ("x", [], {"a": float("nan")})):
        with pytest.raises(Refused):
            jarvis.result(*wrong)


# --- charts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", charts.ALL)
def test_every_chart_draws_on_an_empty_store(desk: Place, name: str) -> None:
    """As an SVG of words that say why it is empty, or of what is there."""
    assert drawn(getattr(jarvis.charts, name)()).startswith("<svg")


@pytest.mark.parametrize("name", charts.ALL)
def test_every_chart_draws_after_a_night(lived: Place, name: str) -> None:
    assert drawn(getattr(jarvis.charts, name)()).startswith("<svg")


def test_every_chart_is_listed() -> None:
    """So that the tests above, and those in the browser, leave none out."""
    public = [n for n, f in vars(charts).items() if callable(f) and not n.startswith("_") and getattr(f, "__module__", "") == charts.__name__]
    assert sorted(public) == sorted(charts.ALL)


def drawn(chart: Any) -> str:
    from jarvis_lib.report.charts import render

    data, _ = render(chart.to_dict())
    assert set(data) == {MIME, "image/svg+xml", "text/plain"}
    return str(data["image/svg+xml"])


def test_a_chart_of_anybody_draws_in_a_kernel_that_imported_it(shell: InteractiveShell) -> None:
    """Plain altair after `import jarvis_lib`: the bundle is what JupyterLab draws offline, and altair was not loaded for it."""
    from jarvis_lib.lab import kernel

    kernel.settle()
    import altair as alt

    data, _ = shell.display_formatter.format(alt.Chart(pl.DataFrame({"x": [1], "y": [2]})).mark_point().encode(x="x", y="y"))
    assert MIME in data and data["image/svg+xml"].startswith("<svg")


# --- magics --------------------------------------------------------------------------------------------------------------


def test_the_command_line_answers_as_in_a_terminal(desk: Place, shell: InteractiveShell) -> None:
    """`%jarvis list` prints the table, without colours."""
    queue.add(desk, "Look at me", "", 1, "Documentation", "LOW", command="true", now=NIGHT)
    with capture_output() as told:
        shell.run_line_magic("jarvis", "queue list")
    assert "Look at me" in told.stdout and "\x1b" not in told.stdout and "\t" not in told.stdout


CHANGES = """approve k3f9x|queue approve k3f9x|undo last-night|add a b 1 Documentation LOW|overnight start|lab|demo|overnight brief
overnight brief --json --html|overnight checkin|weekend summary|weekend review|overnight report --from-cron|context detect --note|calendar export --out=x.ics
calendar export --to x.ics|export out|mcp serve --agent x|overnight brief --read"""


@pytest.mark.parametrize("line", CHANGES.replace("\n", "|").split("|"))
def test_a_magic_changes_nothing(desk: Place, shell: InteractiveShell, line: str) -> None:
    """It shows the line for the terminal."""
    with pytest.raises(Refused, match=f"run this in a terminal: jarvis {line}"):
        magics.command_line(line)


def test_a_magic_reads_a_brief_and_makes_no_page(desk: Place) -> None:
    """What is read is the text; a page would be a fact, and be sent."""
    for line in ("overnight brief --no-page", "context summary", "calendar export"):
        magics.command_line(line)
    assert not list((desk.home / "reports").rglob("*.html"))


def test_a_cell_becomes_a_proposed_task_that_really_runs(desk: Place, shell: InteractiveShell) -> None:
    """It is not run now; approved, a session runs its notebook, and its check proves it."""
    cell = "from pathlib import Path\nPath('made.txt').write_text('by a cell')"
    made = shell.run_cell_magic("jarvis_task", "'Make a file' --hours 0.01 --category Documentation --check 'test -s made.txt' --changes made.txt", cell)
    assert jarvis.tasks()["state"].to_list() == ["proposed"] and not (desk.home / "made.txt").exists()
    book = json.loads(next((desk.home / "notebooks" / "tasks").glob("make-a-file-*.ipynb")).read_text())
    assert book["cells"][-1]["source"] == cell
    real = open_workspace(desk.home, actor="person:test")
    queue.approve(real, made.task, now=real.now())
    night.start(real, for_minutes=2, with_brief=False, say=lambda line: None)
    assert jarvis.tasks()["state"].to_list()[0] in ("shipped", "accepted"), repr(jarvis.why(made.task))
    assert (desk.home / "made.txt").read_text() == "by a cell"


@pytest.mark.parametrize(("line", "cell"), [("'T' --hours many", "1"), ("'T'", "def ("), ("'T'", "  "), ("", "1"), ("'T' --category Nonsense", "1")])
def test_a_task_that_is_refused_leaves_no_notebook(desk: Place, shell: InteractiveShell, line: str, cell: str) -> None:
    with pytest.raises(Refused):
        magics.task(line, cell)
    assert not list(desk.home.glob("notebooks/tasks/*")) and jarvis.tasks().is_empty()


def test_sql_in_a_cell_is_shown_or_kept(desk: Place, shell: InteractiveShell) -> None:
    assert shell.run_cell_magic("jsql", "", "select count(*) as n from tasks")["n"].to_list() == [0]
    assert shell.run_cell_magic("jsql", "counted", "select count(*) as n from tasks") is None
    assert shell.user_ns["counted"]["n"].to_list() == [0]


# --- nothing is held open ------------------------------------------------------------------------------------------------

IDLE = """
import sys, jarvis_lib as jarvis
jarvis.use(sys.argv[1])
for name in ("tasks", "attempts", "sessions", "decisions", "plan", "events", "problems", "patterns", "metrics", "predictions", "next", "inbox"):
    getattr(jarvis, name)()
jarvis.sql("select count(*) from tasks")
for name in jarvis.charts.ALL:
    getattr(jarvis.charts, name)()
print("idle", flush=True)
sys.stdin.read()
"""


def test_a_session_works_while_a_kernel_sits_idle(home: Path) -> None:
    """After every call of the API the other process has no file of the store open, and a whole night passes beside it."""
    place = open_workspace(home, actor="person:test")
    queue.add(place, "Beside it", "", 0.01, "Documentation", "LOW", command="echo a > a.md", checks=["test -s a.md"], changes=["a.md"], now=place.now())
    kernel = subprocess.Popen([sys.executable, "-c", IDLE, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert kernel.stdout is not None and kernel.stdout.readline() == "idle\n"
        assert [f for f in open_files(kernel.pid) if f.startswith(str(home / "data"))] == []
        begin = time.monotonic()
        night.start(place, for_minutes=2, with_brief=False, say=lambda line: None)
        assert kernel.poll() is None and time.monotonic() - begin < 60
    finally:
        kernel.communicate("")
    assert queue.listing(place, now=place.now())[0]["state"] in ("shipped", "accepted")


def open_files(pid: int) -> list[str]:
    folder = Path(f"/proc/{pid}/fd")
    return [os.readlink(f) for f in folder.iterdir() if f.exists()] if folder.is_dir() else []


# --- what if -------------------------------------------------------------------------------------------------------------


def test_other_settings_are_supposed_and_never_written(desk: Place) -> None:
    """The policy's verdict under them stands beside the one that holds; the file and the decisions stay."""
    from jarvis_lib.lab import what_if

    queue.add(desk, "Write it", "", 1, "Documentation", "LOW", command="true", now=NIGHT)
    queue.add(desk, "Build it", "", 1, "New features", "LOW", command="true", now=NIGHT)
    before = content(desk.home)
    other = what_if.supposing(desk, {"policy.auto": ["New features"], "policy.ask": [], "night.lanes": 1})
    found = what_if.verdicts(other)
    assert set(found.select("title", "verdict", "would_be").rows()) == {("Write it", "auto", "ask"), ("Build it", "ask", "auto")}
    assert what_if.supposing(desk, {}) is desk and desk.settings.get("night", "lanes") != 1
    assert "that it is done" in repr(what_if.night(other, now=NIGHT)) or "No overnight" in repr(what_if.night(other, now=NIGHT))
    assert "fix the login" in repr(what_if.landing(desk, "30m fix the login !high", now=NIGHT)) and "No task" in repr(what_if.landing(desk, "", now=NIGHT))
    assert content(desk.home) == before


@pytest.mark.parametrize("wrong", [{"night.lanse": 3}, {"night.lanes": "many"}, {"nihgt.lanes": 3}, {"lanes": 3}, {"night.lanes": None}])
def test_a_setting_that_cannot_be_is_refused(desk: Place, wrong: dict[str, Any]) -> None:
    from jarvis_lib.lab import what_if

    with pytest.raises(Refused, match="cannot be tried"):
        what_if.supposing(desk, wrong)
