"""`jarvis memory …`: daily notes of what Jarvis did."""

from jarvis_lib.cli.shape import Run, verb

WOULD = "It would add what happened since the last note to today's file in the folder of [memory] path."


@verb("write", "jarvis memory write", writes=True, would=WOULD)
def write(run: Run) -> int:
    """Add what happened since the last note to today's, in the folder of [memory] path. Nothing is ever changed there. Exit 1 when it cannot be written."""
    from jarvis_lib.doors import memory

    noted = memory.write(run.place, now=run.now)
    run.say(noted.said, path=str(noted.path) if noted.path else None, added=noted.added)
    return 0 if noted.ok else 1
