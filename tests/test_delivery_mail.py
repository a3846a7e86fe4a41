"""What stands in an email, and what never does? Letters of each detail, TLS, limits of time, notes by apprise."""

import re
import time
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from jarvis_lib.doors import delivery
from jarvis_lib.doors.delivery.letter import Letter, Line, Part, as_note, as_text, counted
from jarvis_lib.doors.delivery.mail import html_of, message_of, send_mail
from jarvis_lib.doors.delivery.push import send_push
from jarvis_lib.execution.secrets import Mask
from tests.delivery_parts import EIGHT, PASSWORD, Clock, ending, escalation, mailing, messages, night, report, secret, workspace
from tests.facts import added, claimed, ended, passed, task
from tests.receivers import Mailbox, certificate, http_receiver, mail_server, silent_server
from tests.report_nights import MORNING, brief_of, good_night

TITLE, PROOF, HEADLINE = "Zebrafish merger", "the quagga check passed", "Zebrafish merger shipped"
HOSTILE = '<script>alert(1)</script>\r\nBcc: all@example.org\x1b[31m "quoted" & more'


def told(home: Path, detail: str, **more: str) -> EmailMessage:
    """The mail of a morning after one build with a telling title, in this detail."""
    with mail_server(Mailbox()) as box:
        clock = Clock()
        place = mailing(home, clock, box, detail=detail)
        night(place)
        ending(place, more.get("title", TITLE), evidence=[passed() | {"said": PROOF}])
        place.store.write(added(place, task("Ask about the aardvark", category="New features")))
        report(place, headline=more.get("headline", HEADLINE), page=f"<h1>{TITLE}</h1>")
        assert [p.ok for p in delivery.post(place)] == [True], messages(place)
        return box.mails[0]


