"""Secrets are granted by name, read by the worker alone, and appear in nothing that is kept."""

import base64
import html
import json
import os
import re
import shlex
import signal
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.execution.output import Output
from jarvis_lib.execution.secrets import MASK, SERVICE, Mask, granted, read_file
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.task import Check
from tests.execution_parts import Bench, bench, command, notebook, pid_in
from tests.shop import Shop

__all__ = ["bench"]

VALUE = "hX9-k2L/mQ8+vR4 t&Z1"
ODD = "pä\"ß'w\\örd<für>%alle"
HALF = 1 << 16
FORMS = [
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + "a1B2" * 10,
    "github_pat_" + "a1B2_" * 10,
    "glpat-" + "a1B2c3D4" * 3,
    "xoxb-" + "123456789012-abcdefABCDEF",
    "sk-ant-" + "api03-" + "aB3_" * 8,
    "sk-proj-" + "aB3d" * 10,
    "sk_live_" + "a1B2c3D4" * 3,
    "AIza" + "aB3-d" * 7,
    "npm_" + "aB3d" * 9,
    "pypi-" + "AgEIcHlwaS5vcmc" * 4,
    "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N",
    "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH " + "PRIVATE KEY-----",
    "https://me:" + "s3cr3tW0rd@example.org/x",
    "https://:" + "s3cr3tW0rd@example.org/x",
    "aws_secret_access_key = " + "aB3/" * 10,
    "xapp-1-" + "A0B1C2D3E4F-" * 3,
    "https://hooks.slack.com/services/" + "T0AB1CD2E/B0AB1CD2E/" + "aB3d" * 6,
    "whsec_" + "a1B2c3D4" * 4,
    "hf_" + "aB3d" * 9,
    "dckr_pat_" + "aB3d" * 7,
    "SG." + "aB3d-_" * 3 + "aB3d." + "aB3d-_x" * 6 + "a",
    "AccountKey=" + "aB3/" * 20 + "==",
    "Authorization: Bearer " + "aB3d.eF-4" * 4,
    '"authorization": "Basic ' + "dXNlcjpzM2NyM3Q=" + '"',
]


def written(value: str) -> dict[str, str]:
    raw = value.encode()
    return {
        "plain": value,
        "JSON": json.dumps(value),
        "JSON with its own letters": json.dumps(value, ensure_ascii=False),
        "JSON in JSON": json.dumps(json.dumps(value)),
        "JSON in JSON with its own letters": json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False),
        "Python": repr(value),
        "HTML": html.escape(value),
        "the shell": shlex.quote(value),
        "a URL": quote(value, safe=""),
        "a form": quote_plus(value),
        "a URL in small letters": re.sub("%..", lambda m: m[0].lower(), quote(value, safe="")),
        "hexadecimal": raw.hex(),
        "HEXADECIMAL": raw.hex().upper(),
        "base64": base64.b64encode(raw).decode(),
        "base64 of a line": base64.b64encode(raw + b"\n").decode(),
        "base64 behind a name": base64.b64encode(b"user:" + raw).decode(),
        "base64 behind another name": base64.b64encode(b"users:" + raw).decode(),
        "base64 of a URL": base64.urlsafe_b64encode(raw).decode(),
    }


def parts(text: str) -> set[str]:
    """Every piece of twelve characters: what would be left of a secret that is masked only in part."""
    return {text[i : i + 12] for i in range(len(text) - 11)}


@pytest.mark.parametrize("value", [VALUE, ODD, "x" * 5 + "0123456789abcdef" * 8], ids=["usual", "odd", "long"])
@pytest.mark.parametrize("how", list(written("")))
def test_a_granted_value_is_masked_however_it_is_written(how: str, value: str) -> None:
    form = written(value)[how]
    masked = Mask([value]).text(f"before {form} after")
    assert masked.startswith("before ") and masked.endswith(" after") and not parts(form[6:-4]) & parts(masked)


def test_base64_that_is_broken_into_lines_is_masked() -> None:
    value = "a-rather-long-token-" + "0aB9" * 30
    coded = base64.encodebytes(value.encode()).decode()
    assert coded.count("\n") > 2 and not parts(coded) & parts(Mask([value]).text(f"x\n{coded}y"))


@pytest.mark.parametrize("secret", FORMS, ids=lambda s: s[:8])
def test_well_known_forms_are_masked_without_being_granted(secret: str) -> None:
    hidden = "s3cr3tW0rd" if "://" in secret else secret.split("\n")[0][-12:]
    assert hidden not in Mask().text(f"x {secret} y") and MASK.decode() in Mask().text(f"x {secret} y")


