"""How lists look: they fit the width, cut by an ellipsis, whole in a pipe, and a word says what a colour says."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.cli.render import Column, card, cut, listing, plain, span, table

COLUMNS = (Column("id", "ID"), Column("hours", "HOURS", "hours"), Column("title", "TITLE", grow=True), Column("at", "AT"))
AT = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")


def test_a_pipe_gets_whole_values_and_exact_times() -> None:
    rows = [{"id": "a", "hours": 1.25, "title": "x\ty\nz" + "w" * 300, "at": AT}, {"id": "b", "hours": None, "title": "", "at": None}]
    first, second = listing(rows, COLUMNS, zone=ZONE, terminal=False)
    assert first == f"a\t1.25\tx y z{'w' * 300}\t2026-11-24T23:30:00+01:00"
    assert second == "b\t\t\t"


@given(st.lists(st.text(max_size=80), min_size=1, max_size=5), st.integers(45, 120))
def test_no_line_is_wider_than_the_terminal(titles: list[str], width: int) -> None:
    rows = [{"id": "k3f9x2m1qa", "hours": 2.0, "title": t, "at": AT} for t in titles]
    assert all(span(line) <= max(width, 50) for line in table(rows, COLUMNS, zone=ZONE, width=width))


def test_columns_stand_below_their_heads() -> None:
    head, row = (click.unstyle(line) for line in table([{"id": "a", "hours": 2.0, "title": "日本語", "at": AT}], COLUMNS, zone=ZONE, width=100))
    assert head == "ID  HOURS  TITLE   AT"
    assert row == "a   2.0 h  日本語  Tue 24 Nov 23:30"


def test_a_cut_shows() -> None:
    assert cut("abcdef", 4) == "abc…" and cut("日本語", 4) == "日…" and cut("abcd", 4) == "abcd"


def test_a_card_leaves_out_what_is_empty() -> None:
    assert card([("a", 1), ("long", "x\ny"), ("none", None), ("empty", [])], zone=UTC) == ["a     1", "long  x", "      y"]


def test_json_values_are_plain() -> None:
    assert plain({"at": AT, "n": float("nan"), "t": (1, "a")}) == {"at": "2026-11-24T22:30:00.000000Z", "n": None, "t": [1, "a"]}