def words(mail: EmailMessage) -> str:
    """Headers and every text part, decoded."""
    parts = [str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{k}: {v}" for k, v in mail.items()), *parts])


def page_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


# --- how much ------------------------------------------------------------------------------------------------------------


def test_counts_let_nothing_out_but_numbers(tmp_path: Path) -> None:
    """No title, headline, proof, question, id, path or page; neither in the text, nor in the page, nor in a header."""
    mail = told(tmp_path, "counts")
    text = words(mail)
    for word in (TITLE.split()[0], "merger", "quagga", "aardvark", str(tmp_path), "jarvis queue"):
        assert word.lower() not in text.lower()
    assert mail["Subject"] == "[Jarvis] 1 of 1 shipped; 1 needs you (Tue 24 Nov)"
    assert [p.get_filename() for p in mail.iter_attachments()] == []


def test_titles_let_out_titles_and_no_proof(tmp_path: Path) -> None:
    text = words(told(tmp_path, "titles"))
    assert TITLE in text and HEADLINE in text and "aardvark" in text
    assert "quagga" not in text and "jarvis queue" not in text and "<h1>Zebrafish" not in text


def test_full_has_the_proof_the_lines_to_copy_and_the_page(tmp_path: Path) -> None:
    mail = told(tmp_path, "full")
    text = words(mail)
    assert PROOF in text and "If you do nothing: it does not run." in text and "jarvis queue approve" in text
    assert [(p.get_filename(), p.get_content().strip()) for p in mail.iter_attachments()] == [("2026-11-24-morning.html", f"<h1>{TITLE}</h1>")]


def test_a_letter_has_the_headers_of_a_machine_and_shows_in_any_program(tmp_path: Path) -> None:
    """It says that no person wrote it; text, page and picture belong together; the picture is the one that the page shows."""
    mail = told(tmp_path, "titles")
    assert (mail["Auto-Submitted"], mail["From"], mail["To"]) == ("auto-generated", "jarvis@example.org", "me@example.org")
    assert re.fullmatch(r"<[0-9a-f]{32}@jarvis\.invalid>", mail["Message-ID"]) and re.fullmatch(r"<[0-9a-f]{32}@jarvis\.invalid>", mail["References"])
    assert [p.get_content_type() for p in mail.walk()] == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    page, picture = page_of(mail), next(p for p in mail.walk() if p.get_content_type() == "image/png")
    assert 'src="cid:week"' in page and picture["Content-ID"] == "<week>" and picture.get_content()[:4] == b"\x89PNG"
    assert re.findall(r"(?:src|href|url)\W{1,3}(?!cid:week)[\w:/.]+", page) == [] and "Shipped a day: " in page


def test_a_hostile_title_stays_a_text(tmp_path: Path) -> None:
    """It adds no header and no element, and its control characters are gone."""
    mail = told(tmp_path, "titles", title=HOSTILE, headline=HOSTILE)
    assert mail["Bcc"] is None and "<script" not in page_of(mail) and "&lt;script&gt;" in page_of(mail)
    assert "\x1b" not in words(mail)


def test_the_page_of_a_long_night_is_small(tmp_path: Path) -> None:
    """Forty builds and twenty questions: at most 30 KB, and it says how many are left out."""
    with mail_server(Mailbox()) as box:
        place = mailing(tmp_path, Clock(), box, detail="full")
        night(place)
        builds = [task(f"Build number {n} " + "x" * 150) for n in range(40)]
        place.store.write(*[added(place, one) for one in builds])
        place.store.write(*[claimed(place, one, f"a{n}") for n, one in enumerate(builds)])
        place.store.write(*[ended(place, one, f"a{n}", evidence=[passed()]) for n, one in enumerate(builds)])
        place.store.write(*[added(place, task(f"Question {n} " + "y" * 150, category="New features")) for n in range(20)])
        report(place)
        delivery.post(place)
    page = page_of(box.mails[0])
    assert len(page.encode()) <= 30_000 and "and 32 more: jarvis queue report" in page and "and 15 more: jarvis inbox" in page
    assert len(box.mails[0].as_bytes()) < 80_000


def test_an_alert_says_when_and_with_titles_what(tmp_path: Path) -> None:
    with mail_server(Mailbox()) as box:
        place = mailing(tmp_path, Clock(), box, detail="full")
        night(place)
        stopped = ending(place, TITLE, evidence=escalation())
        delivery.post(place)
    text = words(box.mails[0])
    assert box.mails[0]["Subject"] == "[Jarvis] Stopped at 08:00: a task needs you (Tue 24 Nov)"
    assert TITLE in text and "private key" in text and f"jarvis show {stopped}" in text and "it stays stopped" in text


def test_a_subject_has_the_numbers_of_the_page(tmp_path: Path) -> None:
    """A whole night, told in the morning: the email and the headline of the brief count the same."""
    with mail_server(Mailbox()) as box:
        clock = Clock(MORNING)
        place = mailing(tmp_path, clock, box)
        good_night(place)
        made = brief_of(place)
        report(place, headline=made.headline)
        delivery.post(place)
    assert made.headline.startswith("3 of 4 builds shipped") and made.headline.endswith("1 needs you")
    assert box.mails[0]["Subject"] == "[Jarvis] 3 of 4 shipped; 1 needs you (Tue 24 Nov)" and "Problems fixed: 2" in words(box.mails[0])


def test_a_subject_counts_one_as_one() -> None:
    assert [counted(1, 2, n) for n in (0, 1, 3)] == ["1 of 2 shipped; nothing needs you", "1 of 2 shipped; 1 needs you", "1 of 2 shipped; 3 need you"]
    assert counted(0, 0, 0) == "nothing ran; nothing needs you"


# --- the way -------------------------------------------------------------------------------------------------------------


def letter(**more: object) -> Letter:
    own: dict[str, object] = {
        "key": "k1",
        "kind": "morning",
        "subject": "[Jarvis] 1 of 2 shipped",
        "kicker": "Morning brief",
        "headline": "1 of 2 shipped",
        "tone": "ok",
        "parts": (Part("Needs you (1)", (Line("?", "asks you", "warn", "Shall I?"),)),),
        "counts": (("Shipped", "1 of 2 tried"),),
        "week": (),
        "goal": (2, 3),
        "footer": "The end.",
    }
    return Letter(**(own | more))  # type: ignore[arg-type]  # the fields stand above


def settings(port: int, security: str = "none", host: str = "127.0.0.1", **more: object) -> dict[str, object]:
    own = {"host": host, "port": port, "security": security, "user": "", "password": "", "sender": "jarvis@example.org", "to": ["me@example.org"]}
    return own | more


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_a_letter_goes_over_tls_to_a_server_with_a_known_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str) -> None:
    """The login too; a certificate that nobody signed, or of another name, gets neither the letter nor the password."""
    pair = certificate(tmp_path)
    with mail_server(Mailbox(password=PASSWORD), tls=pair, implicit=security == "ssl") as box:
        unknown = send_mail(letter(), settings(box.port, security, "localhost", user="me"), [PASSWORD], now=EIGHT)
        assert not unknown.ok and not unknown.again and "is not trusted" in unknown.said and box.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
        assert send_mail(letter(), settings(box.port, security, "localhost", user="me"), [PASSWORD], now=EIGHT).ok
        other = send_mail(letter(), settings(box.port, security, "127.0.0.1", user="me"), [PASSWORD], now=EIGHT)
        assert not other.ok and "is not trusted" in other.said
    assert len(box.mails) == 1 and box.logins == ["me"] and box.peers == ["localhost"]


def test_nothing_is_said_to_a_server_without_starttls_where_it_is_wanted() -> None:
    """Neither the password nor the letter goes out in the clear."""
    with mail_server(Mailbox()) as box:
        outcome = send_mail(letter(), settings(box.port, "starttls", user="me"), [PASSWORD], now=EIGHT)
    assert not outcome.ok and not outcome.again and "STARTTLS" in outcome.said and (box.mails, box.logins) == ([], [])


