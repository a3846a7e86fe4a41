"""What may the look at Jarvis itself change? One line of a short list, byte for byte reversible; never the policy, whoever asks and in whatever way."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jarvis_lib import self_improver as improver
from jarvis_lib.autonomous_queue.sessions import only_session
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.improver_rules import EDITS, MAY_CHANGE, NEVER, may_change
from jarvis_lib.model.setting_keys import KEYS
from jarvis_lib.model.settings import parse, template
from jarvis_lib.self_improver import editing
from jarvis_lib.self_improver.editing import change, put_back
from jarvis_lib.store import spool
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace

NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
ALL = sorted((section, key) for section, keys in KEYS.items() for key in keys)
GOOD: dict[tuple[str, str], tuple[Any, Any]] = {
    ("night", "reserve"): (1.55, 2.4),
    ("predictors", "off"): ([], ["routine"]),
    ("windows.quick_win", "on"): (True, False),
    ("windows.overnight", "on"): (True, False),
}
anything = st.one_of(
    st.booleans(),
    st.integers(-10, 10),
    st.floats(allow_nan=True),
    st.text(max_size=12),
    st.lists(st.sampled_from(["Refactoring", "New features", "routine", "x y", ""]), max_size=3),
    st.none(),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


# --- the short list ------------------------------------------------------------------------------------------------------


@given(st.sampled_from(ALL), anything, anything)
def test_every_setting_that_is_not_on_the_short_list_is_refused(where: tuple[str, str], old: Any, new: Any) -> None:
    """Whatever the values: the policy, the limits, the guards, what measures and what is the person's own never change."""
    why = may_change(*where, old, new)
    assert why or (where in MAY_CHANGE and where[0] not in NEVER)
    if where[0] in ("policy", "limits", "improver", "goals", "person", "context.allows", "store", "calendar", "recipes", "sources"):
        assert "yours alone" in why


@given(st.text(max_size=20), st.text(max_size=20), anything, anything)
def test_a_setting_that_does_not_exist_is_refused(section: str, key: str, old: Any, new: Any) -> None:
    """Also one that only looks like another: with blanks, in capitals, dotted."""
    assert may_change(section, key, old, new) or (section, key) in MAY_CHANGE


def test_the_short_list_widens_nothing() -> None:
    """A window may be switched off and never on, a predictor be silenced and never heard again, the reserve stay within reason."""
    assert not may_change("windows.weekend", "on", True, False) and may_change("windows.weekend", "on", False, True)
    assert not may_change("predictors", "off", ["a"], ["a", "b"])
    for new in (["b"], [], ["a", "b", "c"], ["a", 'b"]\n[policy]'], "b"):
        assert may_change("predictors", "off", ["a"], new)
    for value in (0.5, 6, True, "2", None, float("nan"), float("inf")):
        assert may_change("night", "reserve", 1.55, value)
    assert {s for s, _ in MAY_CHANGE} & set(NEVER) == set() and set(MAY_CHANGE) <= set(ALL)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.sampled_from([w for w in ALL if w not in MAY_CHANGE]), anything)
def test_a_hand_made_fact_about_the_policy_is_refused_by_the_ledger(place: Place, where: tuple[str, str], new: Any) -> None:
    """Put into the spool by anybody, as any kind that edits: it is no row, and cannot be accepted."""
    data = improvement("setting", {"section": where[0], "key": where[1], "old": 1, "new": None if new != new else new})
    for kind in EDITS:
        assert refused_of(place, "improvement.proposed", improvement=data | {"kind": kind})


def improvement(kind: str, change: dict[str, Any]) -> dict[str, Any]:
    own = {"id": "i1234", "weakness": "w", "kind": kind, "title": "Made by hand", "why": "because", "measure": "failures", "subject": "s"}
    return own | {"change": change}


