"""The gate of a jail: hosts on the list are reached, all others are refused and told, and there is no other way out."""

import http.server
import json
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jarvis_lib.execution.egress import Gate, reached_hosts, refused_hosts, through
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
    return subprocess.run(
        enter(through(argv, gate.socket, near=gate.near), jail), cwd=tmp_path / "work", capture_output=True, text=True, timeout=60, check=False
    )


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


@needs_strict
def test_a_service_inside_of_the_jail_is_reached_without_the_gate(tmp_path: Path) -> None:
    """Tests of a repository often start one; it is nobody's host, and no refusal is told."""
    code = (
        "import http.server, threading, urllib.request\n"
        "s = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)\n"
        "threading.Thread(target=s.serve_forever, daemon=True).start()\n"
        "print(urllib.request.urlopen(f'http://localhost:{s.server_port}/', timeout=5).status)\n"
    )
    with Gate(tmp_path / "log", ["api.example.org"]) as gate:
        done = inside(tmp_path, gate, [sys.executable, "-c", code])
    assert done.stdout.strip() == "200" and refused_hosts(tmp_path / "log") == [], done.stderr


@needs_strict
def test_a_command_that_is_not_there_is_exit_127(tmp_path: Path) -> None:
    with Gate(tmp_path / "log", []) as gate:
        done = inside(tmp_path, gate, ["no-such-program"])
    assert done.returncode == 127 and "no-such-program cannot be started" in done.stderr


