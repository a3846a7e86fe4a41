"""Times and spans that a person types: read with certainty, or refused."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jarvis_lib.cli.moments import minutes, read
from jarvis_lib.model.fact import Refused

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ahead", "utc"),
    [
        ("2026-11-24 23:30", False, "2026-11-24T22:30"),
        ("2026-07-01 23:30", False, "2026-07-01T21:30"),
        ("2026-11-24T23:30:15Z", False, "2026-11-24T23:30:15"),
        ("2026-11-24T23:30+02:00", False, "2026-11-24T21:30"),
        ("06:30", False, "2026-11-24T05:30"),
        ("06:30", True, "2026-11-25T05:30"),
        ("2026-11-24", False, "2026-11-23T23:00"),
        ("2026-11-24", True, "2026-11-24T22:59"),
    ],
)
def test_a_time_is_read_on_the_local_clock(text: str, ahead: bool, utc: str) -> None:
    assert read(text, BERLIN, now=NOW, option="--at", ahead=ahead) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "utc"),
    [("tomorrow 19:00", "2026-11-25T18:00"), ("fri-17:00", "2026-11-27T16:00"), ("+3d", "2026-11-27T22:59"), ("today-18:00", "2026-11-24T17:00")],
)
def test_a_time_to_come_takes_the_words_of_a_due_date(text: str, utc: str) -> None:
    """What reads two ways is refused by the option's own name."""
    assert read(text, BERLIN, now=NOW, option="--until", ahead=True) == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    for unclear in ("next-fri", "whenever"):
        with pytest.raises(Refused, match="--until") as caught:
            read(unclear, BERLIN, now=NOW, option="--until", ahead=True)
        assert "due:" not in caught.value.sentence


@pytest.mark.parametrize("text", ["", "x", "tomorrow", "24.11.2026", "12/01", "2026-02-30", "25:00", "2026-11-24 9:00", "0001-01-01T00:00+23:00", "20261124"])
def test_what_is_not_certain_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not a time") as caught:
        read(text, BERLIN, now=NOW, option="--at")
    assert caught.value.code == "usage"


@pytest.mark.parametrize(("text", "expected"), [("10m", 10), ("10", 10), ("1h30m", 90), ("2h", 120), ("90s", 1.5), ("10 min", 10)])
def test_a_span_is_read_in_minutes(text: str, expected: float) -> None:
    assert minutes(text, option="--for") == expected


@pytest.mark.parametrize("text", ["", "0", "soon", "-5m", "1d", "0h"])
def test_a_span_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not a span"):
        minutes(text, option="--for")
