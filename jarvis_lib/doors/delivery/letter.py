"""What does a message say? The same values for email, apprise and the terminal, with as much in it as `[delivery] detail` lets out.

With `counts` it holds numbers and nothing that a task, a file or a person wrote; with `titles` also the titles of tasks and the report's headline;
with `full` the proof, the questions with the lines to copy, and the whole page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.fact import Refused, new_id
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.model.settings import Settings
from jarvis_lib.report import needs, proof
from jarvis_lib.report.clock import DAYS, MONTHS, time_of
from jarvis_lib.report.coverage import coverage
from jarvis_lib.report.parts import Card, RanRow
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
NAMES = {"morning": "", "evening": "Evening check-in: ", "weekend": "Weekend: ", "review": "The week: "}
TITLES = {"morning": "Morning brief", "evening": "Evening check-in", "weekend": "Weekend report", "review": "Weekly review", "alert": "Alert", "test": "Test"}
SPANS = {"evening": timedelta(hours=26), "weekend": timedelta(days=8), "review": timedelta(days=8)}
ROWS, CARDS = 8, 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a section: a sign, a word and a tone, what it is about, and further sentences and lines to copy."""

    sign: str
    word: str
    tone: str
    text: str
    more: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A section with a heading; `rest` says what was left out."""

    title: str
    lines: tuple[Line, ...]
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message. `key` is its own in all the world, so that a second copy of it can be known.

    `counts` are names with numbers, `week` days with what shipped on them; `page` is the file to attach, with `full` alone.
    """

    key: str
    kind: str
    subject: str
    kicker: str
    headline: str
    tone: str
    parts: tuple[Part, ...]
    counts: tuple[tuple[str, str], ...]
    week: tuple[tuple[str, int], ...]
    goal: tuple[float, float]
    footer: str
    page: Path | None = None


def letter(place: Place, reader: Reader, message: Row, *, now: datetime) -> Letter:
    """The letter of a message of the outbox. Refuses (missing) when what it tells of is not there any more."""
    return _alert(place, reader, message, now=now) if message["kind"] == "needs_you" else _report(place, reader, message, now=now)


def day_said(at: datetime, zone: ZoneInfo) -> str:
    """`Tue 24 Nov`, the same under every locale."""
    own = at.astimezone(zone)
    return f"{DAYS[own.weekday()]} {own.day} {MONTHS[own.month - 1]}"


def report_of(reader: Reader, about: str, zone: ZoneInfo, *, now: datetime) -> Row:
    """The newest report of a kind and a local day, such as `morning@2026-11-24`."""
    kind, _, day = about.partition("@")
    found = [r for r in reader.rows("delivery.reports", kind=kind, now=now, most=40) if f"{r['as_of'].astimezone(zone):%Y-%m-%d}" == day]
    if not found:
        raise Refused(f"There is no report {clean(about)[:40]} in the store any more.", code="missing")
    return found[0]


def _report(place: Place, reader: Reader, message: Row, *, now: datetime) -> Letter:
    zone, detail = place.zone, place.settings.get("delivery", "detail")
    report = report_of(reader, message["about"], zone, now=now)
    kind, as_of = report["kind"], report["as_of"]
    since = _since(place, reader, kind, as_of)
    found = reader.one("delivery.counts", since=since, now=as_of) or {}
    cards = _cards(reader, place.settings, since, as_of, zone)
    ran = proof.rows(reader.rows("report.endings", since=since, now=as_of), reader.rows("report.evidence_between", since=since, now=as_of))
    shipped = sum(r.status is proof.VERIFIED for r in ran)
    counts = counted(shipped, len(ran), len(cards))
    told = counts if NAMES[kind] else counts[:1].upper() + counts[1:]
    headline = shorten(clean(report["headline"]), 120) if detail != "counts" else counts[:1].upper() + counts[1:]
    page = _page(place, report) if detail == "full" else None
    return Letter(
        key=f"{message['key']}:{message['happening']}",
        kind=kind,
        subject=f"[Jarvis] {NAMES[kind]}{told} ({day_said(as_of, zone)})",
        kicker=f"{TITLES[kind]} · {day_said(as_of, zone)} · made {time_of(report['made_at'], zone)}",
        headline=headline,
        tone="info" if not ran else "ok" if shipped == len(ran) else "warn",
        parts=() if detail == "counts" else _parts(ran, cards, full=detail == "full"),
        counts=(
            ("Shipped", f"{shipped} of {len(ran)} tried"),
            ("Needs you", str(len(cards))),
            ("Problems fixed", str(found["fixed"])),
            ("Problems open", str(found["problems"])),
            ("In the queue", str(found["queued"])),
        ),
        week=_week(reader, as_of, zone),
        goal=tuple(place.settings.get("goals", "builds_per_day")),
        footer=_footer(detail, page is not None),
        page=page,
    )