def ask(gate: Gate, request: bytes, *, close: bool = False, more: bytes = b"") -> bytes:
    """What the gate answers to these bytes, to the end of the connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(str(gate.socket))
        client.settimeout(20)
        client.sendall(request)
        if more:
            client.sendall(more)
        if close:
            client.shutdown(socket.SHUT_WR)
        found = b""
        while data := client.recv(1 << 16):
            found += data
        return found


@pytest.mark.parametrize("name", ["2130706433", "0x7f000001", "127.1"])
def test_a_far_name_that_leads_to_this_machine_is_no_way_there(name: str, tmp_path: Path, served: tuple[int, list[str]]) -> None:
    """Whoever may write a name's record, or spell an address in another way, reaches no service of this machine by a name that was granted."""
    port, asked = served
    with Gate(tmp_path / "log", [f"{name}:{port}"]) as gate:
        said = ask(gate, f"GET http://{name}:{port}/x HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    assert b" 502 " in said and asked == [] and reached_hosts(tmp_path / "log") == {}


def own_address() -> str:
    """An address of this machine that is not loopback, by which it would speak to others; empty where it has none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(asking.getsockname()[0])


@pytest.mark.skipif(not own_address(), reason="this machine has no address but loopback")
def test_a_far_name_that_leads_to_another_address_of_this_machine_is_no_way_there(tmp_path: Path) -> None:
    """A service that listens on all addresses is this machine's too, whichever of them a granted name leads to. Granted as that address, it is reached."""
    own = own_address()
    spelled = str(int.from_bytes(socket.inet_aton(own)))
    with socket.create_server(("0.0.0.0", 0)) as listener:  # that is the attack: a service on all addresses
        port = listener.getsockname()[1]
        listener.settimeout(5)
        with Gate(tmp_path / "log", [f"{spelled}:{port}", f"{own}:{port}"]) as gate:
            said = ask(gate, f"CONNECT {spelled}:{port} HTTP/1.1\r\n\r\n".encode())
            assert b" 502 " in said and b"this machine" in said and reached_hosts(tmp_path / "log") == {}
            threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()
            assert b" 200 " in ask(gate, f"CONNECT {own}:{port} HTTP/1.1\r\n\r\n".encode(), close=True)


@pytest.mark.parametrize("line", [b"CONNECT %s HTTP/1.1", b"GET http://%s/ HTTP/1.1"])
@pytest.mark.parametrize(
    "name",
    [
        "me@127.0.0.1:PORT",
        "127.0.0.1:PORT@example.org",
        "127.0.0.1:PORT/",
        "127.0.0.1%00:PORT",
        "[::ffff:127.0.0.1]:PORT",
        "127.0.0.1",
        "127.0.0.1:99999",
        "127.0.0.1:\u00b2",
    ],
)
def test_spellings_of_a_granted_place_are_other_places(name: str, line: bytes, tmp_path: Path, served: tuple[int, list[str]]) -> None:
    port, asked = served
    if line.startswith(b"GET") and name.endswith("/"):
        pytest.skip("that is the path of a plain request")
    with Gate(tmp_path / "log", [f"127.0.0.1:{port}"]) as gate:
        said = ask(gate, line % name.replace("PORT", str(port)).encode("latin-1") + b"\r\n\r\n")
    assert b" 403 " in said and b"Refused by Jarvis" in said and asked == [] and len(refused_hosts(tmp_path / "log")) == 1


@given(st.binary(max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_said_to_the_gate_it_answers_or_hangs_up(tmp_path: Path, words: bytes) -> None:
    with Gate(tmp_path / "log", ["api.example.org"]) as gate:
        said = ask(gate, words.replace(b"api.example.org", b""), close=True)
    assert said == b"" or said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403"))


def test_asking_for_ever_fills_no_disk(tmp_path: Path) -> None:
    with Gate(tmp_path / "log", []) as gate:
        for n in range(1200):
            ask(gate, f"CONNECT h{n}.example.org:443 HTTP/1.1\r\n\r\n".encode())
    rows = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert len(rows) == 1001 and rows[-1]["more"] == 200 and len(refused_hosts(tmp_path / "log")) == 1000


@pytest.fixture
def echo() -> Iterator[int]:
    """A service that answers with what it was told, after it was told all of it; its port."""

    class Echo(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(self.rfile.read())

    class Service(socketserver.ThreadingTCPServer):
        request_queue_size = 300

    with Service(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_every_byte_passes_also_those_that_come_early_and_after_one_side_has_ended(tmp_path: Path, echo: int) -> None:
    """Five megabytes, the first of them in the same packet as the request; the answer begins when the question has ended."""
    data = bytes(range(256)) * 20_000
    with Gate(tmp_path / "log", [f"127.0.0.1:{echo}"]) as gate:
        said = ask(gate, f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\n\r\n".encode() + data[:3000], more=data[3000:], close=True)
    head, _, body = said.partition(b"\r\n\r\n")
    assert b" 200 " in head and body == data
    assert reached_hosts(tmp_path / "log") == {f"127.0.0.1:{echo}": 2 * len(data)}


def test_many_at_once_wait_for_their_turn(tmp_path: Path, echo: int) -> None:
    before = threading.active_count()
    with Gate(tmp_path / "log", [f"127.0.0.1:{echo}"]) as gate, ThreadPoolExecutor(200) as pool:
        request = f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\n\r\nhello".encode()
        answers = [f.result() for f in [pool.submit(ask, gate, request, close=True) for _ in range(300)]]
    assert [a for a in answers if not a.endswith(b"hello")] == []
    assert threading.active_count() <= before + 5
    assert len((tmp_path / "log").read_text().splitlines()) == 300


@pytest.mark.parametrize(
    ("free", "disk", "memory", "word"),
    [
        (10**9, 0.5, 0.5, ""),
        (10**8, 0.5, 0.5, "of disk are free"),
        (10**9, 0.81, 0.5, "disk is 81% full, more than [limits] busy_share = 0.8 and has 953.7 MB free, less than disk_plenty_gb = 5"),
        (6 * 10**9, 0.99, 0.5, ""),
        (6 * 10**9, 0.99, 0.81, "memory is 81% used"),
        (10**9, 0.5, 0.81, "memory is 81% used"),
        (10**9, 0.8, None, ""),
    ],
)
def test_nothing_more_is_started_without_room(free: int, disk: float, memory: float | None, word: str) -> None:
    """A disk that is nearly full by its share has room all the same while plenty of it is free."""
    said = enough(free_bytes=free, disk_share=disk, memory_share=memory, floor_gb=0.5, plenty_gb=5, busy_share=0.8)
    assert (word in said) if word else said == ""


def test_the_share_of_memory_is_a_share() -> None:
    share = memory_share()
    assert share is not None and 0 < share < 1
