"""The engine `dask`: recipes run on the workers of a cluster, baseline and proof here. The session alone writes the store, and every step ends.

A worker that is lost ends its attempt as `died`, and the session's own rule tries again; a scheduler that is lost ends all of them. A result that
comes after its ending was written is thrown away, since nobody holds its handle any more.
"""

import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jarvis_lib.execution.cluster import packing, remote
from jarvis_lib.execution.cluster.connect import CONNECT_S, connected, heard
from jarvis_lib.execution.engine import Handle, LocalEngine
from jarvis_lib.execution.results import Result, ended_badly
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed

CUT_OFF_S = 30.0
STOP_MARGIN_S = 15.0
LOOK_S = 1.0
FRESH_S = 5.0
LATE_S = 30.0


@dataclass(eq=False)
class Away:
    """A recipe on another machine; without a `future` it waits, until `send_until`, for one that listens, and asks again at `ask_at`.

    `outcome` is set by `stop`; after `give_up_at` nobody waits any more. All three are times of the monotonic clock.
    """

    spec: dict[str, Any]
    token: str
    future: Any
    send_until: float = 0.0
    ask_at: float = 0.0
    outcome: str = ""
    give_up_at: float = 0.0
    result: Result | None = field(default=None, repr=False)
    worker: str = ""
    fetched: Any = None
    allowed: list[str] = field(default_factory=list)