def _since(place: Place, reader: Reader, kind: str, as_of: datetime) -> datetime:
    """Where the span of this report begins: for a brief as its page counts it, for another report at the last one of its kind."""
    if kind == "morning":
        return coverage(reader, now=as_of, zone=place.zone, home=place.home).since
    midnight = as_of.astimezone(place.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    before: datetime | None = (reader.one("delivery.report_before", kind=kind, before=midnight) or {}).get("as_of")
    return max(before, as_of - SPANS[kind]) if before else as_of - SPANS[kind]


def counted(shipped: int, tried: int, waiting: int) -> str:
    """`1 of 2 shipped; 3 need you`: the report in numbers alone."""
    did = f"{shipped} of {tried} shipped" if tried else "nothing ran"
    asks = f"{waiting} {'needs' if waiting == 1 else 'need'} you" if waiting else "nothing needs you"
    return f"{did}; {asks}"


def _cards(reader: Reader, settings: Settings, since: datetime, now: datetime, zone: ZoneInfo) -> list[Card]:
    """What the page shows under Needs you."""
    refused = reader.rows("report.additions_refused", since=since, now=now)
    return needs.open_cards(reader, settings, now=now, zone=zone) + needs.cards([], refused, now=now, zone=zone)


def _parts(ran: Sequence[RanRow], cards: Sequence[Card], *, full: bool) -> tuple[Part, ...]:
    ran = sorted(ran, key=lambda r: {"bad": 0, "warn": 1}.get(r.status.tone, 2))
    parts = []
    if cards:
        parts.append(Part(f"Needs you ({len(cards)})", tuple(_card(c, full=full) for c in cards[:CARDS]), _rest(len(cards) - CARDS, "jarvis inbox")))
    if ran:
        parts.append(Part("What ran", tuple(_ran(r, full=full) for r in ran[:ROWS]), _rest(len(ran) - ROWS, "jarvis queue report")))
    return tuple(parts)


def _rest(more: int, command: str) -> str:
    return f"and {more} more: {command}" if more > 0 else ""


def _card(card: Card, *, full: bool) -> Line:
    if not full:
        return Line("?", "asks you", "warn", card.title if card.kind != "fix" else "a fix of a problem")
    more = (card.what, f"If you do nothing: {card.do_nothing}.")
    return Line("?", "asks you", "warn", card.title, more, card.commands)


def _ran(row: RanRow, *, full: bool) -> Line:
    more = (*(p.rstrip(".") + "." for p in row.proof[:2]), f"{row.time}.") if full else ()
    return Line(row.status.sign, row.status.word, row.status.tone, row.title, more)


def _week(reader: Reader, as_of: datetime, zone: ZoneInfo) -> tuple[tuple[str, int], ...]:
    """The last seven local days with what shipped on each, the newest last."""
    today = as_of.astimezone(zone).date()
    days = [today - timedelta(days=n) for n in range(6, -1, -1)]
    found = reader.rows("delivery.shipped_at", since=as_of - timedelta(days=8), now=as_of)
    on = [r["shipped_at"].astimezone(zone).date() for r in found]
    return tuple((DAYS[d.weekday()], on.count(d)) for d in days)


def _page(place: Place, report: Row) -> Path | None:
    """The report's file, if it is one below reports/: a link or a path that leads anywhere else is not sent."""
    path = place.home / report["path"]
    return path if path.is_file() and path.resolve().is_relative_to(place.home.resolve() / "reports") else None


def _footer(detail: str, attached: bool) -> str:
    if attached:
        return "The whole page is attached. How much is sent: [delivery] detail in jarvis.toml."
    return f"The whole page is in reports/ on your machine. How much is sent: [delivery] detail in jarvis.toml ({detail})."


def _alert(place: Place, reader: Reader, message: Row, *, now: datetime) -> Letter:
    """One task that was stopped and escalated. It is told whatever the hour, because somebody may have to act before the morning."""
    detail, zone = place.settings.get("delivery", "detail"), place.zone
    happened = reader.one("delivery.happening", id=message["happening"])
    task = reader.one("delivery.task", id=message["about"])
    if happened is None or task is None:
        raise Refused(f"There is no task {clean(message['about'])[:20]} any more.", code="missing")
    at = time_of(happened["at"], zone)
    title = shorten(clean(task["title"]), 120)
    more = (shorten(clean(task["why"]), 400),) if detail == "full" else ()
    line = Line("!", "stopped", "bad", title, more, (f"jarvis show {task['id']}",) if detail == "full" else ())
    return Letter(
        key=f"{message['key']}:{message['happening']}",
        kind="alert",
        subject=f"[Jarvis] Stopped at {at}: a task needs you ({day_said(happened['at'], zone)})",
        kicker=f"Alert · {day_said(happened['at'], zone)} · {at}",
        headline="A task was stopped and waits for you" + (f": {title}" if detail != "counts" else "."),
        tone="bad",
        parts=() if detail == "counts" else (Part("What was stopped", (line,)),),
        counts=(),
        week=(),
        goal=(0, 0),
        footer=f"If you do nothing, it stays stopped. On your machine: jarvis inbox. How much is sent: [delivery] detail in jarvis.toml ({detail}).",
    )


def test_letter(place: Place, channel: str, *, now: datetime) -> Letter:
    """What `jarvis delivery test` sends: nothing of the person's work is in it."""
    detail = place.settings.get("delivery", "detail")
    quiet = place.settings.get("delivery", "quiet")
    lines = (
        Line("✓", "works", "ok", "This channel reaches you."),
        Line("·", "says", "info", f"Briefs and alerts will say: {detail}."),
        Line("·", "quiet", "info", f"Nothing but alerts is sent from {quiet.replace('-', ' to ')}." if quiet else "There are no quiet hours."),
    )
    return Letter(
        key=f"test:{new_id()}:{channel}",
        kind="test",
        subject=f"[Jarvis] A test of {channel} ({day_said(now, place.zone)})",
        kicker=f"Test · {day_said(now, place.zone)} · {time_of(now, place.zone)}",
        headline="This is a test, and it has arrived.",
        tone="ok",
        parts=(Part("This channel", lines),),
        counts=(),
        week=(),
        goal=(0, 0),
        footer="Sent because you asked for it: jarvis delivery test.",
    )


def as_text(letter: Letter) -> str:
    """The letter in plain lines."""
    lines = [letter.kicker, "", letter.headline]
    for part in letter.parts:
        lines += ["", part.title]
        for line in part.lines:
            lines += [f"  {line.sign} {line.text} ({line.word})", *(f"      {m}" for m in line.more), *(f"      $ {c}" for c in line.commands)]
        lines += [f"  {part.rest}"] if part.rest else []
    if letter.counts:
        lines += ["", *(f"{name}: {value}" for name, value in letter.counts)]
    if letter.week:
        lines += ["", "Shipped a day: " + ", ".join(f"{day} {count}" for day, count in letter.week)]
    return "\n".join([*lines, "", letter.footer, ""])


def as_note(letter: Letter, most: int = 1000) -> str:
    """The letter for a telephone: the questions numbered, at most `most` characters, no lines to copy and no paths.

    No @ either: in many services a title with @everyone would ring in all pockets.
    """
    asks = next((p for p in letter.parts if p.title.startswith(("Needs you", "What was stopped", "This channel"))), None)
    lines = [letter.headline]
    if asks:
        lines += [f"{n}. {line.text}" for n, line in enumerate(asks.lines, 1)]
        lines += [asks.rest.partition(":")[0]] if asks.rest else []
    if letter.counts:
        lines.append("; ".join(f"{name.lower()} {value}" for name, value in letter.counts))
    return shorten("\n".join(lines).replace("@", "(at)"), most)
