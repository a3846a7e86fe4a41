"""What is to be told, on which channel, and when? The outbox is rows: what happened and was not told yet becomes a message, once for its channel."""

from datetime import datetime, timedelta
from typing import Any

from jarvis_lib import context_scheduler
from jarvis_lib.model.delivery import CHANNELS, HOOKS, REPORTS, hook_channel, is_address, quiet_until, switched_on
from jarvis_lib.model.fact import Refused, digest, moment, stamp
from jarvis_lib.model.prose import clean
from jarvis_lib.report.clock import when
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
FIRST_LOOK = timedelta(hours=1)
"""A channel that is new is told what happened in this span before it was first seen, so that the brief just made arrives, and not the whole past."""
LOOK_BACK = timedelta(days=3)
STALE = timedelta(hours=18)
"""A report older than this is not sent any more; the next one covers its time."""
ACTOR = "delivery"


def coming(reader: Reader, place: Place, *, now: datetime) -> list[Row]:
    """The messages that are due to be put into the outbox, as the data of their facts; nothing is written."""
    known = {r["name"]: r["since"] for r in reader.rows("delivery.channels")}
    found: list[Row] = []
    for channel in switched_on(place.settings.values):
        since = max(known.get(channel, now - FIRST_LOOK), now - LOOK_BACK)
        kinds = _kinds(place, channel)
        for happened in reader.rows("delivery.happened", channel=channel, since=since, now=now, kinds=kinds):
            row = _message(place, channel, happened, now)
            if row is not None and reader.one("delivery.message", key=row["key"]) is None and row["key"] not in {r["key"] for r in found}:
                found.append(row)
    return found


def queue_new(place: Place, *, now: datetime) -> int:
    """Open the channels that are new and put what is to be told into the outbox; how many messages that were."""
    with place.store.reading() as reader:
        known = {r["name"] for r in reader.rows("delivery.channels")}
        rows = coming(reader, place, now=now)
    facts = [
        place.fact("delivery.opened", actor=ACTOR, at=now, channel=channel, since=stamp(now - FIRST_LOOK))
        for channel in switched_on(place.settings.values)
        if channel not in known
    ]
    facts += [place.fact("delivery.queued", actor=ACTOR, at=now, **row) for row in rows]
    if facts:
        place.store.append(*facts)
    return len(rows)


def _kinds(place: Place, channel: str) -> list[str]:
    if channel not in CHANNELS:
        return [channel.partition(":")[2]]
    return ["report", *(["needs_you"] if place.settings.get("delivery", "alerts") else [])]


def _message(place: Place, channel: str, happened: Row, now: datetime) -> Row | None:
    """The message of this happening for this channel, or None when it is none for it."""
    about, is_hook = happened["about"], channel not in CHANNELS
    key = f"{happened['id']}:{channel}"
    if happened["kind"] == "report":
        kind, _, told = about.partition("@")
        as_of = moment(told)
        if kind not in place.settings.get("delivery", "reports") or as_of < now - STALE:
            return None
        about = f"{kind}@{as_of.astimezone(place.zone):%Y-%m-%d}"
        key = f"{about}:{channel}"
    elif not is_hook and not happened["alert"]:
        return None
    alert = bool(happened["alert"]) and not is_hook
    return {"key": key, "happening": happened["id"], "channel": channel, "kind": happened["kind"], "about": about, "alert": alert}


def held_until(place: Place, row: Row, *, now: datetime) -> datetime | None:
    """Until when this message waits for the person to be up: in the quiet hours, and on a telephone while they want no notifications. None: not at all.

    Alerts and hooks never wait.
    """
    if row["alert"] or row["channel"] not in CHANNELS:
        return None
    quiet = quiet_until(place.settings.get("delivery", "quiet"), now, place.zone)
    if quiet is None and row["channel"] == "apprise":
        context = context_scheduler.detect(place, now=now)
        quiet = None if context.allows.notify else context.until
    return quiet


