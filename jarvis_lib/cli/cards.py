"""How is one thing told on a terminal? Lines for a task, the inbox, a report, a session."""

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Any

import click

from jarvis_lib.cli.render import card, local
from jarvis_lib.model.prose import clean, hours, listed, plural, seconds
from jarvis_lib.model.window import SAID

MOST_PUT_OFF = 5


def task_card(data: Mapping[str, Any], *, zone: tzinfo) -> list[str]:
    """One task: its content, its decisions and its attempts with their evidence."""
    row, content = data["task"], data["task"]["content"]
    lines = card(
        [
            ("id", row["id"]),
            ("title", row["title"]),
            ("state", data["said"] if data["said"].startswith(row["state"]) else f"{row['state']}: {data['said']}"),
            ("why", row["why"]),
            ("category", f"{row['category']}, {row['priority']}, {hours(row['hours'])}"),
            ("recipe", _recipe(content["recipe"])),
            ("checks", "\n".join(f"{c['command']} ({c['origin']})" if c["origin"] != "person" else c["command"] for c in content["checks"])),
            ("measures", "\n".join(m["command"] for m in content["measures"])),
            ("changes", content["changes"]),
            ("repository", content.get("repo", "")),
            ("grants", [*(["network"] if content.get("network") else []), *(f"secret {n}" for n in content.get("secrets", ()))]),
            ("after", content["after"]),
            ("due", row["due"]),
            ("comes again", data["series"]["said"] if data["series"] else ""),
            ("imported", _imported(data["imported"], row["state"])),
            ("added", f"{local(row['added_at'], zone)} by {row['actor']}"),
            ("describes", row["description"]),
        ],
        zone=zone,
    )
    for d in data["decisions"]:
        lines.append(clean(f"{local(d['at'], zone)}  decided {d['verdict']}: {'; '.join(d['reasons'])}"))
    for a in data["attempts"]:
        lines += _attempt(a, [e for e in data["evidence"] if e["attempt"] == a["id"]], zone)
        lines += [f"    {line}" for line in _calls(a["id"], data["calls"], data["grants"])]
    newest = data["attempts"][-1] if data["attempts"] else None
    if newest is not None and newest["branch"] and newest["ended_at"] is not None:
        base, commit = newest["base_sha"][:10], newest["commit_sha"][:10]
        lines.append(clean(f"Look at it: git -C {content.get('repo', '')} diff {base} {commit}"))
    return lines


def _imported(own: Mapping[str, Any] | None, state: str) -> str:
    """What it was where it came from; its word there is no evidence here."""
    if own is None:
        return ""
    named = f" as {own['old_id']}" if own["old_id"] else ""
    proof = "; without evidence (unverified)" if state == "accepted" else ""
    return f"from {own['file']}{named}, {own['said'] or 'without a state'} there{proof}"


def _calls(attempt: str, calls: Sequence[Mapping[str, Any]], grants: Sequence[Mapping[str, Any]]) -> list[str]:
    """What agents used, and what the attempt was granted beyond its own place."""
    lines = []
    for c in calls:
        if c["attempt"] == attempt:
            tokens = f"{c['tokens_in']:,} tokens in, {c['tokens_out'] or 0:,} out" if c["tokens_in"] is not None else "tokens unknown"
            cost = f"{c['cost']:.4f} $" if c["cost"] is not None else "cost unknown"
            lines.append(clean(f"· call {c['agent']} {c['version']}: {tokens}, {cost}; session {c['session_id'] or 'none'}"))
    return lines + [clean(f"· granted {g['what']}: {g['why']}") for g in grants if g["attempt"] == attempt]


def _recipe(recipe: Mapping[str, Any] | None) -> str:
    if recipe is None:
        return "none yet"
    if recipe["kind"] == "agent":
        return f"agent {recipe.get('agent') or '(the first that may work)'}"
    by = " (default of its category)" if recipe["origin"] == "default" else ""
    given = "".join(f"\n{name} = {value}" for name, value in recipe["parameters"].items())
    return f"{recipe['notebook'] or recipe['shell'] or ' '.join(recipe['argv'])}{by}{given}"


