"""A night that is cut off: HOME NOW SEED TICKS CLOCK. After so many looks of the loop the process kills itself, as a power cut would; CLOCK says when."""

import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from random import Random

from jarvis_lib import overnight_runner
from jarvis_lib.workspace import open_workspace
from tests.soak.engine import Clock, PlayedEngine


def main(home: str, now: str, seed: str, ticks: str, clock_file: str) -> None:
    clock = Clock(datetime.fromisoformat(now))
    engine = PlayedEngine(clock, Random(int(seed)), faults=0.05)
    left = [int(ticks)]

    def pause(seconds: float) -> None:
        clock.turn(max(seconds, 120.0))
        Path(clock_file).write_text(clock.now.isoformat())
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    place = open_workspace(Path(home), clock=clock, actor="person:simulated")
    overnight_runner.start(place, engine=engine, say=lambda line: None, with_brief=False, analyse=False, pause=pause)


if __name__ == "__main__":
    main(*sys.argv[1:])
