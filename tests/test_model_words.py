"""Words in, values out: what a person may write for a task, and how values are said to them."""

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.model import metric, phase, prose
from jarvis_lib.model import task as words
from jarvis_lib.model.countries import CODES, named_country
from jarvis_lib.model.extras import install_line
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.plan import Luck


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (words.category, "bug fixes", "Bug fixes"),
        (words.category, "BUG-FIX", "Bug fixes"),
        (words.category, " research / analysis ", "Research/analysis"),
        (words.category, "user_facing changes", "User-facing changes"),
        (words.priority, " high ", "HIGH"),
        (words.estimate, "1.5", 1.5),
        (words.estimate, 200, 200.0),
        (words.cost, None, None),
        (words.cost, 0.0, 0.0),
        (words.title, "  Write \x1b[31mit\x1b[0m ", "Write it"),
        (words.description, " a\nb ", "a\nb"),
        (words.secret_name, " GITHUB_TOKEN ", "GITHUB_TOKEN"),
        (words.need, "memory=1.5GB", "memory=1.5GB"),
        (words.need, " tag:big ", "tag:big"),
        (lambda text: words.label(text, "tag"), " a  b ", "a b"),
        (named_country, "de", "DE"),
        (named_country, "uk", "GB"),
        (named_country, "Germny", "DE"),
        (named_country, "qqqqqqqq", ""),
    ],
)
def test_what_is_meant_is_understood(read: Callable[[Any], Any], text: Any, value: Any) -> None:
    """Any case, common short forms, stray blanks and colours."""
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (words.category, "bug fixs", "Did you mean 'Bug fixes'"),
        (words.priority, "urgent", "Priorities: CRITICAL, HIGH"),
        (words.estimate, "soon", "must be a number, not 'soon'"),
        (words.estimate, "0", "more than 0"),
        (words.estimate, "-1", "more than 0"),
        (words.estimate, "nan", "more than 0"),
        (words.estimate, "inf", "more than 0"),
        (words.estimate, "200.5", "do not fit any window"),
        (words.cost, -0.5, "0 or more"),
        (words.cost, math.nan, "0 or more"),
        (words.title, " \x1b[0m ", "title is empty"),
        (words.title, "x" * 201, "has 201 characters; the limit is 200"),
        (words.description, "x" * 20_001, "has 20,001 characters"),
        (words.secret_name, "ghp-1234", "never the secret itself"),
        (words.secret_name, "JARVIS_HOME", "never the secret itself"),
        (words.need, "gpu", "write gpu=1"),
        (lambda text: words.label(text, "tag"), "", "A tag is 1 to 60 characters long, not 0"),
        (lambda text: words.label(text, "project"), "x" * 61, "A project is 1 to 60 characters long, not 61"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(read: Callable[[Any], Any], text: Any, said: str) -> None:
    """One sentence, and the code of a wrong use."""
    with pytest.raises(Refused, match=said) as caught:
        read(text)
    assert caught.value.code == "usage"


@pytest.mark.parametrize(("hours", "where"), [(2, "quick_win"), (2.1, "overnight"), (6, "overnight"), (6.1, "work_hours"), (8, "work_hours"), (8.1, "weekend")])
def test_a_task_belongs_where_it_fits(hours: float, where: str) -> None:
    """Both ends of each size."""
    assert words.size_class(hours) == where


@pytest.mark.parametrize(
    ("say", "value", "said"),
    [
        (prose.seconds, 0.84, "0.8 s"),
        (prose.seconds, 42, "42 s"),
        (prose.seconds, 185, "3 min 05 s"),
        (prose.seconds, 9600, "2 h 40"),
        (prose.hours, 0.5, "30 min"),
        (prose.hours, 1, "1.0 h"),
        (prose.hours, 0, "0.0 h"),
        (prose.spell, 0.001, "3.6 s"),
        (prose.spell, 0.5, "30 min"),
        (prose.lasting, 12 / 3600, "12 s"),
        (prose.lasting, 59.6 / 3600, "1 min"),
        (prose.lasting, 1.13, "1 h 08"),
        (prose.lasting, 2, "2 h"),
        (prose.size, 512, "512 B"),
        (prose.size, 1.5 * 2**20, "1.5 MB"),
        (prose.size, 3 * 2**40, "3.0 TB"),
        (prose.size, -2048, "-2.0 KB"),
        (prose.chance, 0.84, "84%"),
        (prose.chance, 0.995, "over 99%"),
        (prose.chance, 0.005, "under 1%"),
        (prose.listed, [], ""),
        (prose.listed, ["a"], "a"),
        (prose.listed, ["a", "b", "c"], "a, b and c"),
    ],
)
def test_values_are_said_in_peoples_words(say: Callable[[Any], str], value: Any, said: str) -> None:
    """Never with more figures than anybody wants."""
    assert say(value) == said


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [("disk", 0.05, "5.0%"), ("disk", 0.5, "50%"), ("log", 1024.0, "1.0 KB"), ("unheard_of", 12.0, "12"), ("unheard_of", 1234.5, "1,234")],
)
def test_a_metric_is_shown_with_its_unit(kind: str, value: float, said: str) -> None:
    """One that nobody knows is a number."""
    assert metric.shown(kind, value) == said


