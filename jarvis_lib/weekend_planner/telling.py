"""What came of the weekend, and of the week? Each report as values, and as a page under reports/."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from jarvis_lib.execution import postman
from jarvis_lib.report.making import make_page
from jarvis_lib.report.publish import review_path, weekend_path
from jarvis_lib.report.review import compose_review
from jarvis_lib.report.review_parts import Review
from jarvis_lib.report.review_text import review_text
from jarvis_lib.report.weekend import compose_weekend
from jarvis_lib.report.weekend_parts import WeekendReport
from jarvis_lib.report.weekend_text import weekend_text
from jarvis_lib.store.place import Place
from jarvis_lib.store.snapshot import open_snapshot

NOTEBOOK = Path("notebooks/reports/weekend_report.ipynb")
REVIEW_NOTEBOOK = Path("notebooks/reports/weekly_review.ipynb")


def summary(place: Place, *, as_of: datetime) -> WeekendReport:
    """The weekend report as values, straight from the store; also of an empty store and of a weekend in which nothing ran."""
    with place.store.reading() as reader:
        return compose_weekend(reader, now=as_of, zone=place.zone, settings=place.settings, home=place.home)


def make_summary(place: Place, *, as_of: datetime, out: Path | None = None, say: Callable[[str], None] = lambda line: None) -> Path:
    """Run the report's notebook on a snapshot and publish its page; the path. A notebook that cannot run leaves the report as text."""
    snapshot = place.store.snapshot()
    with open_snapshot(snapshot) as reader:
        values = compose_weekend(reader, now=as_of, zone=place.zone, settings=place.settings, home=place.home)
    target = out or weekend_path(place.home, values.weekend)
    made, fact = make_page(
        place, NOTEBOOK, kind="weekend", snapshot=snapshot, as_of=as_of, target=target, instead=lambda: (values.headline, weekend_text(values)), say=say
    )
    place.store.append(fact)
    postman.call(place.home, place.settings)
    return made


def review(place: Place, *, as_of: datetime) -> Review:
    """The weekly review as values, straight from the store: from Sunday noon on of the week that ends, before that of the last whole one."""
    with place.store.reading() as reader:
        return compose_review(reader, now=as_of, zone=place.zone, settings=place.settings, home=place.home)


def make_review(place: Place, *, as_of: datetime, out: Path | None = None, say: Callable[[str], None] = lambda line: None) -> Path:
    """Run the review's notebook on a snapshot and publish its page; the path. A notebook that cannot run leaves the review as text."""
    snapshot = place.store.snapshot()
    with open_snapshot(snapshot) as reader:
        values = compose_review(reader, now=as_of, zone=place.zone, settings=place.settings, home=place.home)
    target = out or review_path(place.home, values.week)
    made, fact = make_page(
        place, REVIEW_NOTEBOOK, kind="review", snapshot=snapshot, as_of=as_of, target=target, instead=lambda: (values.headline, review_text(values)), say=say
    )
    place.store.append(fact)
    postman.call(place.home, place.settings)
    return made