class DaskEngine:
    """Recipes by dask, everything else by processes of this machine. Refuses (busy) when the scheduler is not there."""

    def __init__(self, address: str, tls: dict[str, str] | None = None, *, cut_off_s: float = CUT_OFF_S) -> None:
        self.address, self.cut_off_s, self.local = address, cut_off_s, LocalEngine()
        self.client = connected(address, tls)
        self._now_there = heard(self.client)
        self._away: list[Away] = []
        self._fetching = ThreadPoolExecutor(8, thread_name_prefix="jarvis-fetch")
        self._looked = 0.0
        self._lived = time.monotonic()
        self._info: dict[str, Any] = {}

    def submit(self, spec: dict[str, Any]) -> "Handle | Away":
        """A recipe to the cluster, another step to a process here. What no worker can do ends at once as failed."""
        if spec["step"] != "recipe":
            return self.local.submit(spec)
        Path(spec["dir"]).mkdir(parents=True, exist_ok=True)
        away = Away(spec, f"{spec['attempt']}-{time.monotonic_ns()}", None, send_until=time.monotonic() + self.cut_off_s)
        away.result = self._sent(away)
        if away.result is None:
            self._away.append(away)
        return away

    def _sent(self, away: Away) -> Result | None:
        """Give it to a machine that can do it; its ending where there is none. While those that can are silent it is not given to anybody."""
        wanted = resources(away.spec["task"].get("needs", ()))
        try:
            able = self._able(wanted)
            away.allowed = self._listening(able)
            if not able:
                needed = listed([f"{k}={v:g}" for k, v in wanted.items()])
                said = f"No machine of the cluster has {needed}, which the task needs." if needed else "The cluster has no machine."
                return ended_badly("failed", said)
            if away.allowed:
                away.future = self.client.submit(
                    remote.run_step,
                    away.spec | {"left_s": away.spec["deadline"] - time.time()},
                    packing.outgoing(away.spec),
                    away.token,
                    key=f"jarvis-{away.token}",
                    resources=wanted or None,
                    workers=away.allowed,
                    pure=False,
                    retries=0,
                )
        except Refused as error:
            return ended_badly("failed", error.sentence)
        except Exception as error:  # noqa: BLE001  # whatever a cluster that goes away raises, the step ends
            return ended_badly("died", f"The cluster at {self.address} is lost: {type(error).__name__}")
        return None

    def poll(self, handle: "Handle | Away") -> Result | None:
        """The result once it is here, else None; a worker that was lost, or does not stop in time, has one too."""
        if isinstance(handle, Handle):
            return self.local.poll(handle)
        if handle.result is None:
            handle.result = self._look(handle)
            if handle.result is not None and handle in self._away:
                self._away.remove(handle)
        return handle.result

    def stop(self, handle: "Handle | Away", outcome: str) -> None:
        """Ask the worker to end as `outcome`; after its grace and a margin nobody waits for it any more. Safe to repeat."""
        if isinstance(handle, Handle):
            self.local.stop(handle, outcome)
            return
        if handle.outcome or handle.result is not None:
            return
        handle.outcome = outcome
        handle.give_up_at = time.monotonic() + float(handle.spec["limits"]["grace_s"]) + STOP_MARGIN_S
        if str(self.client.status) == "running":
            from distributed import Event

            try:
                Event(f"jarvis-stop-{handle.token}", client=self.client).set()
            except (OSError, TimeoutError):
                return  # it is lost, or nobody waits longer than `give_up_at`

    def close(self) -> None:
        """Stop what runs, wait until each has ended or was given up, and let go of the cluster."""
        for away in list(self._away):
            self.stop(away, "stopped")
        for away in list(self._away):
            while self.poll(away) is None:
                time.sleep(0.05)
        self.local.close()
        self._fetching.shutdown(wait=False, cancel_futures=True)
        self.client.close(timeout=5)

    # --- looking -------------------------------------------------------------------------------------------------------------

    def _lost(self) -> bool:
        """Is the scheduler gone? A connection that is being made again is given CONNECT_S."""
        now = time.monotonic()
        if str(self.client.status) == "running":
            self._lived = now
        return str(self.client.status) == "closed" or now - self._lived > CONNECT_S

    def _look(self, away: Away) -> Result | None:
        if self._lost():
            return ended_badly(away.outcome or "died", f"The scheduler at {self.address} is lost, and the recipe with it.")
        if str(self.client.status) != "running":
            return None
        if away.future is None:
            return self._unsent(away)
        status = away.future.status
        if status == "finished":
            return self._taken_back(away)
        if status in ("error", "cancelled", "lost"):
            return self._fallen(away, status)
        if away.outcome and time.monotonic() >= away.give_up_at:
            away.future.cancel(force=True)
            return ended_badly(away.outcome, "The other machine did not answer the request to stop, and nobody waits any more.")
        if not away.outcome and time.time() > float(away.spec["deadline"]) + LATE_S:
            self.stop(away, "timed_out")  # it should have ended itself, or it never began
        silent = self._silent(away)
        if silent:
            away.future.cancel(force=True)
            return ended_badly(away.outcome or "died", f"The machine {silent} that ran it was cut off.")
        return None

    def _unsent(self, away: Away) -> Result | None:
        if away.outcome:
            return ended_badly(away.outcome, "No machine had begun it.")
        if time.monotonic() >= away.send_until:
            return ended_badly("died", f"Of the machines that can do it none was heard of for {self.cut_off_s:.0f} s.")
        if time.monotonic() < away.ask_at:
            return None
        away.ask_at = time.monotonic() + LOOK_S
        return self._sent(away)

    def _silent(self, away: Away) -> str:
        """The worker that runs it, if it has not been heard of for too long; it is asked for once in a while."""
        if time.monotonic() - self._looked >= LOOK_S:
            self._looked = time.monotonic()
            try:
                self._info = self.client.scheduler_info(n_workers=-1)["workers"]
                processing = self.client.processing()
            except (OSError, TimeoutError):
                return ""  # the scheduler itself does not answer; `_lost` decides how long that may go on
            for worker, keys in processing.items():
                for one in self._away:
                    one.worker = worker if f"jarvis-{one.token}" in map(str, keys) else one.worker
        known = self._info.get(away.worker)
        if away.worker and known is not None and not self._is_heard(known):
            return away.worker
        gone = self._info and not any(a in self._info and self._is_heard(self._info[a]) for a in away.allowed)
        return listed(away.allowed[:3]) if gone else ""

    def _fallen(self, away: Away, why: object) -> Result:
        return ended_badly(away.outcome or "died", f"The machine that ran it was lost: {clean(str(why))[:160]}")

    def _taken_back(self, away: Away) -> Result | None:
        """What came back, fetched beside the loop: a machine that is cut off may hold a result that it cannot send."""
        if away.fetched is None:
            away.fetched = self._fetching.submit(away.future.result, timeout=self.cut_off_s)
        if not away.fetched.done():
            return None
        try:
            result, data = away.fetched.result()
        except Exception as error:  # noqa: BLE001  # whatever the other side raised, this attempt has its ending
            return self._fallen(away, f"{type(error).__name__}: {error}")
        try:
            packing.take_back(data, away.spec)
        except (Refused, OSError, tarfile.TarError) as error:
            return ended_badly("failed", f"What came back from the other machine could not be taken: {clean(str(error))[:200]}")
        if result is None:
            return ended_badly(away.outcome or "died", "The worker program on the other machine ended before it could say how it ended.")
        found = here(result, away.spec)
        return found | {"outcome": away.outcome} if away.outcome else found

    def _able(self, wanted: dict[str, float]) -> dict[str, Any]:
        """The workers, by address, that have what is wanted, whether they were heard of lately or not."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"]
        return {a: w for a, w in workers.items() if all(w["resources"].get(k, 0) >= v for k, v in wanted.items())}

    def _listening(self, able: dict[str, Any]) -> list[str]:
        """Of `able` those that were heard of lately: a scheduler goes on giving work to one that is cut off.

        Of these, those that were heard of in the last seconds, if there are any: who is about to be missed gets nothing new.
        """
        heard_of = [a for a, w in able.items() if self._is_heard(w)]
        return [a for a in heard_of if self._is_heard(able[a], min(FRESH_S, self.cut_off_s))] or heard_of

    def _is_heard(self, worker: dict[str, Any], within_s: float | None = None) -> bool:
        return bool(self._now_there() - worker["last_seen"] <= (self.cut_off_s if within_s is None else within_s))


def resources(needs: "tuple[str, ...] | list[str]") -> dict[str, float]:
    """What a task needs as dask's resources: `gpu=1` -> gpu 1, `memory=8GB` -> memory 8e9 bytes, `tag:big` -> tag:big 1."""
    found: dict[str, float] = {}
    for need in needs:
        name, sign, amount = need.partition("=")
        if not sign:
            found[need] = 0.001  # a mark that many may share
        elif name == "memory":
            found[name] = float(amount[:-2]) * {"MB": 1e6, "GB": 1e9}[amount[-2:]]
        else:
            found[name] = float(amount)
    return found


def here(result: Result, spec: dict[str, Any]) -> Result:
    """The result with this machine's paths in it."""
    local = Path(spec["dir"])
    named = {name: str(local / Path(result[name]).name) for name in ("log", "notebook") if result.get(name)}
    return result | {name: path if Path(path).exists() else None for name, path in named.items()}
