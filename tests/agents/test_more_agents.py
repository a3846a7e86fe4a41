"""OpenCode, Gemini and Aider by a command template: each ends with exit 0 for work it did not do, and none of it ships. Installed by `make more-agents`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jarvis_lib.execution.sandbox import levels
from tests.agents.stub_model import StubModel
from tests.agents.test_real_agents import BIN, FIX, ROOT, RealShop, top
from tests.shop import TOTAL

__all__ = ["top"]
AIDER = ROOT / ".agents" / "aider" / "bin" / "aider"
LINES = {
    "opencode": f'exec {BIN}/opencode run --pure --format json AUTO -m stub/stub-model --dir "$2" "$(cat "$1")"',
    "gemini": f'exec {BIN}/gemini -p "$(cat "$1")" --output-format json --skip-trust AUTO -m gemini-2.5-flash',
    "aider": f'exec {AIDER} --model openai/stub --edit-format diff --message-file "$1" --yes-always --no-stream --no-pretty --no-check-update'
    " --no-show-model-warnings --no-show-release-notes --no-gitignore --no-analytics --map-tokens 0 --no-auto-commits"
    " --chat-history-file /dev/null --input-history-file /dev/null total.py",
}
AUTO = {"opencode": "--auto", "gemini": "--approval-mode yolo", "aider": ""}
pytestmark = [
    pytest.mark.real_agents,
    pytest.mark.skipif(bool(levels.machine().strict_why), reason=f"agents run in the strict sandbox alone: {levels.machine().strict_why}"),
]


def needs(*names: str) -> list[object]:
    where = {"opencode": BIN / "opencode", "gemini": BIN / "gemini", "aider": AIDER}
    return [pytest.param(n, marks=pytest.mark.skipif(not where[n].exists(), reason=f"{n} is not installed: make more-agents")) for n in names]


@pytest.fixture
def shop(top: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealShop]:
    yield RealShop(top, "custom", monkeypatch)


def use(shop: RealShop, name: str, port: int, *, auto: bool) -> None:
    """The agent by a script of the person's, with all that it needs to ask the model at this port."""
    tools = shop.person / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "run.sh").write_text(LINES[name].replace("AUTO", AUTO[name] if auto else "") + "\n")
    (tools / "gemini.json").write_text('{"security": {"auth": {"selectedType": "gemini-api-key"}}}')
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "stub", "options": {"baseURL": f"http://127.0.0.1:{port}/v1", "apiKey": "x"}}
    model = {"stub-model": {"name": "stub", "tool_call": True}}
    config = {"provider": {"stub": provider | {"models": model}}, "permission": {} if auto else {"bash": "ask", "edit": "ask"}, "share": "disabled"}
    env = {
        "OPENCODE_CONFIG_CONTENT": json.dumps(config),
        **dict.fromkeys(("OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_MODELS_FETCH", "OPENCODE_DISABLE_LSP_DOWNLOAD"), "1"),
        "GOOGLE_GEMINI_BASE_URL": f"http://127.0.0.1:{port}",
        "GEMINI_API_KEY": "x",
        "GEMINI_CLI_SYSTEM_SETTINGS_PATH": str(tools / "gemini.json"),
        "OPENAI_API_BASE": f"http://127.0.0.1:{port}/v1",
        "OPENAI_API_KEY": "x",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    for key, value in env.items():
        shop.monkeypatch.setenv(key, value)
    own = {
        "order": 'order = ["custom"]',
        "custom": f'custom = "sh {tools}/run.sh {{prompt_file}} {{dir}}"',
        "network": 'network = "hosts"',
        "hosts": f'hosts = ["127.0.0.1:{port}"]',
        "pass_env": f"pass_env = {json.dumps(sorted(env))}",
        "readable": f"readable = {json.dumps([str(tools), str(ROOT / '.agents')])}",
    }
    shop.settings(mode="", **own)


@pytest.mark.parametrize("name", needs("opencode", "gemini"))
def test_with_its_permissions_it_does_the_work_and_that_ships(name: str, shop: RealShop) -> None:
    """Otherwise the refusals below would prove nothing."""
    with StubModel("ok", FIX) as model:
        use(shop, name, model.port, auto=True)
        one = shop.add()
        shop.night(90)
    assert model.asked >= 2 and shop.state(one) == "shipped", shop.show(one)


@pytest.mark.parametrize("name", needs("opencode", "gemini"))
def test_a_refused_tool_with_exit_0_ships_nothing(name: str, shop: RealShop) -> None:
    with StubModel("ok", FIX) as model:
        use(shop, name, model.port, auto=False)
        one = shop.add()
        shop.night(90)
    last = shop.last(one)
    assert model.asked >= 1 and (last["outcome"], last["exit_code"]) == ("finished", 0), last
    assert (last["verdict"], shop.state(one)) == ("hollow", "failed") and (shop.repo / "total.py").read_text() == TOTAL


@pytest.mark.parametrize("name", needs("aider"))
def test_a_dead_model_server_with_exit_0_ships_nothing(name: str, shop: RealShop) -> None:
    with StubModel("ok") as model:
        port = model.port
    use(shop, name, port, auto=True)
    one = shop.add()
    shop.night(200)
    last = shop.last(one)
    assert (last["outcome"], last["exit_code"], last["verdict"]) == ("finished", 0, "hollow"), last
    assert shop.state(one) == "failed" and (shop.repo / "total.py").read_text() == TOTAL
