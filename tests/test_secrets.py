"""Secrets are granted by name, read by the worker alone, and appear in nothing that is kept."""

import base64
import json
import os
import random
import time
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.execution.output import Output
from jarvis_lib.execution.secrets import MASK, Mask, granted, read_file
from jarvis_lib.model.fact import Refused
from tests.shop import Shop

VALUE = "hX9-k2L/mQ8+vR4 t&Z1"
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
]


def written(value: str) -> list[str]:
    raw = value.encode()
    return [value, json.dumps(value)[1:-1], quote(value, safe=""), raw.hex(), base64.b64encode(raw).decode(), base64.b64encode(b"user:" + raw).decode()]


@pytest.mark.parametrize("form", range(6))
def test_a_granted_value_is_masked_however_it_is_written(form: int) -> None:
    """Plain, for JSON, for a URL, in hexadecimal, in base64, in base64 behind a name."""
    text = f"before {written(VALUE)[form]} after"
    masked = Mask([VALUE]).text(text)
    assert masked.startswith("before ") and masked.endswith(" after") and VALUE not in masked and written(VALUE)[form][2:-6] not in masked


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


def test_masking_is_quick() -> None:
    data = b"2026-11-24 an ordinary line of a log with some words in it\n" * 40_000
    begin = time.perf_counter()
    Mask([VALUE]).bytes(data)
    assert len(data) / (time.perf_counter() - begin) > 1e7, "slower than 10 MB/s"


def test_a_file_of_secrets_must_be_the_persons_alone(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text("# mine\nexport A='one'\nB=two\n")
    file.chmod(0o600)
    assert read_file(file) == {"A": "one", "B": "two"} and granted(["B"], file=str(file), keyring=False) == {"B": "two"}
    file.chmod(0o640)
    with pytest.raises(Refused, match="chmod 600"):
        read_file(file)
    os.symlink(file, tmp_path / "link")
    with pytest.raises(Refused):
        read_file(tmp_path / "link")
    file.chmod(0o600)
    with pytest.raises(Refused, match="C was granted"):
        granted(["C"], file=str(file), keyring=False)


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
    for form in written(VALUE)[:5]:
        assert form.encode() not in kept
    assert b"got [masked]" in kept or b"masked" in kept


@pytest.mark.parametrize("limit", [64, 1000, 20_000, 200_000])
def test_a_flood_with_secrets_in_it_shows_none_of_them_and_no_half_of_one(limit: int, tmp_path: Path) -> None:
    """Only what is shown of a flood is masked; wherever head and tail are cut, and however it comes in pieces, eight letters of the secret never show."""
    secret, chance = "hunter22secret", random.Random(limit)
    for size in (50, 5_000, 400_000):
        out = Output(tmp_path / "output.log", limit, Mask([secret]))
        printed = 0
        while printed < size:
            word = secret if chance.random() < 0.3 else "".join(chance.choices("abcxyz", k=chance.randrange(1, 60)))
            text = (word + ("\n" if chance.random() < 0.2 else "")).encode()
            cut = chance.randrange(0, len(text) + 1)
            out.write(text[:cut])
            out.write(text[cut:])
            printed += len(text)
        out.flush()
        shown = out.tail() + out.last_line()
        out.close()
        shown += (tmp_path / "output.log").read_text()
        assert not [i for i in range(len(secret) - 7) if secret[i : i + 8] in shown]
