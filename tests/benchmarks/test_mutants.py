"""The list of planted faults belongs to the sources as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from _mutants import MUTANTS

import muguet

SOURCES = Path(muguet.__file__).parent


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.key)
def test_each_fault_can_be_planted_once(mutant):
    assert (SOURCES / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1
    assert mutant.new != mutant.old


def test_each_fault_names_tests_that_exist():
    tests = {test for mutant in MUTANTS for test in mutant.tests}
    assert all((Path(__file__).parents[2] / test).exists() for test in tests)


def test_no_fault_is_listed_twice():
    assert len({mutant.key for mutant in MUTANTS}) == len(MUTANTS) >= 54