def refused_of(place: Place, kind: str, /, **data: Any) -> str | None:
    """What became of a fact that somebody laid into the spool: the sentence, or None when it was applied."""
    try:
        return place.store.append(place.fact(kind, at=NOW, **data))[0].refused
    except (Refused, ValueError) as error:  # a value that no fact can hold does not even reach the spool
        return str(error)


def test_other_kinds_cannot_smuggle_a_setting(place: Place) -> None:
    """A task or a rule with a section and key in it is malformed, and so is an edit that is not what was proposed."""
    smuggled = {"section": "policy", "key": "auto", "old": [], "new": ["New features"], "title": "t", "description": "d", "category": "Documentation"}
    for kind in ("task", "recipe", "check", "pattern", "rule", "magic"):
        assert "malformed" in (refused_of(place, "improvement.proposed", improvement=improvement(kind, smuggled)) or "")
    good = {"section": "windows.quick_win", "key": "on", "old": True, "new": False}
    assert refused_of(place, "improvement.proposed", improvement=improvement("setting", good)) is None
    for edit in (smuggled, good | {"section": "windows.weekend"}, None):
        assert refused_of(place, "improvement.accepted", improvement="i1234", edit=edit)
    with place.store.reading() as reader:
        assert [r["state"] for r in reader.rows("self_improver.improvements")] == ["proposed"]


def test_the_edit_itself_refuses_too(home: Path) -> None:
    """The function that writes the file looks at the same list, for the change and for its undo."""
    before = (home / "jarvis.toml").read_bytes()
    for section, key in [w for w in ALL if w not in MAY_CHANGE]:
        old = parse("").get(section, key)
        with pytest.raises(Refused, match="never changed by Jarvis"):
            change(home, section, key, old, old, now=NOW)
        with pytest.raises(Refused, match="never changed by Jarvis"):
            put_back(home, editing.Edit(section, key, old, old, "", "", ""), now=NOW)
    assert (home / "jarvis.toml").read_bytes() == before


def test_an_undo_that_was_tampered_with_cannot_write_another_key(home: Path) -> None:
    """The line before comes from a row; a second line smuggled into it is no line of this key, and nothing is written."""
    edit = change(home, "windows.quick_win", "on", True, False, now=NOW)
    before = (home / "jarvis.toml").read_bytes()
    for line in ("on = true\nstart = '00:00'", "on = true\n[policy]\nauto = []", "start = '00:00'"):
        evil = editing.Edit(**edit.to_json() | {"line_before": line, "kept": ""})
        with pytest.raises(Refused):
            put_back(home, evil, now=NOW)
    assert (home / "jarvis.toml").read_bytes() == before


# --- the text ------------------------------------------------------------------------------------------------------------

comments = st.sampled_from(["", "  # mine", " # 'quoted' # twice", "\t# ünïcödé", "# close"])
extra = st.lists(st.sampled_from(["", "# a note", "   ", "# [night]", '# reserve = 9 "x"']), max_size=3)


