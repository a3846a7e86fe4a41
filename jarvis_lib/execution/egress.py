"""The one way out of a jail that may reach some hosts: which ones were reached, and which were refused?

Outside of the jail a `Gate` listens on a unix socket, takes HTTP CONNECT, and connects to the hosts of its list alone; it resolves names itself.
Inside, this very file runs as a program: it listens on the loopback of the jail's own network, hands everything to the socket, and starts the
command with the proxy in its environment. Standard library only in that part.
"""

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
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

PORT = 18080
_CHUNK = 1 << 16
_HEAD = 8192
_CONNECT_S = 20.0


class Gate:
    """A proxy for the names in `hosts` (`name` or `name:port`; 443 without one). Each connection is a line of the log: host, bytes, allowed."""

    def __init__(self, log: Path, hosts: Sequence[str]) -> None:
        self.log = log
        self.allowed = {_host_port(h) for h in hosts}
        self._folder = tempfile.TemporaryDirectory(prefix="jarvis-gate-")
        os.chmod(self._folder.name, 0o755)
        self.socket = Path(self._folder.name) / "s"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._lock = threading.Lock()

    def __enter__(self) -> "Gate":
        self._listener.bind(str(self.socket))
        os.chmod(self.socket, 0o666)
        self._listener.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()
        self._folder.cleanup()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connection, args=(client,), daemon=True).start()

    def _connection(self, client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head and len(head) < _HEAD:
                data = client.recv(_HEAD)
                if not data:
                    return
                head += data
            words = head.split(b"\r\n", 1)[0].decode("latin-1").split()
            plain = len(words) == 3 and words[0] != "CONNECT" and words[1].startswith("http://")
            name = words[1].split("/")[2] + ("" if ":" in words[1].split("/")[2] else ":80") if plain else words[1] if len(words) == 3 else ""
            target = _host_port(name)
            if target not in self.allowed:
                self._note(name, 0, allowed=False)
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nX-Refused-By: jarvis\r\n\r\n")
                return
            try:
                server = socket.create_connection(target, timeout=_CONNECT_S)
            except OSError as error:
                self._note(name, 0, allowed=True, error=str(error))
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            with server:
                server.settimeout(None)
                if plain:
                    server.sendall(_as_origin(head))
                else:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._note(name, pump(client, server), allowed=True)

    def _note(self, host: str, count: int, *, allowed: bool, error: str = "") -> None:
        line = json.dumps({"at": time.time(), "host": host[:200], "bytes": count, "allowed": allowed, "error": error[:200]})
        with self._lock, self.log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _as_origin(head: bytes) -> bytes:
    """A plain request as the server itself is asked: the path alone, and one request for a connection."""
    first, _, rest = head.partition(b"\r\n")
    method, url, version = first.split(b" ", 2)
    path = b"/" + url.split(b"/", 3)[3] if url.count(b"/") >= 3 else b"/"
    lines, _, body = rest.partition(b"\r\n\r\n")
    kept = [line for line in lines.split(b"\r\n") if not line.lower().startswith((b"connection:", b"proxy-connection:", b"proxy-authorization:"))]
    return b"\r\n".join([b" ".join([method, path, version]), *kept, b"Connection: close"]) + b"\r\n\r\n" + body


def refused_hosts(log: Path) -> list[str]:
    """The hosts that were asked for and are not on the list, each once."""
    if not log.exists():
        return []
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return list(dict.fromkeys(r["host"] for r in rows if not r["allowed"]))


def through(argv: Sequence[str], gate: Path) -> list[str]:
    """The command behind the gate, for the inside of a jail."""
    return [sys.executable, "-I", "-S", __file__, str(gate), str(PORT), "--", *argv]


def _host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if text.rpartition(":")[2].isdigit() else (text, "", "443")
    return host.strip("[]").rstrip(".").lower(), int(port)


def pump(one: socket.socket, two: socket.socket) -> int:
    """Carry bytes both ways until either side ends; how many there were."""
    total = 0
    sides = {one: two, two: one}
    while True:
        ready, _, _ = select.select(list(sides), [], [])
        for side in ready:
            try:
                data = side.recv(_CHUNK)
                if not data:
                    return total
                sides[side].sendall(data)
            except OSError:
                return total
            total += len(data)


# --- inside of the jail ------------------------------------------------------------------------------------------------------


def _forward(client: socket.socket, gate: str) -> None:
    with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.connect(gate)
        pump(client, server)


def _listen(listener: socket.socket, gate: str) -> None:
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_forward, args=(client, gate), daemon=True).start()


def main(argv: list[str]) -> int:
    """Listen, start the command with the proxy in its environment, and end as it does."""
    gate, port, command = argv[0], int(argv[1]), argv[3:]
    listener = socket.create_server(("127.0.0.1", port))
    threading.Thread(target=_listen, args=(listener, gate), daemon=True).start()
    proxy = f"http://127.0.0.1:{port}"
    own = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"), proxy)
    child = subprocess.Popen(command, env=os.environ | own | {"NO_PROXY": "", "no_proxy": "", "NODE_USE_ENV_PROXY": "1"})
    signal.signal(signal.SIGTERM, lambda number, frame: child.terminate())
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
