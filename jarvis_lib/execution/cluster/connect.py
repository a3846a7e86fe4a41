"""How is a scheduler reached, and what time is it there? One connection, with TLS where it speaks that."""

import time
from collections.abc import Callable
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed

CONNECT_S = 10.0


def connected(address: str, tls: dict[str, str] | None = None) -> Any:
    """A client of the scheduler at `address`. Refuses, with one sentence, what cannot be reached and TLS files that do not fit."""
    from distributed import Client
    from distributed.security import Security

    missing = [name for name in ("ca", "cert", "key") if not (tls or {}).get(name)]
    if address.startswith("tls://") and missing:
        raise Refused(f"The scheduler at {clean(address)[:80]} speaks TLS; [engine] tls lacks {listed(missing)}.", code="usage")
    security = None
    if tls and not missing:
        security = Security(tls_ca_file=tls["ca"], tls_client_cert=tls["cert"], tls_client_key=tls["key"], require_encryption=True)
    try:
        return Client(address, timeout=CONNECT_S, security=security, set_as_default=False)
    except (OSError, TimeoutError, RuntimeError, ValueError) as error:
        said = f"The scheduler at {clean(address)[:80]} does not answer ({type(error).__name__}); start it, or clear [engine] dask."
        raise Refused(said, code="busy") from error


def heard(client: Any) -> Callable[[], float]:
    """The clock of the scheduler, which notes when it heard of a worker: its time now, by our own steady clock from here on.

    Clocks of two machines differ, and ours may be set, or sleep, in the night.
    """
    there, here = float(client.run_on_scheduler(time.time)), time.monotonic()
    return lambda: there + time.monotonic() - here