def _attempt(a: Mapping[str, Any], evidence: Sequence[Mapping[str, Any]], zone: tzinfo) -> list[str]:
    head = f"{local(a['claimed_at'], zone)}  attempt {a['n']} "
    if a["ended_at"] is None:
        return [f"{head}runs, log {a['log']}"]
    took = f" after {seconds(a['seconds'])}" if a["seconds"] is not None else ""
    lines = [clean(f"{head}{a['outcome']}{took}, {_verdict(a['verdict'])}: {a['verdict_why']}")]
    return lines + ["    " + clean(f"{_sign(e['ok'])} {_named(e)}: {e['said']}") for e in evidence]


def _named(e: Mapping[str, Any]) -> str:
    return str(e["kind"] if e["name"] == e["kind"] else f"{e['kind']} {e['name']}")


def _verdict(word: str | None) -> str:
    return word if word and word != "none" else "without a verdict"


def _sign(ok: bool | None) -> str:
    return "·" if ok is None else "+" if ok else "-"


def inbox_lines(cards: Sequence[Mapping[str, Any]], put_off: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """Each waiting thing: what, what happens without you, commands; then in a line of its own what you put off without an end, which is not counted."""
    named = listed([f"{clean(p['title'])} ({p['task']})" for p in put_off[:MOST_PUT_OFF]])
    more = f" and {len(put_off) - MOST_PUT_OFF} more (jarvis list --state parked)" if len(put_off) > MOST_PUT_OFF else ""
    aside = ["", f"Put off until you bring it back: {named}{more}.", f"  $ {put_off[0]['command']}"] if put_off else []
    if not cards:
        return ["Nothing needs you.", *aside]
    lines = [f"{plural(len(cards), 'thing')} {'needs' if len(cards) == 1 else 'need'} you."]
    for c in cards:
        lines += ["", f"{c['task'] or '!'}  {clean(c['title'])}", f"  {clean(c['what'])}", f"  If you do nothing: {c['do_nothing']}."]
        lines += [f"  $ {clean(line)}" for line in c["commands"]]
    return [*lines, *aside]


def plan_lines(rows: Sequence[Mapping[str, Any]], *, zone: tzinfo) -> list[str]:
    """The plan window by window, each task with its reason; then what was left out."""
    lines: list[str] = []
    head = ""
    for r in rows:
        group = _window(r["window"]) if r["window"] else "Reserves, taken when time is left" if r["reserve"] else "Not planned"
        if group != head:
            lines += [*([""] if lines else []), click.style(group, bold=True)]
            head = group
        when = f"{local(r['start'], zone)} to {r['end'].astimezone(zone):%H:%M}  " if r["start"] else ""
        lines += [f"  {when}{r['task']}  {clean(r['title'])} ({hours(r['hours'])}, {r['priority']})", *indented(r["sentence"])]
    return lines


def _window(key: str) -> str:
    """`Overnight of Tue 24 Nov` from a window's key."""
    kind, _, day = key.partition("@")
    try:
        return f"{SAID.get(kind, clean(kind))} of {date.fromisoformat(day):%a %d %b}"
    except ValueError:
        return clean(key)


def next_lines(answer: Mapping[str, Any]) -> list[str]:
    """What comes next with its reasons, and what was passed over."""
    lines = [answer["said"]]
    for number, c in enumerate(answer["chosen"], 1):
        lines += [clean(f"{number}. {c['task']}  {c['title']} ({hours(c['hours'])}, {c['priority']})"), *indented(c["sentence"])]
    if answer["passed"]:
        lines += ["Not now:"]
    for c in answer["passed"]:
        lines += [f"   {clean(c['task'])}  {clean(c['title'])}", *indented(c["sentence"])]
    return lines


def stats_lines(data: Mapping[str, Any]) -> list[str]:
    """The counts, the rate with its denominator, hours planned against real, how often forecasts held; then the same by category and window."""
    rate = data["completion_rate"]
    counted = f"{data['completed']} completed / ({data['completed']} completed + {data['failed']} failed)"
    shown = f"{rate:.0%} = {counted}" if rate is not None else "n/a, nothing has ended"
    others = [(word, data[word]) for word in ("running", "parked", "review", "proposed", "dropped", "undone") if data[word]]
    lines = card(
        [
            ("total", data["total"]),
            ("queued", f"{data['queued']} ({data['hours_queued']:.1f} h)"),
            ("completed", f"{data['completed']} ({data['shipped']} shipped, {data['accepted']} accepted)"),
            ("failed", str(data["failed"])),
            *((word, str(count)) for word, count in others),
            ("completion rate", shown),
            ("hours", f"{data['hours_planned']:.1f} h planned, {data['hours_real']:.2f} h real, for what was completed"),
            ("forecasts", data["forecasts"]["said"]),
        ],
        zone=UTC,
    )
    return [*lines, *_groups("category", data["by_category"]), *_groups("window", data["by_window"])]


def _groups(name: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """`Documentation  12 of 13 completed, 14.0 h planned, 18.2 h real, 9 of 11 no longer than foreseen (82%)`, in columns."""
    if not rows:
        return []
    words = [clean(SAID.get(r[name], r[name])) for r in rows]
    width = max(len(w) for w in words)
    lines = ["", f"By {name}"]
    for word, r in zip(words, rows, strict=True):
        held = f", {r['held_p80']} of {r['scored']} no longer than foreseen ({r['held_p80'] / r['scored']:.0%})" if r["scored"] else ""
        ended = r["completed"] + r["failed"]
        lines.append(f"  {word:<{width}}  {r['completed']} of {ended} completed, {r['hours_planned']:.1f} h planned, {r['hours_real']:.2f} h real{held}")
    return lines


def indented(sentence: str, by: int = 6) -> list[str]:
    """The sentence in lines that fit the terminal, each moved in."""
    width = max(shutil.get_terminal_size((100, 24)).columns - by, 30)
    return [f"{' ' * by}{line}" for line in textwrap.wrap(clean(sentence), width)]


def context_lines(found: Any, *, zone: tzinfo) -> list[str]:
    """One context: what, until when, how sure, and what it allows."""
    allows = found.allows
    start = f"work may start, up to {plural(allows.lanes, 'attempt')} at once" if allows.start_work else "no work is started"
    lines = [f"{found.state} until {local(found.until, zone)} ({found.confidence:.0%} sure)"]
    what = allows.first if allows.only else f"first {allows.first}"
    lines.append(f"  {start}; {what}; {'notifications may come' if allows.notify else 'no notifications'}")
    return lines + [f"  {why}" for why in found.why]


def queue_report(data: Mapping[str, Any]) -> list[str]:
    """The last hours in short."""
    verdicts = listed([f"{count} {_verdict(word)}" for word, count in sorted(data["verdicts"].items())]) or "no verdicts"
    lines = [
        f"Last {data['hours']:g} h: {plural(data['added'], 'task')} added, {plural(data['attempts'], 'attempt')} ended ({verdicts}), "
        f"{len(data['running'])} running, {data['waiting']} waiting for you."
    ]
    lines += ["  " + clean(f"{e['task']}  {e['title']}: {e['outcome']}, {_verdict(e['verdict'])}. {e['why']}") for e in data["ended"]]
    return lines + ["  " + clean(f"running: {name}") for name in data["running"]]


def session_report(data: Mapping[str, Any], *, zone: tzinfo) -> list[str]:
    """The record of one session."""
    ended: datetime | None = data["ended_at"]
    lines = card(
        [
            ("session", data["session_id"]),
            ("window", data["window"]),
            ("time", f"{local(data['started_at'], zone)} to {local(ended, zone) if ended else 'now'}, {data['outcome']}"),
            ("said", data["said"]),
            ("tasks", f"{data['tasks_spawned']} started, {data['tasks_completed']} completed (verified), {plural(data['attempts'], 'attempt')}"),
            ("hours", f"{data['hours']:.2f} h open, {data['task_hours']:.2f} h of tasks"),
            ("isolation", data["isolation"]),
        ],
        zone=zone,
    )
    lines += ["  " + clean(f"{t['task']}  {t['title']}: {t['outcome'] or 'runs'}, {_verdict(t['verdict'])}. {t['verdict_why'] or ''}") for t in data["tasks"]]
    lines += ["  " + clean(f"fix: {f['said']} ({'re-checked' if f['verified'] else 'not verified'})") for f in data["fixes"]]
    ends = [p for p in data["phases"] if p["event"] == "ended"]
    return lines + [f"  {p['name']:<9} {seconds(p['seconds'] or 0):>8}  {clean(p['said'])}" for p in ends]


def session_status(data: Mapping[str, Any]) -> list[str]:
    """Is a session open, and what runs in it?"""
    return [data["said"], *("  " + clean(f"{r['task']}  {r['title']}: {r['elapsed']}, {r['said']}. {r['last_line']}") for r in data["running"])]
