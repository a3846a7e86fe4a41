"""`jarvis heartbeat`: one call that says whether there is anything to say."""

from jarvis_lib.cli.shape import Run, verb


@verb("heartbeat", "jarvis heartbeat\njarvis heartbeat --json")
def heartbeat(run: Run) -> None:
    """What is due, what needs you, quick wins while you have time, suggestions; HEARTBEAT_OK when there is nothing, or you are not to be disturbed."""
    from jarvis_lib.doors import heartbeat as beat

    found = beat.heartbeat(run.place, now=run.now)
    run.show("jarvis.heartbeat/1", found, beat.lines(found, zone=run.place.zone))
