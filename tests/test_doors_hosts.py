"""Does a host's configuration keep every byte that is not ours? Shown before it is written, the same twice, taken out again."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lib.cli.entry import main
from jarvis_lib.doors.mcp import hosts
from jarvis_lib.model.fact import Refused
from tests.conftest import NIGHT

FILES = {"claude-code": ".claude.json", "codex": ".codex/config.toml", "openclaw": ".openclaw/openclaw.json"}
TEXTS = {
    "claude-code": json.dumps(
        {"numStartups": 3, "oauthAccount": {"accessToken": "s3cret"}, "mcpServers": {"other": {"command": "x"}}, "üml": 1}, indent=2, ensure_ascii=False
    ),
    "codex": '# mine\nmodel = "gpt"\n\n[mcp_servers.other]\ncommand = "x"  # keep\n\n[profiles.a]\nmodel = "b"\n',
    "openclaw": '{\n\t"gateway": {\n\t\t"token": "s3cret"\n\t},\n\t"mcp": {\n\t\t"servers": {\n\t\t\t"docs": {\n\t\t\t\t"url": "https://example.org"\n\t\t\t}\n\t\t}\n\t}\n}\n',
}


def prepared(tmp_path: Path, host: str) -> tuple[Path, dict[str, str]]:
    path = tmp_path / FILES[host]
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEXTS[host])
    path.chmod(0o600)
    return path, {"HOME": str(tmp_path)}


def entry(host: str, path: Path) -> dict[str, object]:
    """Our entry, as the host reads it."""
    if host == "codex":
        return dict(tomllib.loads(path.read_text())["mcp_servers"]["jarvis"])
    config = json.loads(path.read_text())
    return dict(config["mcp"]["servers"]["jarvis"] if host == "openclaw" else config["mcpServers"]["jarvis"])


@pytest.mark.parametrize("host", FILES)
def test_it_is_installed_once_and_taken_out_to_the_byte(home: Path, tmp_path: Path, host: str) -> None:
    """Install, install again (nothing), remove: the file is what it was, the rest of it never changed, and the old one is kept beside it."""
    path, env = prepared(tmp_path, host)
    change = hosts.installed(host, home, env=env)
    backup = hosts.write(change, now=NIGHT)
    assert backup is not None and backup.read_text() == TEXTS[host] and path.stat().st_mode & 0o777 == 0o600 == backup.stat().st_mode & 0o777
    own = entry(host, path)
    assert Path(str(own["command"])).is_absolute() and own["args"][-4:] == ["mcp", "serve", "--agent", host]  # type: ignore[index]  # a list of texts
    assert "s3cret" not in "\n".join(change.diff) and all(line[:1] != "-" or line.startswith("---") or line.endswith(("}", "],")) for line in change.diff)
    assert hosts.installed(host, home, env=env).diff == []
    hosts.write(hosts.removed(host, env=env), now=NIGHT)
    assert path.read_text() == TEXTS[host]
    assert hosts.removed(host, env=env).diff == []


@pytest.mark.parametrize("host", FILES)
def test_a_host_without_a_configuration_gets_one(home: Path, tmp_path: Path, host: str) -> None:
    """Where no file is, one is made that holds nothing else, readable by the person alone."""
    env = {"HOME": str(tmp_path)}
    assert hosts.write(hosts.installed(host, home, env=env), now=NIGHT) is None
    path = tmp_path / FILES[host]
    assert path.stat().st_mode & 0o777 == 0o600 and entry(host, path)["args"]
    hosts.write(hosts.removed(host, env=env), now=NIGHT)
    assert path.read_text().strip() in ("", "{}")


def test_another_place_is_another_file_and_a_link_stays_one(home: Path, tmp_path: Path) -> None:
    """CODEX_HOME, CLAUDE_CONFIG_DIR and OPENCLAW_CONFIG_PATH are followed; a linked file is written where it is."""
    real = tmp_path / "dotfiles.toml"
    real.write_text("a = 1\n")
    (tmp_path / "c").mkdir()
    (tmp_path / "c/config.toml").symlink_to(real)
    hosts.write(hosts.installed("codex", home, env={"HOME": str(tmp_path), "CODEX_HOME": str(tmp_path / "c")}), now=NIGHT)
    assert (tmp_path / "c/config.toml").is_symlink() and "jarvis" in real.read_text()
    env = {"HOME": str(tmp_path), "CLAUDE_CONFIG_DIR": str(tmp_path / "d"), "OPENCLAW_CONFIG_PATH": str(tmp_path / "o.json")}
    assert hosts.config_path("claude-code", env) == tmp_path / "d/.claude.json" and hosts.config_path("openclaw", env) == tmp_path / "o.json"


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("claude-code", "{broken"),
        ("claude-code", '{"mcpServers": []}'),
        ("claude-code", '{"a": 1, "a": 2}'),
        ("claude-code", "[]"),
        ("openclaw", "{ // a comment\n mcp: {} }"),
        ("codex", "a = \n"),
        ("codex", 'mcp_servers = { other = { command = "x" } }\n'),
        ("codex", 'note = """\n[mcp_servers.jarvis]\n"""\n'),
    ],
)
def test_what_cannot_be_changed_safely_is_left_alone(home: Path, tmp_path: Path, host: str, text: str) -> None:
    """Broken, commented, twice the same name, an inline table, a text that looks like our table: refused, with what to add by hand; no byte changes."""
    path, env = prepared(tmp_path, host)
    path.write_text(text)
    with pytest.raises(Refused, match="left alone"):
        hosts.write(hosts.installed(host, home, env=env), now=NIGHT)
    assert path.read_text() == text and [p.name for p in path.parent.iterdir() if "jarvis-" in p.name] == []


def test_a_file_that_changed_meanwhile_is_left_alone(home: Path, tmp_path: Path) -> None:
    """The host wrote its file while the person read the difference: nothing is lost."""
    path, env = prepared(tmp_path, "claude-code")
    change = hosts.installed("claude-code", home, env=env)
    path.write_text('{"newer": true}')
    with pytest.raises(Refused, match="in the meantime"):
        hosts.write(change, now=NIGHT)
    assert path.read_text() == '{"newer": true}'


KEY = st.text("abcxyz_", min_size=1, max_size=6).filter(lambda k: k != "mcp_servers")
TABLES = st.dictionaries(KEY, st.dictionaries(KEY, st.integers() | st.text("ab\n#[]\"'é", max_size=8), max_size=3), max_size=4)


@settings(max_examples=60)
@given(TABLES, st.booleans(), st.integers(0, 2))
def test_any_configuration_survives(tmp_path_factory: pytest.TempPathFactory, tables: dict[str, dict[str, object]], with_other: bool, blank: int) -> None:
    """Whatever tables a TOML file has: after install and remove it is the same bytes, and in between the same meaning but for our entry."""
    folder = tmp_path_factory.mktemp("c")
    text = ("\n" * blank).join(f"[{name}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in own.items()) for name, own in tables.items())
    text += "[mcp_servers.other]\ncommand = 'x'\n" if with_other else ""
    text += "\n" * blank
    (folder / "config.toml").write_text(text)
    env = {"HOME": str(folder), "CODEX_HOME": str(folder)}
    hosts.write(hosts.installed("codex", folder, env=env), now=NIGHT)
    found = tomllib.loads((folder / "config.toml").read_text())
    del found["mcp_servers"]["jarvis"]
    assert {k: v for k, v in found.items() if v} == {k: v for k, v in tomllib.loads(text).items() if v}
    hosts.write(hosts.removed("codex", env=env), now=NIGHT)
    assert (folder / "config.toml").read_text() == text


def test_the_command_line_shows_asks_and_refuses(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """--dry-run writes nothing; without a terminal it needs --yes; an unknown host and a wrong agent name are told; twice changes nothing."""
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    (tmp_path / "person").mkdir()
    at = ["--home", str(home), "mcp"]
    assert main([*at, "install", "--host", "codex", "--dry-run"]) == 0 and "mcp_servers.jarvis" in capsys.readouterr().out
    assert main([*at, "install", "--host", "codex"]) == 4 and "--yes" in capsys.readouterr().err
    assert not (tmp_path / "person/.codex").exists()
    assert main([*at, "install", "--host", "codex", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["written"] is True
    assert main([*at, "install", "--host", "codex", "--yes"]) == 0 and "Nothing to change" in capsys.readouterr().out
    assert main([*at, "install", "--host", "codx"]) == 2 and "Did you mean 'codex'?" in capsys.readouterr().err
    assert main([*at, "serve", "--agent", "Evil\x1b[0m name"]) == 2 and "no name of an agent" in capsys.readouterr().err
    assert main([*at, "remove", "--host", "codex", "--yes"]) == 0 and (tmp_path / "person/.codex/config.toml").read_text() == ""
