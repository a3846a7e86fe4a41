"""What stands at this address now? At most so many bytes in so many seconds, over http or https only, and nothing when it has not changed."""

import http.client
import time
import urllib.error
import urllib.request
from typing import IO

from jarvis_lib.doors.calendars.limits import OutOfTime, limited
from jarvis_lib.doors.calendars.spans import NotACalendar
from jarvis_lib.model.prose import size

MOST_BYTES = 10 * 1024**2
SECONDS = 10.0


def fetch(url: str, etag: str, *, seconds: float = SECONDS, most: int = MOST_BYTES) -> tuple[bytes | None, str]:
    """(body, its ETag); the body is None when it is still the one with `etag`. Raises NotACalendar with the end of a sentence."""
    asked = urllib.request.Request("https" + url[6:] if url.startswith("webcal:") else url, headers={"User-Agent": "jarvis", "Accept": "text/calendar, */*"})  # noqa: S310  # the scheme is https, or http on loopback; it was looked at before
    if etag:
        asked.add_header("If-None-Match", etag)
    opener = urllib.request.OpenerDirector()  # not the usual one, which would also open files of this machine
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    end = time.monotonic() + seconds
    try:
        with limited(seconds, on_the_clock=True), opener.open(asked, timeout=seconds) as answer:
            return _body(answer, end, most), answer.headers.get("ETag", "")
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 304:
            return None, etag
        raise NotACalendar(f"answers {error.code} {error.reason}") from error
    except (OutOfTime, TimeoutError) as error:
        raise NotACalendar(f"did not answer within {seconds:g} s") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise NotACalendar(f"did not answer within {seconds:g} s") from error
        raise NotACalendar(f"cannot be reached ({error.reason})") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotACalendar(f"cannot be fetched ({type(error).__name__})") from error


def _body(answer: IO[bytes], end: float, most: int) -> bytes:
    parts: list[bytes] = []
    count = 0
    while part := answer.read(65536):
        count += len(part)
        parts.append(part)
        if count > most:
            raise NotACalendar(f"sends more than {size(most)}, which is the most that is fetched")
        if time.monotonic() > end:
            raise TimeoutError
    return b"".join(parts)
