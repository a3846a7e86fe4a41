"""A real night in a process of its own, so that it can be killed: HOME NOW."""

import sys
from datetime import datetime
from pathlib import Path

from jarvis_lib import overnight_runner
from jarvis_lib.workspace import open_workspace
from tests.soak.real import RunningClock


def main(home: str, now: str) -> None:
    place = open_workspace(Path(home), clock=RunningClock(datetime.fromisoformat(now)), actor="person:simulated")
    overnight_runner.start(place, say=lambda line: None, with_brief=False, analyse=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
