"""Every verb that reads answers on a year of (made-up) history and on an empty store, for any moment, the nights of a clock change among them."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib.cli.entry import main
from jarvis_lib.doors.simulated.year import simulate_year
from jarvis_lib.model.settings import template
from jarvis_lib.store import recover
from jarvis_lib.workspace import open_workspace

UNTIL = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
MOMENTS = (
    "2026-11-24T19:30:00+01:00",
    "2026-10-25T02:30:00+02:00",  # the hour that comes twice in Berlin
    "2026-10-25T02:30:00+01:00",
    "2026-03-29T01:30:00Z",  # half an hour after the hour that Berlin skips
    "2026-11-01T06:30:00Z",  # the same in New York, where this hour comes twice
    "2025-06-01T12:00:00Z",  # before there was anything
    "2027-02-14T23:59:59+01:00",  # long after the last fact
)
READING = (
    *(("scheduler", verb) for verb in ("list", "stats", "next", "plan")),
    *(("queue", verb) for verb in ("list", "progress", "report", "inbox")),
    *(("context", verb) for verb in ("detect", "summary", "upcoming")),
    *(("problems", verb) for verb in ("list", "metrics")),
    *(("patterns", verb) for verb in ("list", "stats")),
    *(("overnight", verb) for verb in ("report", "brief", "status", "plan", "is-overnight")),
    *(("improver", verb) for verb in ("suggest", "stats", "measure")),
    *(("weekend", verb) for verb in ("suggest", "progress", "summary")),
)
NOTHING_YET = {("overnight", "report"): 3, ("weekend", "progress"): 3, ("overnight", "is-overnight"): 1}
"""What may be answered with another code than 0: there is nothing of the kind (3), or the answer is no (1)."""
Jarvis = Callable[..., tuple[int, str, str]]


def workspace(folder: Path, zone: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "jarvis.toml").write_text(template().replace('zone = ""', f'zone = "{zone}"'))
    return folder


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a year in it, made once."""
    home = workspace(tmp_path_factory.mktemp("year") / "home", "Europe/Berlin")
    simulate_year(open_workspace(home, clock=lambda: UNTIL), until=UNTIL, seed=7)
    return home


def answers(home: Path, words: tuple[str, ...], moment: str, capsys: pytest.CaptureFixture[str], *, json_too: bool) -> None:
    """The verb answers properly, as text and (with `json_too`) as JSON with its schema."""
    at = () if words == ("problems", "metrics") else ("--at", moment)
    allowed = {0, NOTHING_YET.get(words, 0)}
    code = main(("--home", str(home), *words, *at))
    told = capsys.readouterr()
    assert code in allowed and "Traceback" not in told.err, (words, moment, code, told.err)
    assert told.out.strip() or told.err.strip()
    if not json_too:
        return
    code = main(("--home", str(home), *words, *at, "--json"))
    told = capsys.readouterr()
    assert code in allowed, (words, moment, code, told.err)
    assert code == 3 or json.loads(told.out)["schema"].startswith("jarvis.")


@pytest.mark.long
@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_every_reading_verb_answers_on_a_year(year: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """On an evening, and in the hour that comes twice; the other moments are tried with the slower suites."""
    (year / "jarvis.toml").write_text(template().replace('zone = ""', 'zone = "Europe/Berlin"'))
    for moment in MOMENTS[:2]:
        answers(year, words, moment, capsys, json_too=moment == MOMENTS[0])


@pytest.mark.long
@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_every_reading_verb_answers_for_any_moment_of_a_year(year: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """By the clock of Berlin, and at the two hours that matter there by that of New York."""
    (year / "jarvis.toml").write_text(template().replace('zone = ""', 'zone = "Europe/Berlin"'))
    for moment in MOMENTS[2:]:
        answers(year, words, moment, capsys, json_too=False)
    (year / "jarvis.toml").write_text(template().replace('zone = ""', 'zone = "America/New_York"'))
    for moment in (MOMENTS[4], "2026-03-08T06:30:00Z"):
        answers(year, words, moment, capsys, json_too=False)


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_every_reading_verb_answers_on_an_empty_store(tmp_path: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """A workspace of this minute: nothing there is an answer, not an error."""
    home = workspace(tmp_path, "Europe/Berlin")
    answers(home, words, MOMENTS[0], capsys, json_too=True)


LEARNING = (
    *(("patterns", *verb) for verb in (("predict",), ("suggest",), ("list",))),
    *(("problems", *verb) for verb in (("scan",), ("scan", "--quick"), ("metrics", "--scores"), ("fix", "--dry-run"))),
    *(("improver", *verb) for verb in (("suggest",), ("measure",))),
)


@pytest.mark.long
@pytest.mark.parametrize("words", LEARNING, ids=" ".join)
def test_what_learns_answers_on_a_year_and_on_nothing(year: Path, tmp_path: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Also the verbs that write; each tells something, and none breaks."""
    lived, empty = tmp_path / "lived", workspace(tmp_path / "empty", "Europe/Berlin")
    shutil.copytree(year, lived)
    for home in (lived, empty):
        code = main(("--home", str(home), *words))
        told = capsys.readouterr()
        assert code == 0 and (told.out.strip() or told.err.strip()), (words, home.name, code, told.err)
        assert recover.verify(open_workspace(home).store) == []


def rounded(row: dict[str, Any] | None) -> dict[str, Any]:
    """Sums of hours depend on the order of the rows in their last digits."""
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in (row or {}).items()}


@pytest.mark.long
def test_the_year_is_whole_and_can_be_rebuilt(year: Path, tmp_path: Path) -> None:
    """A thousand tasks went through the real ledger; the journal alone gives the same rows again."""
    home = tmp_path / "copy"
    shutil.copytree(year, home)
    place = open_workspace(home, clock=lambda: UNTIL)
    with place.store.reading() as reader:
        before = rounded(reader.one("build_scheduler.stats"))
    assert before["total"] > 800 and before["completed"] > 400
    place.store.path.unlink()
    with place.store.reading() as reader:
        assert rounded(reader.one("build_scheduler.stats")) == before
    assert recover.verify(place.store) == []
