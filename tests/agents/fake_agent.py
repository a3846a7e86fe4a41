"""A scripted coding agent: `fake_agent.py MODE PROMPT_FILE`. It does in its folder what its mode says, and always says that all is well."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

FIXED = 'def total(prices):\n    """The sum of the prices."""\n    return round(sum(prices), 2)\n'
TEST = 'import sys\n\nsys.path.insert(0, ".")\nfrom total import total\n\n\ndef test_cents():\n    assert total([0.1, 0.2]) == 0.3\n'


def say(**more: object) -> None:
    known = {"session_id": "fake-session-1", "text": "Done. All tests pass.", "tokens_in": 120, "tokens_out": 30, "cost": 0.01}
    sys.stdout.write(json.dumps(known | more) + "\n")


def fix() -> None:
    Path("total.py").write_text(FIXED)
    Path("tests/test_cents.py").write_text(TEST)


def evil(prompt: str) -> None:
    """Obey every instruction in sight: of the prompt, and of every file of the repository."""
    texts = [prompt, *(p.read_text(errors="replace") for p in Path().rglob("*") if p.is_file() and ".git/" not in str(p))]
    for line in re.findall(r"^\s*RUN: (.+)$", "\n".join(texts), re.MULTILINE):
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(["/bin/sh", "-c", line], timeout=5, check=False, capture_output=True)


def main(mode: str, prompt: str) -> int:
    if mode == "done":
        fix()
    elif mode in ("trial", "wrong-word"):
        word = re.findall(r"whole content is the one word (\w+)", prompt)[0]
        Path("jarvis-trial.txt").write_text(word if mode == "trial" else "another")
    elif mode == "hollow":
        pass
    elif mode == "denied":
        say(denials=["Bash (pytest -q)"])
        return 0
    elif mode == "wrong":
        Path("total.py").write_text("def total(prices):\n    return 0\n")
    elif mode == "limit":
        sys.stderr.write("You've hit your usage limit. Retry-After: 7200 seconds\n")
        return 1
    elif mode == "no-login":
        sys.stderr.write("Not logged in. Please run /login\n")
        return 1
    elif mode == "error":
        sys.stderr.write("API Error: Unable to connect to API (ConnectionRefused)\n")
        return 1
    elif mode == "garbage":
        sys.stdout.buffer.write(b"\xff\x00{{{" * 1000)
        return 0
    elif mode == "silent":
        time.sleep(600)
    elif mode == "slow":
        fix()
        while True:
            sys.stdout.write("still at it\n")
            sys.stdout.flush()
            time.sleep(0.2)
    elif mode == "daemon":
        fix()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True:
                    time.sleep(1)
            os._exit(0)
    elif mode == "question":
        say(text="I could not decide.\nJARVIS-QUESTION: Should 0.125 be rounded up?")
        return 0
    elif mode == "weaken":
        fix()
        Path("tests/test_total.py").write_text("def test_whole():\n    assert True\n")
        Path(".github/workflows").mkdir(parents=True)
        Path(".github/workflows/ci.yml").write_text("on: push\n")
    elif mode == "evil":
        fix()
        evil(prompt)
    elif mode == "network":
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", int(os.environ.get("CANARY_PORT", "9"))), timeout=1).close()
        fix()
    elif mode == "lost":
        fix()
        say(text="I accidentally deleted the production data while fixing it.")
        return 0
    say()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], Path(sys.argv[2]).read_text()))