def stale(reader: Reader, place: Place, row: Row, *, now: datetime) -> str:
    """Why this message is not worth sending any more, or nothing."""
    if row["channel"] not in switched_on(place.settings.values):
        return f"{row['channel']} is switched off now"
    if row["kind"] == "report" and row["tries"] == 0 and now - row["queued_at"] > STALE:
        return "it waited for longer than a report is worth"
    if row["alert"]:
        task = reader.one("delivery.task", id=row["about"])
        if task is None or (task["state"], task["parked_kind"]) != ("parked", "escalated"):
            return "it was answered meanwhile"
    return ""


def listing(place: Place, *, now: datetime, most: int = 50) -> list[Row]:
    """The newest messages with what became of them, and the files that are always made, newest first."""
    with place.store.reading() as reader:
        rows = reader.rows("delivery.listing", now=now, most=most)
        files = reader.rows("delivery.files", kinds=list(REPORTS), now=now, most=most)
    found = [_told(place, row, now) for row in rows] + [_file(place, row) for row in files]
    return sorted(found, key=lambda r: r["at"], reverse=True)[:most]


def _told(place: Place, row: Row, now: datetime) -> Row:
    said = clean(row["said"])
    if row["state"] == "waiting":
        quiet = held_until(place, row, now=now)
        due = max(row["next_at"], quiet or row["next_at"])
        held = f"waits until {when(due, place.zone, now=now)}" if due > now else "is sent next"
        said = f"{held}{' (quiet hours)' if quiet else ''}{f'; last try: {said}' if said and row['tries'] else ''}"
    about = f"{row['kind'].replace('_', ' ')} {row['about']}" if row["kind"] != "report" else row["about"].replace("@", " ")
    return {
        "key": row["key"],
        "channel": row["channel"],
        "about": clean(about),
        "alert": row["alert"],
        "state": row["state"],
        "tries": row["tries"],
        "at": row["queued_at"],
        "next_at": row["next_at"],
        "ended_at": row["ended_at"],
        "said": said,
    }


def _file(place: Place, row: Row) -> Row:
    there = (place.home / row["path"]).is_file()
    return {
        "key": row["path"],
        "channel": "file",
        "about": f"{row['kind']} {row['as_of'].astimezone(place.zone):%Y-%m-%d}",
        "alert": False,
        "state": "sent" if there else "gone",
        "tries": 1,
        "at": row["made_at"],
        "next_at": None,
        "ended_at": row["made_at"],
        "said": row["path"] if there else f"{row['path']} is not there any more",
    }


def send_again(place: Place, key: str, *, now: datetime) -> None:
    """Put a message back into the outbox as if it had never been tried. `key` may be the beginning of one key."""
    with place.store.reading() as reader:
        found = [r["key"] for r in reader.rows("delivery.by_prefix", prefix=key)]
    exact = [k for k in found if k == key] or found
    if not exact:
        raise Refused(f"There is no message {clean(key)[:80]!r}; jarvis delivery list shows all.", code="missing")
    if len(exact) > 1:
        raise Refused(f"{clean(key)[:80]!r} could be {', '.join(exact)}; give more characters.", code="missing")
    place.store.write(place.fact("delivery.again", at=now, key=exact[0]))


def check_settings(place: Place, wanted: str | None) -> None:
    """Refuse to go on under other settings than those of the caller: what runs tonight may have written into jarvis.toml, which is put back."""
    if wanted is not None and digest(place.settings.values) != wanted:
        raise Refused("jarvis.toml is not as it was when this was started, so nothing was sent; the next call sends it.")


def standing(place: Place, *, now: datetime) -> list[str]:
    """One sentence for each channel and hook that is switched on: where it goes, and whether it works."""
    with place.store.reading() as reader:
        failing = {r["name"]: r for r in reader.rows("delivery.failing", now=now)}
    values = place.settings.values
    told = {"email": f"to {len(values['delivery.email']['to'])} by {values['delivery.email']['host']}", "apprise": f"{len(values['delivery']['urls'])} secrets"}
    told |= {hook_channel(h): "posts to an address" if is_address(values["hooks"][h].strip()) else "runs a command" for h in HOOKS}
    lines = ["file: every report, in reports/"]
    for name in switched_on(values):
        bad = failing.get(name)
        how = f"fails since {when(bad['failing_since'], place.zone, now=now)}: {clean(bad['why'])}" if bad else "no failure"
        lines.append(f"{name}: {told[name]}; {how}")
    return lines