@st.composite
def files(draw: st.DrawFn) -> tuple[str, tuple[str, str]]:
    """A right jarvis.toml written in some way, and a key of the short list that it may set or leave at its default."""
    where = draw(st.sampled_from(sorted(GOOD)))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines: list[str] = list(draw(extra))
    sections = draw(st.permutations(["night", "predictors", "windows.quick_win", "windows.overnight", "person"]))
    for section in sections[: draw(st.integers(0, 5))]:
        lines.append(draw(st.sampled_from([f"[{section}]", f"[ {section} ]  # section", f"  [{section}]"])))
        lines += draw(extra)
        for own, key in sorted(GOOD):
            if own == section and draw(st.booleans()):
                value = {"reserve": "1.55", "off": "[]", "on": "true"}[key]
                lines.append(f"{draw(st.sampled_from(['', '  ']))}{key}{draw(st.sampled_from([' = ', '=', '  =   ']))}{value}{draw(comments)}")
        if section == "person" and draw(st.booleans()):
            lines.append('name = "A # not a comment"')
        lines += draw(extra)
    return end.join(lines) + (end if draw(st.booleans()) else ""), where


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(files())
def test_an_edit_changes_its_value_alone_and_its_undo_restores_every_byte(home: Path, written: tuple[str, tuple[str, str]]) -> None:
    """Whatever the comments, blanks, order and line ends, and whether the key or its section were there before."""
    text, where = written
    old, new = GOOD[where]
    path = home / "jarvis.toml"
    path.write_bytes(text.encode())
    edit = change(home, *where, old, new, now=NOW)
    expected = parse(text).values
    assert parse(path.read_text()).values == expected | {where[0]: expected[where[0]] | {where[1]: new}}
    put_back(home, edit, now=NOW)
    assert path.read_bytes() == text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "[night]\nreserve = [\n1.55]\n",
        "night.reserve = 1.55\n",
        "night = { reserve = 1.55 }\n",
        '[night]\n"reserve" = 1.55\n',
        "[night]\nreserve = 1.55\nreserve = 1.55\n",
        "[night]\nreserve = 'x'\n",
        "\ufeff[night]\nreserve = 1.55\n",
        "[night]\nreserve = 2.0\n",
        "garbage",
        "\x00",
    ],
)
def test_a_file_that_is_written_otherwise_is_left_as_it_is(home: Path, text: str) -> None:
    """Several lines, dotted or inline keys, another value by now, mistakes: one sentence, and not a byte changed."""
    path = home / "jarvis.toml"
    path.write_bytes(text.encode())
    with pytest.raises(Refused) as told:
        change(home, "night", "reserve", 1.55, 2.0 if "2.0" not in text else 3.0, now=NOW)
    assert path.read_bytes() == text.encode() and told.value.sentence.count("\n") == 0
    assert [p.name for p in home.iterdir() if p.name.endswith(".tmp")] == []


def test_a_line_of_several_values_is_not_touched_elsewhere(home: Path) -> None:
    """The comment behind stays, and so does a hash inside of a text."""
    path = home / "jarvis.toml"
    path.write_text('[predictors]\noff = ["a#b"]  # quiet # really\n')
    change(home, "predictors", "off", ["a#b"], ["a#b", "routine"], now=NOW)
    assert path.read_text() == '[predictors]\noff = ["a#b", "routine"]  # quiet # really\n'


# --- the file ------------------------------------------------------------------------------------------------------------


def test_a_read_only_file_is_not_written(home: Path) -> None:
    """Also by root, whom the mode would not stop."""
    path = home / "jarvis.toml"
    before = path.read_bytes()
    path.chmod(0o444)
    with pytest.raises(Refused, match="read-only"):
        change(home, "night", "reserve", 1.55, 2.0, now=NOW)
    assert path.read_bytes() == before and path.stat().st_mode & 0o777 == 0o444


def test_mode_and_link_stay(home: Path) -> None:
    """A linked file is changed where it lies, and keeps who may read it."""
    real = home / "elsewhere" / "mine.toml"
    real.parent.mkdir()
    real.write_text(template())
    real.chmod(0o600)
    (home / "jarvis.toml").unlink()
    (home / "jarvis.toml").symlink_to(real)
    change(home, "night", "reserve", 1.55, 2.0, now=NOW)
    assert (home / "jarvis.toml").is_symlink() and real.stat().st_mode & 0o777 == 0o600
    assert parse(real.read_text()).get("night", "reserve") == 2.0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_takes_nothing_changes_nothing(home: Path) -> None:
    """The old file must be kept before the new one is written."""
    before = (home / "jarvis.toml").read_bytes()
    (home / "data").mkdir()
    (home / "data/store.lock").touch()
    home.chmod(0o555)
    try:
        with pytest.raises((Refused, OSError)):
            change(home, "night", "reserve", 1.55, 2.0, now=NOW)
    finally:
        home.chmod(0o755)
    assert (home / "jarvis.toml").read_bytes() == before