def test_three_thousand_ordinary_lines_stay_as_they_are() -> None:
    lines = [f"2026-11-24 02:{n % 60:02}:11 status installed libssl3:amd64 3.0.{n}-1~deb12u2 sha256:{n:064x} user_id={n} token count {n}" for n in range(3000)]
    assert Mask().text("\n".join(lines)) == "\n".join(lines)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=8))
def test_a_secret_that_comes_in_any_pieces_is_masked_in_a_log(pieces: list[bytes]) -> None:
    whole = b"".join(pieces).replace(b"\n", b"") + b"KEY=" + VALUE.encode() + b"\ndone"
    cut = [whole[i : i + 3] for i in range(0, len(whole), 3)]
    out = Output(None, 1 << 16, Mask([VALUE]))
    for part in cut:
        out.write(part)
    out.close()
    assert VALUE not in out.tail() and out.tail().endswith("done") and out.total == len(whole)


@pytest.mark.parametrize("line", [b"2026-11-24 an ordinary line of a log with some words in it\n", b"and on and on "], ids=["lines", "one line"])
def test_a_flood_is_not_held_up_by_the_mask(line: bytes) -> None:
    """What is only counted is not masked; the limit here is a tenth of what was measured."""
    out, data = Output(None, 1 << 18, Mask([VALUE])), (line * (1 << 16))[: 1 << 16]
    begin = time.perf_counter()
    for _ in range(1600):
        out.write(data)
    out.close()
    assert out.total / (time.perf_counter() - begin) > 5e7, "slower than 50 MB/s"


KEY = (
    "-----BEGIN OPENSSH "
    + "PRIVATE KEY-----\n"
    + "".join(f"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAA{n:04}\n" for n in range(40))
    + "-----END OPENSSH "
    + "PRIVATE KEY-----"
)
HOSTILE = {
    "a value": f"KEY={VALUE}",
    "a value behind a long line": "x" * 200_000 + VALUE + "y" * 90_000 + VALUE + "z",
    "a private key": f"cat key\n{KEY}\ndone",
    "a private key that was cut off": f"head -20 key\n{KEY[:900]}\n" + "and many more words\n" * 2000,
    "a private key on a long line": "x" * 150_000 + KEY.replace("\n", "\\n") + "y" * 30_000,
    "a value at the joint of head and tail": "x" * (HALF - 10) + VALUE + "y" * 1000,
    "a value at the beginning of the tail": "x\n" * HALF + "y" * 70_000 + VALUE + "z" * (HALF - 9),
    "many values": f"{VALUE}\n" * 20_000,
}


