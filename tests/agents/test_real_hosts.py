"""Do the real Codex and Claude Code find and reach the door for agents, set up as `jarvis mcp install` does? Installed by `make agents`."""

import os
import subprocess
from pathlib import Path

import pytest

from jarvis_lib.doors.mcp import hosts
from tests.conftest import NIGHT

BIN = Path(__file__).parents[2] / ".agents" / "node_modules" / ".bin"
QUIET = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1"}


@pytest.mark.real_agents
@pytest.mark.parametrize(("host", "program", "said"), [("codex", "codex", "mcp serve --agent codex"), ("claude-code", "claude", "Connected")])
def test_the_real_hosts_read_it(home: Path, tmp_path: Path, host: str, program: str, said: str) -> None:
    """`codex mcp get` names our command; `claude mcp get` starts the server and is connected."""
    if not (BIN / program).exists():
        pytest.skip(f"{program} is not installed: make agents")
    env = {"HOME": str(tmp_path), "PATH": f"{BIN}:{os.environ['PATH']}"} | QUIET
    hosts.write(hosts.installed(host, home, env=env), now=NIGHT)
    done = subprocess.run(
        [str(BIN / program), "mcp", "get", "jarvis"], env=env, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0 and said in done.stdout, done.stdout + done.stderr
