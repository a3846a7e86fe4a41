"""How is a letter sent by email? As a small page of tables for mail programs, with the same in plain text, over TLS, within a minute."""

import hashlib
import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jarvis_lib.doors.delivery.chart import week_png
from jarvis_lib.doors.delivery.letter import Letter, as_text
from jarvis_lib.doors.delivery.outcome import Outcome, TooLong, within
from jarvis_lib.execution.secrets import Mask
from jarvis_lib.model.delivery import port_of
from jarvis_lib.model.prose import clean, listed, plural, shorten

if TYPE_CHECKING:
    import jinja2

TIMEOUT_S = 20.0
"""For each answer of the server."""
WHOLE_S = 60.0
"""For all of it: a server that sends a byte now and then holds nobody for longer."""
DOMAIN = "jarvis.invalid"
"""Of our own message ids; a name that nobody can own."""
LARGEST_PAGE = 5 * 1024**2
TEMPLATES = Path(__file__).with_name("templates")


def send_mail(
    letter: Letter, mail: Mapping[str, Any], password: Sequence[str], *, now: datetime, timeout_s: float = TIMEOUT_S, whole_s: float = WHOLE_S
) -> Outcome:
    """Send the letter by the server of `[delivery.email]`. Whatever goes wrong is a sentence, in which no password stands."""
    made = message_of(letter, mail, now=now, hide=Mask(password))
    outcome = _sent(made, mail, password[0] if password else "", timeout_s, whole_s)
    return Outcome(outcome.ok, Mask(password).text(outcome.said), outcome.again)


def message_of(letter: Letter, mail: Mapping[str, Any], *, now: datetime, hide: Mask) -> EmailMessage:
    """The whole email. The same letter always has the same id, so that a mail program shows it once, however often it was sent."""
    chart = week_png(letter)
    made = EmailMessage()
    made["Subject"] = hide.text(clean(letter.subject))
    made["From"] = mail["sender"]
    made["To"] = ", ".join(mail["to"])
    made["Date"] = format_datetime(now)
    made["Message-ID"] = message_id(letter.key)
    made["References"] = message_id(f"thread:{mail['sender']}:{letter.kind}")
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_content(hide.text(as_text(letter)))
    made.add_alternative(hide.text(html_of(letter, chart="cid:week" if chart else "")), subtype="html")
    if chart:
        page = made.get_body(("html",))
        assert isinstance(page, EmailMessage)
        page.add_related(chart, "image", "png", cid="<week>", disposition="inline", filename="week.png")
    if letter.page is not None and letter.page.stat().st_size <= LARGEST_PAGE:
        text = hide.text(letter.page.read_text(encoding="utf-8", errors="replace"))
        made.add_attachment(text, subtype="html" if letter.page.suffix == ".html" else "plain", filename=letter.page.name)
    return made


def message_id(key: str) -> str:
    """The id of this message, in a domain that does not exist; it tells nothing of the machine."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{DOMAIN}>"


def html_of(letter: Letter, *, chart: str) -> str:
    """The letter as a small light page of tables with inline styles, which is what every mail program shows."""
    return _environment().get_template("letter.html.j2").render(letter=letter, chart=chart)


@cache
def _environment() -> "jinja2.Environment":
    import jinja2

    return jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined)


def _sent(made: EmailMessage, mail: Mapping[str, Any], password: str, timeout_s: float, whole_s: float) -> Outcome:
    where = f"{mail['host']}:{port_of(dict(mail))}"
    try:
        refused = _talk(made, mail, password, timeout_s, whole_s)
    except smtplib.SMTPAuthenticationError as error:
        return Outcome(False, f"login refused by {where} ({_answer(error.smtp_code, error.smtp_error)})", again=True)
    except smtplib.SMTPRecipientsRefused as error:
        told = [f"{who} ({_answer(*why)})" for who, why in error.recipients.items()]
        return Outcome(False, f"{where} takes no mail for {listed(told)}", again=any(code < 500 for code, _ in error.recipients.values()))
    except smtplib.SMTPNotSupportedError as error:
        return Outcome(False, f"{where} cannot do what is asked of it: {shorten(clean(str(error)), 200)}")
    except smtplib.SMTPServerDisconnected as error:
        if isinstance(error.__context__, TimeoutError):
            return Outcome(False, f"{where} did not answer within {timeout_s:g} s", again=True)
        return Outcome(False, f"{where} broke off the connection", again=True)
    except smtplib.SMTPResponseException as error:
        return Outcome(False, f"refused by {where} ({_answer(error.smtp_code, error.smtp_error)})", again=error.smtp_code < 500)
    except smtplib.SMTPException as error:
        return Outcome(False, f"{where}: {shorten(clean(str(error)), 200)}", again=True)
    except ssl.SSLCertVerificationError as error:
        return Outcome(False, f"the certificate of {where} is not trusted: {clean(error.verify_message)}")
    except ssl.SSLError as error:
        return Outcome(False, f"no TLS with {where} ({clean(error.reason or 'unknown')}); look at [delivery.email] security and port", again=True)
    except TooLong:
        return Outcome(False, f"{where} took longer than {whole_s:g} s", again=True)
    except TimeoutError:
        return Outcome(False, f"{where} did not answer within {timeout_s:g} s", again=True)
    except OSError as error:
        return Outcome(False, f"{where} cannot be reached ({clean(error.strerror or str(error))})", again=True)
    if refused:
        return Outcome(True, f"taken by {where}, but not for {listed([f'{who} ({_answer(*why)})' for who, why in refused.items()])}")
    return Outcome(True, f"taken by {where} for {plural(len(mail['to']), 'address', 'addresses')}")


def _talk(made: EmailMessage, mail: Mapping[str, Any], password: str, timeout_s: float, whole_s: float) -> dict[str, tuple[int, bytes]]:
    """One conversation with the server; who was refused among several. Raises what smtplib and the sockets raise."""
    context = ssl.create_default_context()
    kind = _TlsServer if mail["security"] == "ssl" else _Server
    server = kind(mail["host"], timeout_s, context)
    with within(whole_s, lambda: _cut(server)), closing(server):
        code, answer = server.connect(mail["host"], port_of(dict(mail)))
        if code != 220:
            raise smtplib.SMTPConnectError(code, answer)
        if mail["security"] == "starttls":
            server.starttls(context=context)
        if mail["user"]:
            server.login(mail["user"], password)
        refused: dict[str, tuple[int, bytes]] = server.send_message(made)
        with suppress(OSError):  # the message is taken by now, whatever becomes of the goodbye
            server.quit()
    return refused


class _Server(smtplib.SMTP):
    """Made before it is connected, so that it can be cut off from the first moment. It knows the name that the certificate must have."""

    def __init__(self, host: str, timeout_s: float, context: ssl.SSLContext) -> None:
        super().__init__(local_hostname="localhost", timeout=timeout_s)  # not this machine's own name
        self._host = host


class _TlsServer(smtplib.SMTP_SSL):
    """The same, over TLS from its first byte."""

    def __init__(self, host: str, timeout_s: float, context: ssl.SSLContext) -> None:
        super().__init__(local_hostname="localhost", timeout=timeout_s, context=context)
        self._host = host


def _cut(server: smtplib.SMTP) -> None:
    """End the conversation from another thread: whoever waits for an answer gets none."""
    if server.sock is not None:
        with suppress(OSError):
            server.sock.shutdown(socket.SHUT_RDWR)


def _answer(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return shorten(clean(f"{code} {said}"), 160)
