"""How is a question answered in a notebook? As lines for people, which JupyterLab shows with their commands ready to be copied."""

from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from jarvis_lib.lab.desk import desk
from jarvis_lib.model.extras import install_line
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural
from jarvis_lib.report.headings import heading

if TYPE_CHECKING:
    import polars as pl

PROPOSER = "notebook"
"""Who proposes: not the person, so that what a cell adds waits for a word in the terminal."""
_CODE = "font-family:var(--jp-code-font-family,monospace)"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: what it is about, its lines, the commands that would follow, and (of a proposal) the id of the task."""

    about: str
    lines: tuple[str, ...]
    commands: tuple[str, ...] = ()
    task: str = ""

    def __repr__(self) -> str:
        return "\n".join([*self.lines, *(f"  {c}" for c in self.commands)])

    def _repr_html_(self) -> str:
        lines = "".join(f'<div style="white-space:pre-wrap">{escape(line)}</div>' for line in self.lines)
        commands = "".join(f'<pre style="{_CODE};margin:.2em 0 .2em 1.5em;user-select:all">{escape(c)}</pre>' for c in self.commands)
        return f'<div aria-label="{escape(self.about)}">{lines}{commands}</div>'


@dataclass(frozen=True, slots=True)
class Shown:
    """A table to read, as JupyterLab shows it; in text it says what it holds."""

    html: str
    said: str

    def __repr__(self) -> str:
        return self.said

    def _repr_html_(self) -> str:
        return self.html


def next_tasks(count: int) -> Answer:
    """What the plan would have run next, at most `count`, with a sentence for each."""
    from jarvis_lib import build_scheduler
    from jarvis_lib.cli.cards import next_lines

    own = desk()
    with own.reading() as reader:
        answer = build_scheduler.next_of(reader, own.place.settings, own.place.zone, now=own.now(), count=count)
    return Answer("what comes next", tuple(next_lines(answer.to_json())))


def why(task: str) -> Answer:
    """How the task came to be where it stands: its decisions, moves and attempts. Refused when there is no such task."""
    from jarvis_lib import autonomous_queue

    own = desk()
    _on_the_store("why")
    return Answer("why", tuple(autonomous_queue.why(own.place, task, now=own.now())))


def inbox() -> Answer:
    """What waits for the person's decision, each with its commands."""
    from jarvis_lib import autonomous_queue
    from jarvis_lib.cli.cards import inbox_lines

    own = desk()
    with own.reading() as reader:
        cards = autonomous_queue.inbox_of(reader, own.place.settings, now=own.now())
        later = autonomous_queue.put_off_of(reader)
    return Answer("what needs you", tuple(inbox_lines(cards, later)) or ("Nothing needs you.",))


def add(title: str, description: str, hours: float | str, category: str, priority: str, **more: Any) -> Answer:
    """Propose a task, which the person approves in a terminal; a naive `due` is in the person's zone. Refused inside of an attempt."""
    from jarvis_lib import autonomous_queue
    from jarvis_lib.cli.shape import refuse_in_attempt

    refuse_in_attempt()
    _on_the_store("add")
    own = desk().place
    if isinstance(more.get("due"), str):
        due = datetime.fromisoformat(more["due"])
        more["due"] = due if due.tzinfo else due.replace(tzinfo=own.zone)
    made = autonomous_queue.add(replace(own, actor=PROPOSER), title, description, hours, category, priority, now=own.now(), **more)
    name = made.task.id
    commands = (f"jarvis approve {name}", f"jarvis show {name}", f"jarvis decline {name}")
    return Answer("a proposal", (made.said, "To let it run, say so in a terminal:"), commands, name)


def _on_the_store(what: str) -> None:
    if desk().snapshot is not None:
        raise Refused(f"jarvis.{what} asks the store itself, and this notebook reads a snapshot; choose the workspace with jarvis.use(HOME).")


def show(frame: "pl.DataFrame", title: str, *, rows: int) -> Shown:
    """The table. Great-tables escapes what stands in it, so what a task wrote is read and never run; a test looks."""
    try:
        from great_tables import GT
    except ModuleNotFoundError as error:
        raise Refused(f"jarvis.show needs great-tables; install it with: {install_line('lab')}", code="failed") from error
    said = f"{clean(title) + ': ' if title else ''}{plural(frame.height, 'row')}, {plural(frame.width, 'column')}"
    if not frame.width:
        return Shown(f"<p>{escape(said)}</p>", said)
    table: Any = GT(_told(frame.head(rows)))
    if title:
        table = table.tab_header(title=clean(title))
    if frame.height > rows:
        table = table.tab_source_note(f"The first {rows} of {frame.height:,} rows.")
    return Shown(table.as_raw_html(inline_css=False), said)


def _told(frame: "pl.DataFrame") -> "pl.DataFrame":
    """Every value as text but for numbers, which the table aligns; a column of numbers is rounded to what can be read."""
    import polars as pl

    cells: list[pl.Series] = []
    for column in frame.iter_columns():
        kind = column.dtype
        if kind.is_integer():
            told = column
        elif kind.is_float():
            told = column.round_sig_figs(4)
        elif isinstance(kind, pl.Datetime):
            told = column.dt.to_string("%a %d %b %Y %H:%M")
        else:
            told = pl.Series(column.name, [None if v is None else clean(str(v)) for v in column], dtype=pl.String)
        cells.append((told.fill_null("") if told.dtype == pl.String else told).alias(_free(heading(clean(column.name)), cells)))
    return pl.DataFrame(cells)


def _free(word: str, cells: "list[pl.Series]") -> str:
    """The heading, with a number where another column has it already."""
    taken = sum(c.name == word or c.name.startswith(f"{word} (") for c in cells)
    return f"{word} ({taken + 1})" if taken else word
