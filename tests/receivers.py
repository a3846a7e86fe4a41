"""A real SMTP server and a real HTTP receiver on loopback, which can also refuse, break off, be slow or be down."""

import asyncio
import http.server
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Mailbox:
    """What arrived, and how the server behaves: `refuse` is its answer to DATA; `breaks` mails are broken off in DATA before it takes one.

    `slow_s` it waits before each answer to DATA; `password` is the one that it lets in, and None lets everybody in.
    """

    refuse: str = ""
    refuse_to: str = ""
    breaks: int = 0
    slow_s: float = 0.0
    password: str | None = None
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # aiosmtpd's name
        if self.refuse_to and self.refuse_to in address:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # aiosmtpd's name
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        if self.breaks:
            self.breaks -= 1
            assert server.transport is not None
            server.transport.abort()
            return "250 nobody hears this"
        if self.refuse:
            return self.refuse
        found = BytesParser(policy=default).parsebytes(envelope.content or b"")
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        self.peers.append(session.host_name or "")
        return "250 taken"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        right = self.password is None or data.password.decode() == self.password
        return AuthResult(success=right, handled=False)


@contextmanager
def mail_server(box: Mailbox, *, tls: tuple[Path, Path] | None = None, implicit: bool = False) -> Iterator[Mailbox]:
    """Serve SMTP on a free port of loopback, with STARTTLS or TLS from the first byte where a certificate and its key are given."""
    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    loop = asyncio.new_event_loop()

    def session() -> SMTP:
        return SMTP(
            box,
            hostname="mail.test",
            tls_context=None if implicit else context,
            authenticator=box.authenticate,
            auth_required=False,
            auth_require_tls=False,
            loop=loop,
        )

    server = loop.run_until_complete(loop.create_server(session, "127.0.0.1", box.port, ssl=context if implicit else None))
    box.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()


def certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """A certificate of our own for `name` and its key, made by openssl."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    about = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "2"]
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert), *about]
    subprocess.run(argv, check=True, capture_output=True)
    return cert, key


@dataclass
class Posts:
    """What was posted, and the answers: `status` for each (the last one stays), after `slow_s`; with `drips` the answer comes byte by byte."""

    status: list[int] = field(default_factory=lambda: [200])
    slow_s: float = 0.0
    drips: bool = False
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def http_receiver() -> Iterator[Posts]:
    """A receiver of POSTs on a free port of loopback."""
    posts = Posts()
    over = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            posts.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            posts.headers.append(dict(self.headers.items()))
            posts.paths.append(self.path)
            status = posts.status.pop(0) if len(posts.status) > 1 else posts.status[0]
            over.wait(posts.slow_s)
            try:
                if posts.drips:
                    for byte in b"HTTP/1.0 200 OK\r\nX-Slow: " + b"a" * 600:
                        self.wfile.write(bytes([byte]))
                        if over.wait(0.05):
                            return
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"{posts.url}/elsewhere")
                self.end_headers()
                self.wfile.write(b"thank you")
            except OSError:
                return  # whoever asked has gone

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    posts.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield posts
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def silent_server() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def closed_port() -> int:
    """A port on which nobody listens."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    time.sleep(0.01)
    return port
