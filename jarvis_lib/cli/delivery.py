"""`jarvis delivery list | send | test`: what was told to whom, and does it arrive?"""

import click

from jarvis_lib.cli.shape import Run, verb

NOTHING = "Nothing was sent or made yet. A report is a file in reports/ first: jarvis overnight brief"


@verb("list", "jarvis delivery list")
@click.option("-n", "--limit", "most", type=click.IntRange(1, 1000), metavar="N", default=20, show_default=True, help="At most so many.")
def list_(run: Run, most: int) -> None:
    """What was told, on which channel, and what became of it, the newest first. Below stands how each channel is."""
    from jarvis_lib.cli.columns import DELIVERIES
    from jarvis_lib.doors import delivery
    from jarvis_lib.doors.delivery.outbox import standing

    rows = delivery.listing(run.place, now=run.now, most=most)
    channels = standing(run.place, now=run.now)
    run.table("jarvis.deliveries/1", rows, DELIVERIES, empty=NOTHING, data={"messages": rows, "channels": channels})
    if not run.as_json:
        for line in channels:
            run.note(line)


@verb("send", "jarvis delivery send\njarvis delivery send --dry-run", writes=True, long=True)
@click.option("--dry-run", is_flag=True, help="Show what would be sent, with all its words, and send nothing.")
@click.option("--again", metavar="KEY", help="Send this message once more, whatever became of it; KEY as in the list, or its beginning.")
@click.option("--stay", is_flag=True, help="Wait for what is tried again within half an hour. A second one gives way to the first.")
@click.option("--as-set", metavar="HASH", hidden=True, help="Only under the settings that have this hash.")
def send(run: Run, dry_run: bool, again: str | None, stay: bool, as_set: str | None) -> int:
    """Send what is due now. Exit 1 when something could not be sent; it is tried again 1, 5 and 15 minutes later, and then told in the next brief."""
    from jarvis_lib.cli.columns import DELIVERY_PREVIEW, POSTED
    from jarvis_lib.doors import delivery
    from jarvis_lib.doors.delivery.outbox import check_settings, send_again

    check_settings(run.place, as_set)
    if dry_run:
        rows = delivery.preview(run.place, now=run.now)
        human = [line for row in rows for line in (f"{row['channel']}, {row['when']}: {row['subject']}", *(f"    {t}" for t in row["text"].splitlines()), "")]
        run.table("jarvis.delivery_preview/1", rows, DELIVERY_PREVIEW, empty="Nothing would be sent.", human=human)
        return 0
    if again:
        send_again(run.place, again, now=run.now)
    posted = delivery.post(run.place, stay=stay, say=run.note)
    rows = [{"key": p.key, "channel": p.channel, "ok": p.ok, "again": p.again, "said": p.said} for p in posted]
    run.table("jarvis.posted/1", rows, POSTED, empty="Nothing is due to be sent.", human=[])
    return 0 if all(p.ok or (stay and p.again) for p in posted) else 1


@verb("test", "jarvis delivery test email\njarvis delivery test hook:shipped", writes=True)
@click.argument("channel", metavar="CHANNEL")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
def test(run: Run, channel: str, dry_run: bool) -> int:
    """Send one test by email or apprise, or run hook:shipped, hook:failed, hook:needs_you or hook:problem with an empty event. Exit 1 when it failed."""
    from jarvis_lib.doors import delivery

    if dry_run:
        from jarvis_lib.doors.delivery.trying import would_say

        text = would_say(run.place, channel, now=run.now)
        run.say(text, channel=channel)
        return 0
    outcome = delivery.try_channel(run.place, channel, now=run.now)
    run.say(f"{channel} {'works' if outcome.ok else 'failed'}: {outcome.said}", ok=outcome.ok, channel=channel)
    return 0 if outcome.ok else 1
