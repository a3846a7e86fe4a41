"""The gate of a jail: hosts on the list are reached, all others are refused and told, and there is no other way out."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jarvis_lib.execution.egress import Gate, refused_hosts, through
from jarvis_lib.execution.room import enough, memory_share
from jarvis_lib.execution.sandbox import levels
from jarvis_lib.execution.sandbox.enter import enter
from jarvis_lib.execution.sandbox.jail import Jail

needs_strict = pytest.mark.skipif(bool(levels.machine().strict_why), reason=f"needs the strict sandbox: {levels.machine().strict_why}")
FETCH = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
DIRECT = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 2)"


@pytest.fixture
def served() -> Iterator[tuple[int, list[str]]]:
    """A service on loopback that counts what it is asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello from outside")

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, asked
    server.shutdown()
    server.server_close()


def inside(tmp_path: Path, gate: Gate, argv: list[str]) -> "subprocess.CompletedProcess[str]":
    for name in ("work", "temp"):
        (tmp_path / name).mkdir(exist_ok=True)
    jail = Jail("strict", tmp_path / "work", tmp_path / "temp", (tmp_path / "work",), network="hosts", sockets=(gate.socket,), own_uid=True)
    return subprocess.run(enter(through(argv, gate.socket), jail), cwd=tmp_path / "work", capture_output=True, text=True, timeout=60, check=False)


@needs_strict
def test_a_host_of_the_list_is_reached_and_told(tmp_path: Path, served: tuple[int, list[str]]) -> None:
    port, asked = served
    with Gate(tmp_path / "log", [f"127.0.0.1:{port}"]) as gate:
        done = inside(tmp_path, gate, [sys.executable, "-c", FETCH, f"http://127.0.0.1:{port}/x"])
    assert done.stdout.strip() == "hello from outside", done.stderr
    row = json.loads((tmp_path / "log").read_text().splitlines()[0])
    assert row["allowed"] and row["host"] == f"127.0.0.1:{port}" and asked == ["/x"] and refused_hosts(tmp_path / "log") == []


@needs_strict
@pytest.mark.parametrize("address", ["http://example.org/", "http://127.0.0.1:1/", "http://localhost:PORT/", "http://[::1]:PORT/"])
def test_any_other_host_is_refused_and_told(address: str, tmp_path: Path, served: tuple[int, list[str]]) -> None:
    """Another name for an allowed place is another host: the list is of names, and nothing inside resolves them."""
    port, asked = served
    with Gate(tmp_path / "log", [f"127.0.0.1:{port}"]) as gate:
        done = inside(tmp_path, gate, [sys.executable, "-c", FETCH, address.replace("PORT", str(port))])
    assert done.returncode != 0 and asked == [] and len(refused_hosts(tmp_path / "log")) == 1


@needs_strict
def test_there_is_no_way_past_the_gate(tmp_path: Path, served: tuple[int, list[str]]) -> None:
    port, asked = served
    with Gate(tmp_path / "log", [f"127.0.0.1:{port}"]) as gate:
        done = inside(tmp_path, gate, [sys.executable, "-c", DIRECT, str(port)])
        assert done.returncode != 0 and asked == []
        code = inside(tmp_path, gate, ["/bin/sh", "-c", "exit 7"]).returncode
    assert code == 7


@pytest.mark.parametrize(
    ("free", "disk", "memory", "word"),
    [
        (10**9, 0.5, 0.5, ""),
        (10**8, 0.5, 0.5, "of disk are free"),
        (10**9, 0.81, 0.5, "disk is 81% full"),
        (10**9, 0.5, 0.81, "memory is 81% used"),
        (10**9, 0.8, None, ""),
    ],
)
def test_nothing_more_is_started_without_room(free: int, disk: float, memory: float | None, word: str) -> None:
    said = enough(free_bytes=free, disk_share=disk, memory_share=memory, floor_gb=0.5, busy_share=0.8)
    assert (word in said) if word else said == ""


def test_the_share_of_memory_is_a_share() -> None:
    share = memory_share()
    assert share is not None and 0 < share < 1