@pytest.mark.parametrize("size", [7, 1000, 65536])
@pytest.mark.parametrize("what", HOSTILE)
def test_no_piece_of_a_secret_is_kept_wherever_it_comes_and_however_it_is_cut(what: str, size: int, tmp_path: Path) -> None:
    """Looked for in the log while it grows, in the log at the end, and in the tail."""
    data, log = HOSTILE[what].encode(), tmp_path / "log"
    pieces = parts(VALUE) | {p for line in KEY.splitlines()[1:-1] for p in parts(line)}
    out = Output(log, 2 * HALF, Mask([VALUE]))
    seen = ""
    for n, at in enumerate(range(0, len(data), size)):
        out.write(data[at : at + size])
        if n % max(len(data) // size // 20, 1) == 0:
            out._previewed = 0.0
            seen += log.read_text(errors="replace") + out.tail()
    out.flush()
    seen += out.tail()
    out.close()
    seen += log.read_text(errors="replace")
    assert not pieces & parts(seen) and "[masked]" in seen and out.total == len(data)


def test_a_file_of_secrets_must_be_the_persons_alone(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text("# mine\nexport A='one for all'\nB=two-by-two\nPIN=1234\n")
    file.chmod(0o600)
    assert read_file(file) == {"A": "one for all", "B": "two-by-two", "PIN": "1234"}
    assert granted(["B"], file=str(file), keyring=False) == {"B": "two-by-two"}
    file.chmod(0o640)
    with pytest.raises(Refused, match="chmod 600"):
        read_file(file)
    os.symlink(file, tmp_path / "link")
    with pytest.raises(Refused):
        read_file(tmp_path / "link")
    file.chmod(0o600)
    with pytest.raises(Refused, match="C was granted"):
        granted(["C"], file=str(file), keyring=False)
    with pytest.raises(Refused, match="PIN has fewer than 6 characters"):
        granted(["PIN"], file=str(file), keyring=False)


def test_a_secret_comes_from_the_keyring_first() -> None:
    """The real keyring with a store of our own behind it: what it does not have is looked for in the file, and is refused where there is none."""
    import keyring
    from keyring.backend import KeyringBackend

    class Held(KeyringBackend):
        priority = 1.0

        def get_password(self, service: str, username: str) -> str | None:
            return VALUE if (service, username) == (SERVICE, "TOKEN") else None

        def set_password(self, service: str, username: str, password: str) -> None:
            raise AssertionError("Jarvis only reads")

    before = keyring.get_keyring()
    keyring.set_keyring(Held())
    try:
        assert granted(["TOKEN"], file="", keyring=True) == {"TOKEN": VALUE}
        with pytest.raises(Refused, match="OTHER was granted, but it is not anywhere"):
            granted(["TOKEN", "OTHER"], file="", keyring=True)
    finally:
        keyring.set_keyring(before)


@pytest.mark.parametrize("kind", ["command", "notebook"])
def test_a_granted_secret_reaches_the_task_and_nothing_that_is_kept(kind: str, tmp_path: Path) -> None:
    """Log, tail, evidence, executed notebook, specs, journal: the value is in none of them; the grant is a row."""
    shop = Shop(tmp_path)
    file = tmp_path / "secrets"
    file.write_text(f"TOKEN={VALUE}\n")
    file.chmod(0o600)
    shop.settings(mode="done", file=f'file = "{file}"')
    own: dict[str, object] = {"command": 'echo got $TOKEN; echo $TOKEN | base64; test -n "$TOKEN" && echo yes > out.txt'}
    if kind == "notebook":
        cell = nbformat.v4.new_code_cell("import os\nprint('got', os.environ['TOKEN'])\nopen('out.txt', 'w').write('yes')")
        (shop.home / "notebooks").mkdir()
        nbformat.write(
            nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}}),
            shop.home / "notebooks/n.ipynb",
        )
        own = {"notebook": "notebooks/n.ipynb"}
    one = shop.add("Use it", "", "Documentation", agent=None, repo=None, checks=["test -s out.txt"], secrets=["TOKEN"], **own)
    shop.night(30)
    assert shop.state(one) in ("shipped", "accepted", "review"), shop.last(one)
    assert (shop.home / "out.txt").read_text().strip() == "yes" and "secret TOKEN" in [g["what"] for g in shop.show(one)["grants"]]
    kept = b"".join(p.read_bytes() for p in (shop.home / "data").rglob("*") if p.is_file() and p.suffix != ".duckdb")
    for form in (VALUE, *(written(VALUE)[how] for how in ("JSON", "a URL", "hexadecimal", "base64"))):
        assert form.encode() not in kept
    assert b"got [masked]" in kept or b"masked" in kept


def test_what_a_killed_worker_leaves_is_masked_too(bench: Bench, tmp_path: Path) -> None:
    """Its executed notebook as far as it came, and its log; a private key over many lines included."""
    file = tmp_path / "secrets"
    file.write_text(f"TOKEN={VALUE}\n")
    file.chmod(0o600)
    task = notebook(
        bench.home,
        f"import os\nprint('got', os.environ['TOKEN'])\nprint({KEY!r})",
        "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)",
        secrets=("TOKEN",),
    )
    handle = bench.submit(task, more={"holding": {"level": "none", "secrets_file": str(file)}})
    partial = handle.folder / ".executed.part.ipynb"
    pid_in(bench.home / "pid")
    until = time.monotonic() + 30
    while not (partial.exists() and "got" in partial.read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(handle.process.pid, signal.SIGKILL)
    result = bench.wait(handle)
    kept = Path(result["notebook"]).read_text() + (handle.folder / "output.log").read_text()
    assert result["outcome"] == "died" and "got [masked]" in kept and VALUE not in kept and "b3BlbnNzaC1rZXkt" not in kept


def test_a_check_that_prints_a_secret_of_a_known_form_is_masked(bench: Bench) -> None:
    secret = "ghp_" + "a1B2" * 10
    one = command("true", checks=(Check(f"printf ghp_; printf {secret[4:]}; exit 1"),))
    verdict, evidence, _ = bench.night(one)
    kept = b"".join(p.read_bytes() for p in bench.folder.rglob("*") if p.is_file() and not p.name.endswith(".spec.json"))
    assert verdict.state == "failed" and secret not in str(evidence) and secret.encode() not in kept and b"[masked]" in kept