def test_a_server_that_says_nothing_is_left_after_its_time() -> None:
    with silent_server() as port:
        begin = time.monotonic()
        outcome = send_mail(letter(), settings(port), [], now=EIGHT, timeout_s=0.4)
    assert not outcome.ok and outcome.again and "did not answer within 0.4 s" in outcome.said and time.monotonic() - begin < 3


def test_a_server_that_is_always_just_in_time_is_cut_off() -> None:
    """Each answer comes in time, and all of them together do not."""
    with mail_server(Mailbox(slow_s=5)) as box:
        begin = time.monotonic()
        outcome = send_mail(letter(), settings(box.port), [], now=EIGHT, timeout_s=20, whole_s=0.7)
    assert not outcome.ok and outcome.again and "took longer than 0.7 s" in outcome.said and time.monotonic() - begin < 4


def test_one_address_that_is_refused_does_not_keep_the_letter_from_the_others() -> None:
    with mail_server(Mailbox(refuse_to="gone@")) as box:
        both = send_mail(letter(), settings(box.port, to=["me@example.org", "gone@example.org"]), [], now=EIGHT)
        none = send_mail(letter(), settings(box.port, to=["gone@example.org"]), [], now=EIGHT)
    assert both.ok and "but not for gone@example.org (550" in both.said and len(box.mails) == 1
    assert not none.ok and not none.again


def test_the_same_letter_always_has_the_same_id_and_no_secret() -> None:
    made = [message_of(letter(headline=f"with {PASSWORD} in it"), settings(25), now=EIGHT + timedelta(hours=n), hide=Mask([PASSWORD])) for n in range(2)]
    assert made[0]["Message-ID"] == made[1]["Message-ID"] and PASSWORD not in words(made[0]) and "[masked]" in words(made[0])


def test_a_letter_reads_the_same_as_text_and_as_page() -> None:
    """All that the page says, the text says, without a mark-up of its own."""
    text, page = as_text(letter(week=(("Mon", 2), ("Tue", 0)))), html_of(letter(week=(("Mon", 2), ("Tue", 0))), chart="")
    for said in ("1 of 2 shipped", "Needs you (1)", "Shall I?", "1 of 2 tried", "Mon 2, Tue 0", "The end."):
        assert said in text and said in page
    assert "<" not in text


# --- notes ---------------------------------------------------------------------------------------------------------------


def test_a_note_goes_through_apprise_and_is_short(tmp_path: Path) -> None:
    """Its address is a secret; the note has the numbered questions, and neither a path nor a line to copy."""
    pytest.importorskip("apprise")
    with http_receiver() as posts:
        secret(tmp_path, PUSH=posts.url.replace("http://", "json://") + "/token-abcdef")
        own = {"channels": ["apprise"], "urls": ["PUSH"], "quiet": "", "detail": "full"}
        place = workspace(tmp_path, Clock(), delivery=own, secrets={"file": str(tmp_path / "secrets.env")})
        place.store.write(added(place, task("Ask about the aardvark", category="New features")))
        report(place)
        (posted,) = delivery.post(place)
        assert posted.ok, posted.said
        body = posts.bodies[0].decode()
        assert "1. Ask about the aardvark" in body and "jarvis queue" not in body and str(tmp_path) not in body
        posts.status = [500]
        failed = send_push(letter(), [posts.url.replace("http://", "json://") + "/token-abcdef"])
        assert not failed.ok and failed.again and "token-abcdef" not in failed.said
    unknown = send_push(letter(), ["nonsense://token-abcdef"])
    assert not unknown.ok and not unknown.again and "token-abcdef" not in unknown.said


def test_a_note_waits_while_the_person_wants_no_notifications(tmp_path: Path) -> None:
    """In the gym the telephone stays silent, and email does not."""
    own = {"channels": ["apprise"], "urls": ["PUSH"], "quiet": ""}
    clock = Clock(EIGHT.replace(hour=17, minute=30))
    place = workspace(tmp_path, clock, delivery=own, secrets={"file": str(tmp_path / "secrets.env")})
    report(place)
    assert delivery.post(place) == [] and "waits until today 18:30" in messages(place)[0]["said"]


def test_a_note_is_never_longer_than_a_service_takes() -> None:
    """Nor does a title in it call anybody."""
    lines = tuple(Line("?", "asks you", "warn", f"Question {n} @everyone " + "z" * 100) for n in range(30))
    note = as_note(letter(parts=(Part("Needs you (30)", lines, "and 3 more: jarvis inbox"),)))
    assert len(note) <= 1000 and "(at)everyone" in note and "@" not in note
