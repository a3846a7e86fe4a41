"""The matrix of faults names tests that exist, and says why where it names none."""

import re
from pathlib import Path

import pytest

from tests.faults.matrix import MATRIX, NOT_TESTED

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_each_entry_names_tests_that_exist(name: str) -> None:
    for test in MATRIX[name][2]:
        path, _, function = test.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {re.escape(function)}" if function else r"^def test_", text, re.MULTILINE), f"{name}: no test {test}"


def test_every_fault_and_attack_of_the_two_lists_is_there() -> None:
    wanted = {f"F{n:02}" for n in range(1, 21)} | {f"A{n:02}" for n in range(1, 21)}
    assert wanted - set(MATRIX) == set(NOT_TESTED)
