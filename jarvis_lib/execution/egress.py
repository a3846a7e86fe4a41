"""The one way out of a jail that may reach some hosts: which ones were reached, and which were refused?

Outside of the jail a `Gate` listens on a unix socket, takes HTTP CONNECT, and connects to the hosts of its list alone; it resolves names itself,
and a name that leads to this machine or to its next neighbours (loopback, link-local) is no way there. Inside, this very file runs as a program: it
listens on the loopback of the jail's own network, hands everything to the socket, and starts the command with the proxy in its environment.
Standard library only.
"""

import contextlib
import ipaddress
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

PORT = 18080
NEAR = "localhost,127.0.0.1,::1"
_CHUNK = 1 << 16
_HEAD = 8192
_CONNECT_S = 20.0
_LINGER_S = 30.0
_AT_ONCE = 128
_ROWS = 1000
_END_S = 2.0


class Gate:
    """A proxy for the names in `hosts` (`name` or `name:port`; 443 without one). Each connection is a line of the log: host, bytes, allowed.

    After _ROWS lines connections are only counted: a jailed program can ask as often as it likes, and fill no disk by it.
    """

    def __init__(self, log: Path, hosts: Sequence[str]) -> None:
        self.log = log
        self.allowed = {target for target in map(_host_port, hosts) if target is not None}
        self.near = any(_is_near_name(host) for host, _ in self.allowed)
        self._folder = tempfile.TemporaryDirectory(prefix="jarvis-gate-")
        os.chmod(self._folder.name, 0o755)  # noqa: S103  # the jail's own user passes through; what is in it is one socket
        self.socket = Path(self._folder.name) / "s"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._rows = 0
        self._more: Counter[bool] = Counter()

    def __enter__(self) -> "Gate":
        self._listener.bind(str(self.socket))
        os.chmod(self.socket, 0o666)  # noqa: S103  # the jail's own user speaks to it; the folder above is ours
        self._listener.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()
        self._folder.cleanup()
        until = time.monotonic() + _END_S
        for _ in range(_AT_ONCE):  # the jail is gone: what still ends gets its line in the log
            if not self._slots.acquire(timeout=max(until - time.monotonic(), 0)):
                break
        for allowed, count in self._more.items():
            self._write({"host": "", "more": count, "allowed": allowed})

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._slots.acquire()
            threading.Thread(target=self._connection, args=(client,), daemon=True).start()

    def _connection(self, client: socket.socket) -> None:
        try:
            with client:
                self._carry(client)
        except OSError:
            return  # the jailed side hung up, or asked for nothing in time
        finally:
            self._slots.release()

    def _carry(self, client: socket.socket) -> None:
        client.settimeout(_CONNECT_S)
        head, sign, rest = _until_blank_line(client).partition(b"\r\n\r\n")
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split()
        if not sign or len(words) != 3:
            _answer(client, "400 Bad Request", "This is a proxy: it takes CONNECT and requests with a whole http address.")
            return
        connects = words[0] == "CONNECT"
        name = words[1] if connects else _host_of(words[1])
        target = _host_port(name)
        if target is None or target not in self.allowed:
            self._note(name, 0, allowed=False)
            _answer(client, "403 Forbidden", f"Refused by Jarvis: {name[:200]} is not among the hosts that this task was granted.")
            return
        try:
            server = _connect(*target)
        except OSError as error:
            self._note(name, 0, allowed=True, error=str(error))
            _answer(client, "502 Bad Gateway", f"{name[:200]} was granted, but cannot be reached: {error}")
            return
        with server:
            if connects:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            server.sendall(rest if connects else _as_origin(head + sign + rest))
            self._note(name, len(rest) + pump(client, server), allowed=True)

    def _note(self, host: str, count: int, *, allowed: bool, error: str = "") -> None:
        with self._lock:
            self._rows += 1
            if self._rows > _ROWS:
                self._more[allowed] += 1
            else:
                self._write({"at": time.time(), "host": host[:200], "bytes": count, "allowed": allowed, "error": error[:200]})

    def _write(self, row: dict[str, Any]) -> None:
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def refused_hosts(log: Path) -> list[str]:
    """The hosts that were asked for and are not on the list, each once."""
    return list(dict.fromkeys(r["host"] for r in _rows(log) if not r["allowed"] and r["host"]))


def reached_hosts(log: Path) -> dict[str, int]:
    """The hosts that were reached, and how many bytes went there and back."""
    found: Counter[str] = Counter()
    for row in _rows(log):
        if row["allowed"] and row["host"] and not row["error"]:
            found[row["host"]] += row["bytes"]
    return dict(found)


def through(argv: Sequence[str], gate: Path, *, near: bool = False) -> list[str]:
    """The command behind the gate, for the inside of a jail. With `near`, names of this machine go to the gate too, and not to the jail's own loopback."""
    return [sys.executable, "-I", "-S", __file__, str(gate), str(PORT), "near" if near else "far", "--", *argv]