def test_every_kind_of_metric_has_a_name_a_unit_and_a_side_that_hurts() -> None:
    """Without a limit nothing is over it; with one, beyond it on one side only."""
    for kind, one in metric.KINDS.items():
        assert metric.named(kind) == metric.named(f"{kind}:{kind}") == one.name and metric.named(f"{kind}:/data") == f"{one.name} /data"
        assert metric.shown(kind, 0.05) != metric.shown(kind, 5000.0)
        assert not metric.is_over(kind, 5.0, None)
        assert metric.is_over(kind, 4.0, 5.0) == one.falling and metric.is_over(kind, 6.0, 5.0) != one.falling and not metric.is_over(kind, 5.0, 5.0)
    assert metric.named("unheard_of:x") == "unheard of x"


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (["build"], "is not a phase"),
        (["x" * 99 + " 100"], "is not a phase"),
        (["build 50", "Build 50"], "the phase 'build' stands twice"),
        ([], "at least one phase"),
        (["build 60", "test 30"], "add up to 100, not 90"),
        (["build 100", "test 0"], "more than 0"),
    ],
)
def test_phases_that_make_no_whole_are_refused(lines: list[str], wrong: str) -> None:
    """With what is wrong, and none of them."""
    found, said = phase.read_template(lines)
    assert found == () and wrong in said


def test_phases_have_shares_and_checks_and_the_largest_runs_the_recipe() -> None:
    """The first of equals."""
    found, said = phase.read_template(["design 20", "build 40", "test 40: make test"])
    assert said == "" and [(p.name, round(p.share, 2), p.check) for p in found] == [("design", 0.2, ""), ("build", 0.4, ""), ("test", 0.4, "make test")]
    assert phase.main_of(found) == "build" and phase.key_of("New features") == "new_features"


@given(st.floats(0, 1), st.floats(-2, 2), st.floats(0.2, 3))
def test_a_probability_stays_one_and_certainty_stays_certain(drawn: float, shift: float, slope: float) -> None:
    """Whatever past nights have taught; and a luck that has learned nothing changes nothing that is not at the very ends."""
    meant = Luck(shift=shift, slope=slope).means(drawn)
    assert 0 <= meant <= 1 and (drawn not in (0, 1) or meant == drawn)
    if 0.002 <= drawn <= 0.998:
        assert Luck().means(drawn) == pytest.approx(drawn)


def test_every_code_of_a_country_names_itself() -> None:
    """In both cases."""
    assert all(named_country(code.lower()) == code for code in CODES)


def test_what_is_missing_is_installed_in_the_words_of_whoever_keeps_this_python(tmp_path: Path) -> None:
    """A plain environment by pip."""
    assert install_line("lab", prefix=str(tmp_path)) == "pip install 'great-tables>=1.1'"


@pytest.mark.parametrize(("wanted", "passes", "dies"), [("", 3, False), ("other", 3, False), ("here", 1, True), ("here:3", 2, False), ("here:3", 3, True)])
def test_a_crash_point_ends_the_process_only_when_it_is_named_and_as_often(wanted: str, passes: int, dies: bool) -> None:
    """As hard as a power cut: by signal 9."""
    code = f"from jarvis_lib.model.crash import crash_point\nfor _ in range({passes}):\n    crash_point('here')"
    done = subprocess.run([sys.executable, "-c", code], env={"JARVIS_CRASH_AT": wanted}, check=False)
    assert done.returncode == (-9 if dies else 0)
