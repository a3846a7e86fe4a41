"""Real agent CLIs against a model on loopback, in whole nights: what they really do ends in the right words. Installed by `make agents`."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.doors.agent_trial import FILE, try_agent
from jarvis_lib.execution import tree
from jarvis_lib.execution.sandbox import levels
from tests.agents.stub_model import RESETS_IN_S, StubModel
from tests.shop import TOTAL, Shop, git

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".agents" / "node_modules" / ".bin"
FIX = "sed -i 's/int(sum(prices))/round(sum(prices), 2)/' total.py"
AGENTS = [
    pytest.param(name, marks=pytest.mark.skipif(not (BIN / name).exists(), reason=f"{name} is not installed: make agents")) for name in ("codex", "claude")
]
pytestmark = [
    pytest.mark.real_agents,
    pytest.mark.skipif(bool(levels.machine().strict_why), reason=f"agents run in the strict sandbox alone: {levels.machine().strict_why}"),
]


class RealShop(Shop):
    """The shop with a real agent that asks a model on loopback."""

    def __init__(self, top: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(top)
        self.name, self.monkeypatch, self.person = name, monkeypatch, top / "person"
        self.person.mkdir()
        monkeypatch.setenv("HOME", str(self.person))

    def use(self, port: int, **more: str) -> None:
        """Ask the model at this port."""
        provider = f'[model_providers.stub]\nname = "stub"\nbase_url = "http://127.0.0.1:{port}/v1"\nenv_key = "STUB_API_KEY"\nwire_api = "responses"\n'
        retries = "request_max_retries = 0\nstream_max_retries = 0\n"
        (self.person / ".codex").mkdir(exist_ok=True)
        (self.person / ".codex" / "config.toml").write_text(f'model = "stub-model"\nmodel_provider = "stub"\n{provider}{retries}')
        self.monkeypatch.setenv("STUB_API_KEY", "x")
        self.monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
        self.monkeypatch.setenv("ANTHROPIC_BASE_URL", f"http://127.0.0.1:{port}")
        own = {
            "order": f'order = ["{self.name}"]',
            "programs": f'programs = {{ {self.name} = "{BIN / self.name}" }}',
            "network": 'network = "hosts"',
            "hosts": f'hosts = ["127.0.0.1:{port}"]',
            "pass_env": 'pass_env = ["STUB_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"]',
            "readable": "readable = []",
        }
        self.settings(mode="", **(own | more))


@pytest.fixture
def top(tmp_path: Path) -> Iterator[Path]:
    """A folder outside of the temp folder: Codex refuses to keep its helpers below that."""
    folder = ROOT / ".agents" / "nights" / f"{tmp_path.name}-{time.monotonic_ns()}"
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("name", AGENTS)
def test_a_bug_goes_red_to_green_is_verified_accepted_and_undone(name: str, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = RealShop(top, name, monkeypatch)
    with StubModel("ok", FIX) as model:
        shop.use(model.port)
        one = shop.add()
        shop.night(60)
    assert shop.state(one) == "shipped", shop.show(one)["evidence"]
    call = shop.show(one)["calls"][0]
    assert call["agent"] == name and call["tokens_in"] >= 100 and call["session_id"] and (call["cost"] is None) == (name == "codex")
    assert "total() loses cents" in model.prompts and "<<<TASK" in model.prompts
    queue.accept(shop.place, one, now=shop.place.now())
    assert "round(sum(prices), 2)" in (shop.repo / "total.py").read_text()
    queue.undo(shop.place, one, now=shop.place.now())
    assert (shop.repo / "total.py").read_text() == TOTAL and git(shop.repo, "branch", "--list", "jarvis/*") == ""


@pytest.mark.parametrize("name", AGENTS)
def test_says_done_and_did_nothing_is_hollow(name: str, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = RealShop(top, name, monkeypatch)
    with StubModel("hollow") as model:
        shop.use(model.port)
        one = shop.add()
        shop.night(60)
    assert (shop.last(one)["outcome"], shop.last(one)["verdict"]) == ("finished", "hollow")


@pytest.mark.parametrize("name", AGENTS)
def test_a_usage_limit_holds_the_account_until_its_reset(name: str, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = RealShop(top, name, monkeypatch)
    begin = datetime.now(UTC)
    with StubModel("limit") as model:
        shop.use(model.port)
        one = shop.add()
        shop.night(60)
    assert (shop.last(one)["outcome"], shop.state(one), shop.show(one)["task"]["attempts"]) == ("limited", "queued", 0), shop.last(one)
    with shop.place.store.reading() as reader:
        held = reader.rows("autonomous_queue.accounts")[0]["held_until"]
    reset = begin + timedelta(seconds=RESETS_IN_S)
    assert reset - timedelta(minutes=2) <= held <= reset + timedelta(minutes=6)


@pytest.mark.parametrize("name", AGENTS)
def test_a_model_that_never_answers_is_ended_with_the_whole_tree(name: str, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = RealShop(top, name, monkeypatch)
    with StubModel("slow") as model:
        shop.use(model.port, idle_minutes="idle_minutes = 0.1")
        one = shop.add()
        shop.night(40)
        assert shop.last(one)["outcome"] == "timed_out" and tree.tagged([shop.last(one)["id"]]) == []


@pytest.mark.parametrize("name", AGENTS)
def test_a_dead_server_is_a_failure_or_a_time_out_and_never_a_success(name: str, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = RealShop(top, name, monkeypatch)
    with StubModel("ok") as model:
        port = model.port
    shop.use(port, idle_minutes="idle_minutes = 0.2")
    one = shop.add()
    shop.night(45)
    assert shop.last(one)["outcome"] in ("failed", "timed_out") and shop.state(one) in ("queued", "review")


@pytest.mark.parametrize("name", AGENTS)
def test_a_tool_that_is_refused_is_told_as_denied_and_not_as_shipped(name: str, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claude's plan mode and Codex's read-only sandbox refuse the command; both end with exit 0."""
    shop = RealShop(top, name, monkeypatch)
    with StubModel("ok", FIX) as model:
        shop.use(model.port, permission='permission = "read"')
        one = shop.add()
        shop.night(60)
    last = shop.last(one)
    assert last["verdict"] in ("none", "hollow") and shop.state(one) in ("parked", "failed") and (shop.repo / "total.py").read_text() == TOTAL