def test_accept_tells_when_the_setting_has_moved(place: Place) -> None:
    """Edited since the suggestion: refused with both values; already as suggested: taken, and undo still works."""
    own = improvement("setting", {"section": "night", "key": "reserve", "old": 1.55, "new": 2.0})
    place.store.write(place.fact("improvement.proposed", at=NOW, improvement=own))
    path = place.home / "jarvis.toml"
    path.write_text(template().replace("reserve = 1.55", "reserve = 1.7"))
    with pytest.raises(Refused, match="is 1.7 now, not 1.55"):
        improver.accept(place, "i1234", now=NOW)
    path.write_text(template().replace("reserve = 1.55", "reserve = 2.0"))
    improver.accept(place, "i1234", now=NOW)
    with place.store.reading() as reader:
        assert json.loads(reader.rows("self_improver.improvements")[0]["edit"])["line_before"].startswith("reserve = 1.55  #")
    improver.undo(open_workspace(place.home, clock=lambda: NOW, actor="person:test"), "i1234", now=NOW)
    assert path.read_text() == template()


def test_undo_is_refused_where_the_line_was_edited_since(place: Place) -> None:
    """Also when only its comment was: the line is not what Jarvis left."""
    own = improvement("setting", {"section": "night", "key": "reserve", "old": 1.55, "new": 2.0})
    place.store.write(place.fact("improvement.proposed", at=NOW, improvement=own))
    improver.accept(place, "i1234", now=NOW)
    path = place.home / "jarvis.toml"
    for edited in ("reserve = 2.5", "reserve = 2.0  # I like this"):
        text = path.read_text()
        path.write_text(text.replace("reserve = 2.0", edited, 1))
        with pytest.raises(Refused, match="left as it is"):
            improver.undo(place, "i1234", now=NOW)
        path.write_text(text)
    assert "again" in improver.decline(place, "i1234", now=NOW)


def test_a_refused_acceptance_puts_the_file_back(place: Place) -> None:
    """The file is written first; where the fact is then refused (here: by who acts), the line goes back."""
    own = improvement("setting", {"section": "night", "key": "reserve", "old": 1.55, "new": 2.0})
    place.store.write(place.fact("improvement.proposed", at=NOW, improvement=own))
    before = (place.home / "jarvis.toml").read_bytes()
    agent = open_workspace(place.home, clock=lambda: NOW, actor="agent:codex")
    with pytest.raises(Refused, match="Only a person"):
        improver.accept(agent, "i1234", now=NOW)
    assert (place.home / "jarvis.toml").read_bytes() == before


def test_settings_are_changed_between_sessions_only(place: Place) -> None:
    """While a session is at work, accepting and taking back wait for its end; it would put the file back, and ask about everything that ran."""
    own = improvement("setting", {"section": "night", "key": "reserve", "old": 1.55, "new": 2.0})
    place.store.write(place.fact("improvement.proposed", at=NOW, improvement=own))
    before = (place.home / "jarvis.toml").read_bytes()
    with only_session(place), pytest.raises(Refused, match="A session is running") as told:
        improver.accept(place, "i1234", now=NOW)
    assert told.value.code == "busy" and (place.home / "jarvis.toml").read_bytes() == before
    improver.accept(place, "i1234", now=NOW)
    with only_session(place), pytest.raises(Refused, match="A session is running"):
        improver.undo(place, "i1234", now=NOW)


def test_the_spool_is_no_way_around(place: Place) -> None:
    """A file laid there by hand, not through the store: refused at the drain, told in the list of refusals, no row."""
    bad = improvement("setting", {"section": "policy", "key": "auto", "old": [], "new": ["New features"]})
    spool.put(place.home, place.fact("improvement.proposed", at=NOW, improvement=bad))
    with place.store.reading() as reader:
        assert reader.rows("self_improver.improvements") == []
    assert "yours alone" in (place.store.append(place.fact("improvement.proposed", at=NOW, improvement=bad))[0].refused or "")
