"""Each category's proof in whole nights, in the jail: what ships, what is a question, what is refused."""

from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.execution.sandbox import levels
from tests.shop import Shop, git

needs_strict = pytest.mark.skipif(bool(levels.machine().strict_why), reason=f"agents run in the strict sandbox alone: {levels.machine().strict_why}")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def works(shop: Shop, title: str, category: str, command: str, **more: Any) -> str:
    one = shop.add(title, "", category, **({"agent": None, "command": command} | more))
    shop.night(30)
    return one


@needs_strict
def test_documentation_is_proved_by_equal_syntax_trees_and_code_under_that_name_is_a_question(shop: Shop) -> None:
    good = works(shop, "Describe it", "Documentation", """sed -i 's/The sum of the prices/The sum of all prices/' total.py""", checks=["true"])
    assert shop.state(good) == "shipped"
    bad = works(shop, "Describe it too", "Documentation", "sed -i 's/int(/round(/' total.py", checks=["true"])
    assert shop.state(bad) == "review" and "it says Documentation, but it changes code" in shop.last(bad)["verdict_why"]


@needs_strict
def test_a_check_cannot_be_weakened_by_what_it_checks(shop: Shop) -> None:
    """The checks' own files come from the base: the test that the task rewrote is run as it was."""
    line = "printf 'def test_whole():\\n    pass\\n' > tests/test_total.py; sed -i 's/int(sum(prices))/-1/' total.py"
    one = works(shop, "Fix", "Bug fixes", line, checks=["{python} -m pytest -q -p no:cacheprovider tests/test_total.py"])
    checks = [e for e in shop.show(one)["evidence"] if e["kind"] == "check"]
    assert checks and checks[0]["ok"] is False and shop.state(one) in ("failed", "review")


@needs_strict
def test_what_was_left_uncommitted_and_ignored_cannot_help_a_check(shop: Shop) -> None:
    (shop.repo / ".gitignore").write_text("helper.txt\n")
    git(shop.repo, "add", ".")
    git(shop.repo, "commit", "-qm", "Ignore")
    one = works(shop, "Fix", "Bug fixes", "echo yes > helper.txt; sed -i 's/int(/round(/' total.py", checks=["test -f helper.txt"])
    assert shop.last(one)["verdict"] == "refuted"


@needs_strict
def test_a_fix_whose_check_was_green_before_proves_nothing(shop: Shop) -> None:
    one = works(shop, "Fix", "Bug fixes", "sed -i 's/int(/round(/' total.py", checks=["true"])
    assert shop.state(one) == "review" and "No check was red before" in shop.last(one)["verdict_why"]


@pytest.mark.long
@needs_strict
def test_a_speed_up_is_a_measured_ratio_with_equal_results(shop: Shop) -> None:
    (shop.repo / "work.py").write_text("import time\n\n\ndef work():\n    time.sleep(0.06)\n    return 42\n")
    lines = ["import time", "from work import work", "t = time.perf_counter()", "print('right' if work() == 42 else 'wrong')", "print(time.perf_counter() - t)"]
    (shop.repo / "bench.py").write_text("\n".join(lines))
    git(shop.repo, "add", ".")
    git(shop.repo, "commit", "-qm", "Work")
    own: dict[str, Any] = {"measures": ["{python} bench.py"], "checks": []}
    faster = works(shop, "Speed it up", "Performance optimization", "sed -i 's/0.06/0.01/' work.py", **own)
    assert shop.state(faster) == "shipped" and "x faster" in shop.last(faster)["verdict_why"]
    wrong = works(shop, "Cheat", "Performance optimization", "sed -i 's/0.06/0.01/; s/return 42/return 41/' work.py", **own)
    assert shop.state(wrong) == "failed" and "not equal" in shop.last(wrong)["verdict_why"]
    meddled = works(shop, "Cheat more", "Performance optimization", "sed -i 's/^t = .*/t = time.perf_counter() + 1/' bench.py", **own)
    assert shop.state(meddled) in ("review", "failed") and any("bench.py" in s for s in shop.said(meddled, "guard"))


@needs_strict
def test_a_refactoring_keeps_as_many_tests_as_before(shop: Shop) -> None:
    check = "{python} -m pytest -q -p no:cacheprovider tests"
    tidy = "printf 'def total(prices):\\n    found = sum(prices)\\n    return int(found)\\n' > total.py"
    good = works(shop, "Tidy", "Refactoring", tidy, checks=[check])
    assert shop.state(good) == "shipped" and "1 test passes, 1 before" in shop.said(good, "check")


@needs_strict
def test_infrastructure_in_a_repository_is_taken_back_once_to_see_that_it_can_be(shop: Shop) -> None:
    one = works(shop, "Optimise the database nightly: vacuum", "Infrastructure", "echo vacuum > maintenance.txt", checks=["test -s maintenance.txt"])
    assert shop.state(one) == "parked" and shop.show(one)["attempts"] == []  # not Jarvis's own recipe, so it waits for a yes
    queue.approve(shop.place, one, now=shop.place.now())
    shop.night(30)
    assert shop.last(one)["outcome"] == "finished" and any("taken back in a clean copy" in s for s in shop.said(one, "check"))


@needs_strict
def test_a_command_that_asks_for_the_network_is_denied_and_told(shop: Shop) -> None:
    one = works(shop, "Fetch", "Bug fixes", "{python} -c 'import socket; socket.create_connection((\"192.0.2.1\", 80), 2)'", checks=["true"])
    assert (shop.last(one)["outcome"], shop.state(one)) == ("denied", "parked") and "the network" in shop.last(one)["verdict_why"]
