"""How is a report told in a terminal: as text, as a page under reports/, or both?"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from jarvis_lib.cli.shape import Run

if TYPE_CHECKING:
    from pathlib import Path

Values = TypeVar("Values")

HTML = click.option("--html", is_flag=True, help="Only make the page under reports/ and print its path.")
NO_PAGE = click.option("--no-page", is_flag=True, help="Only the text.")


def tell(
    run: Run,
    schema: str,
    values: Callable[..., Values],
    text: Callable[[Values, int], str],
    page: "Callable[..., Path]",
    *,
    html: bool,
    no_page: bool,
    name: str = "report",
) -> int:
    """The values as text, unless only the page is wanted; then the page, unless --no-page, --json or --at say that nothing is written.

    1 when the page could not be made and is only its text.
    """
    if not html:
        found = values(run.place, as_of=run.now)
        run.show(schema, found, text(found, run.width).splitlines())
    if not html and (no_page or run.as_json or run.is_about_another_time):
        return 0
    path = page(run.place, as_of=run.now, say=run.note)
    run.say(f"{path}", **{name: path}) if html else run.note(f"Page: {path}")
    return 1 if path.suffix == ".txt" else 0
