"""Frames have fixed columns and the person's clock; charts draw offline and say when there is nothing to draw."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.model.prose import clean
from jarvis_lib.report import charts, frames
from jarvis_lib.store.place import Place
from tests.report_nights import START, good_night

READERS = ("tasks", "attempts", "sessions", "phases", "decisions", "problems", "last_night")


@pytest.mark.parametrize("name", READERS)
def test_columns_do_not_depend_on_rows(place: Place, name: str) -> None:
    """An empty store gives the same columns and types as a full one."""
    with place.store.reading() as reader:
        empty = getattr(frames, name)(reader, zone=place.zone)
    good_night(place)
    with place.store.reading() as reader:
        full = getattr(frames, name)(reader, zone=place.zone)
    assert empty.is_empty() and not full.is_empty()
    assert empty.schema == full.schema


def test_times_carry_the_zone(place: Place) -> None:
    """The claim of the first attempt, on the local clock."""
    good_night(place)
    with place.store.reading() as reader:
        first = frames.sessions(reader, zone=place.zone)["opened_at"][0]
    assert first == START and first.tzinfo is not None


@given(
    st.lists(
        st.one_of(st.none(), st.text(alphabet=st.one_of(st.sampled_from(" a\t\n\x1b[31m\u202e\ufeff\x85\xa0é"), st.characters(codec="utf-8")))), max_size=6
    )
)
def test_a_column_is_cleaned_as_one_text_is(texts: list[str | None]) -> None:
    """What looks plain and is not touched would not have been changed."""
    frame = frames.harmless(pl.DataFrame({"title": texts}, schema={"title": pl.String}), ["title"])
    assert frame["title"].to_list() == [None if t is None else clean(t) for t in texts]


def test_foreign_text_is_harmless(place: Place) -> None:
    from tests.facts import added, task

    place.store.write(added(place, task("red \x1b[31m title")))
    with place.store.reading() as reader:
        assert frames.tasks(reader)["title"].to_list() == ["red title"]


def test_the_renderer_draws_without_a_network(place: Place) -> None:
    """What JupyterLab ships, an SVG beside it, and no address in it but the names of formats."""
    good_night(place)
    with place.store.reading() as reader:
        chart = charts.night(frames.last_night(reader, zone=place.zone))
    bundle, _ = charts.render(chart.to_dict())
    assert set(bundle) == {"application/vnd.vegalite.v5+json", "image/svg+xml", "text/plain"}
    assert "3 of 4 attempts verified" in bundle["image/svg+xml"]
    assert "✗ refuted" in bundle["image/svg+xml"]
    assert "src=" not in bundle["image/svg+xml"]


def test_empty_charts_say_so(place: Place) -> None:
    with place.store.reading() as reader:
        night, tasks = frames.last_night(reader), frames.tasks(reader)
    assert "No attempt was started." in charts.render(charts.night(night).to_dict())[0]["image/svg+xml"]
    assert "No task yet" in charts.render(charts.states(tasks).to_dict())[0]["image/svg+xml"]