@pytest.mark.parametrize("name", AGENTS)
def test_a_session_goes_on(name: str, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = RealShop(top, name, monkeypatch)
    with StubModel("ok", FIX) as model:
        shop.use(model.port)
        one = shop.add()
        shop.night(60)
        first = shop.show(one)["calls"][0]["session_id"]
        two = queue.follow_up(shop.place, one, "say more in the docstring", now=shop.place.now()).task.id
        model.prompts = ""
        shop.night(60)
    calls = shop.show(two)["calls"]
    assert calls and calls[0]["session_id"] and "total() loses cents" in model.prompts and "say more in the docstring" in model.prompts
    assert name == "claude" or calls[0]["session_id"] == first


@pytest.mark.parametrize("name", AGENTS)
def test_the_doctor_tells_version_tokens_and_cost_and_finds_the_file(name: str, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = RealShop(top, name, monkeypatch)
    with StubModel("ok", f"echo w0rd > {FILE}") as model:
        shop.use(model.port)
        found = {f.name: f for f in try_agent(shop.place, name, word="w0rd", now=datetime.now(UTC))}
    assert (found["Program"].level, found["Call"].level, found["File"].level) == ("ok", "ok", "ok"), found
    assert "tokens in" in found["Cost"].said and ("cost unknown" in found["Cost"].said) == (name == "codex")
    assert not list((shop.home / "data" / "attempts").iterdir())


@pytest.mark.parametrize("name", AGENTS)
def test_no_log_in_is_left_in_the_home_of_a_task(name: str, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = RealShop(top, name, monkeypatch)
    with StubModel("ok", FIX) as model:
        shop.use(model.port)
        (shop.person / ".claude").mkdir()
        (shop.person / ".claude" / ".credentials.json").write_text("{}")
        (shop.person / ".codex" / "auth.json").write_text('{"OPENAI_API_KEY": "x"}')
        one = shop.add()
        shop.night(60)
    assert shop.state(one) == "shipped"
    assert [p for p in (shop.home / "data").rglob("*") if p.name in (".credentials.json", "auth.json")] == []