def _rows(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def _until_blank_line(client: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _HEAD:
        data = client.recv(_HEAD)
        if not data:
            break
        head += data
    return head


def _answer(client: socket.socket, status: str, text: str) -> None:
    body = text.encode("utf-8", "replace") + b"\n"
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\nX-Refused-By: jarvis\r\nConnection: close\r\n\r\n"
    client.sendall(head.encode() + body)


def _host_of(url: str) -> str:
    """`http://name/path` -> `name:80`; anything else stays what it is, and is on no list."""
    if not url.startswith("http://"):
        return url
    place = url.split("/")[2]
    return place if _has_port(place) else f"{place}:80"


def _has_port(place: str) -> bool:
    return place.rpartition("]")[2].rpartition(":")[2].isdigit() and ":" in place.rpartition("]")[2]


def _host_port(text: str) -> tuple[str, int] | None:
    """`name:port`, `name`, `[::1]:port` as host and port; None for what is none of these."""
    host, port = text.rpartition(":")[::2] if _has_port(text) else (text, "443")
    host = host.removeprefix("[").removesuffix("]").rstrip(".").lower()
    if not host or not port.isascii() or len(port) > 5 or not 0 < int(port) < 65536 or any(c in host for c in "/@[]?# \\"):
        return None
    return host, int(port)


def _is_near_name(host: str) -> bool:
    """Does the name itself say that it is this machine, or a place beside it?"""
    try:
        return _is_near(ipaddress.ip_address(host))
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_near(address: "ipaddress.IPv4Address | ipaddress.IPv6Address") -> bool:
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast


def _is_own(family: int, place: Any) -> bool:
    """Is it an address of this machine, whatever network it belongs to? What leads there would come from that same address. Nothing is sent by asking."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect(place)
            return bool(asking.getsockname()[0] == place[0])
    except OSError:
        return False


def _connect(host: str, port: int) -> socket.socket:
    """A connection to what the name leads to. A name that was granted as a far place and leads to this machine is refused."""
    last: OSError = OSError("the name leads nowhere")
    for family, kind, protocol, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        if host != str(address) and (_is_near(address) or _is_own(family, place)) and not _is_near_name(host):
            last = OSError("the name leads to this machine or its neighbours, which were not granted")
            continue
        server = socket.socket(family, kind, protocol)
        try:
            server.settimeout(_CONNECT_S)
            server.connect(place)
        except OSError as error:
            server.close()
            last = error
        else:
            return server
    raise last


def _as_origin(head: bytes) -> bytes:
    """A plain request as the server itself is asked: the path alone, and one request for a connection."""
    first, _, rest = head.partition(b"\r\n")
    method, url, version = first.split(b" ", 2)
    path = b"/" + url.split(b"/", 3)[3] if url.count(b"/") >= 3 else b"/"
    lines, _, body = rest.partition(b"\r\n\r\n")
    kept = [line for line in lines.split(b"\r\n") if not line.lower().startswith((b"connection:", b"proxy-connection:", b"proxy-authorization:"))]
    return b"\r\n".join([b" ".join([method, path, version]), *kept, b"Connection: close"]) + b"\r\n\r\n" + body


def pump(one: socket.socket, two: socket.socket) -> int:
    """Carry bytes both ways until both sides have said all, or one is gone; how many there were. A side that is slow holds up nobody but itself."""
    other = {one: two, two: one}
    waiting = {one: b"", two: b""}  # what is to be written to each
    speaks = {one, two}
    by_fd = {side.fileno(): side for side in other}
    total = 0
    for side in other:
        side.setblocking(False)
    while speaks or any(waiting.values()):
        poll = select.poll()
        for side in other:
            events = (select.POLLIN if side in speaks and len(waiting[other[side]]) < _CHUNK else 0) | (select.POLLOUT if waiting[side] else 0)
            if events:
                poll.register(side, events)
        ready = poll.poll(None if len(speaks) == 2 else int(_LINGER_S * 1000))
        if not ready:
            return total
        for fd, event in ready:
            side = by_fd[fd]
            try:
                if event & (select.POLLIN | select.POLLHUP | select.POLLERR) and side in speaks:
                    data = side.recv(_CHUNK)
                    total += len(data)
                    waiting[other[side]] += data
                    if not data:
                        speaks.discard(side)
                if waiting[side]:
                    waiting[side] = waiting[side][side.send(waiting[side]) :]
            except (BlockingIOError, InterruptedError):
                continue
            except OSError:
                return total
        for side in other:
            if other[side] not in speaks and not waiting[side]:
                with contextlib.suppress(OSError):  # it has gone already
                    side.shutdown(socket.SHUT_WR)
    return total


# --- inside of the jail ------------------------------------------------------------------------------------------------------


def _forward(client: socket.socket, gate: str, slots: threading.BoundedSemaphore) -> None:
    try:
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.connect(gate)
            pump(client, server)
    except OSError:
        return  # the gate is closed: the session ends this attempt
    finally:
        slots.release()


def _listen(listener: socket.socket, gate: str) -> None:
    slots = threading.BoundedSemaphore(_AT_ONCE)
    while True:
        client, _ = listener.accept()
        slots.acquire()
        threading.Thread(target=_forward, args=(client, gate, slots), daemon=True).start()


def main(argv: list[str]) -> int:
    """Listen, start the command with the proxy in its environment, and end as it does."""
    gate, port, near, command = argv[0], int(argv[1]), argv[2] == "near", argv[4:]
    listener = socket.create_server(("127.0.0.1", port))
    threading.Thread(target=_listen, args=(listener, gate), daemon=True).start()
    proxy, past = f"http://127.0.0.1:{port}", "" if near else NEAR
    own = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), proxy)
    try:
        child = subprocess.Popen(command, env=os.environ | own | {"NO_PROXY": past, "no_proxy": past, "NODE_USE_ENV_PROXY": "1"})
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}\n")
        return 127 if isinstance(error, FileNotFoundError) else 126
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: child.send_signal(number))
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
