"""One definition of how to train for every command that trains."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from muguet.cli.denoise import denoise
from muguet.cli.fit import fit
from muguet.cli.shared.options import Choices, Inputs, with_choices

NAMES = [field.name for field in fields(Choices)]


@pytest.fixture
def told() -> dict[str, Any]:
    return {}


@pytest.fixture
def ask(told):
    app = typer.Typer()

    @app.command()
    @with_choices
    def work(
        context: typer.Context, inputs: Inputs, *, first: int = 1, choices: Choices, last: int = 2
    ) -> None:
        """Do it."""
        told.update(inputs=inputs, first=first, choices=choices, last=last)

    return lambda *words: CliRunner().invoke(app, list(words))


def test_what_is_not_said_is_as_the_choices_have_it(ask, told):
    assert ask("a.tif").exit_code == 0
    assert (told["first"], told["choices"], told["last"]) == (1, Choices(), 2)


def test_what_is_said_arrives(ask, told):
    assert ask("a.tif", "--last", "5", "--minutes", "0.5", "--recipe", "l2", "--resume").exit_code == 0
    assert told["choices"] == replace(Choices(), minutes=0.5, recipe="l2", resume=True)
    assert told["last"] == 5


def test_limits_hold(ask, told):
    assert ask("a.tif", "--components", "4").exit_code == 2
    assert not told


@pytest.mark.parametrize("command", [denoise, fit])
def test_every_choice_is_an_option_of_both_commands(command):
    parameters = inspect.signature(command).parameters
    assert {name: parameters[name].default for name in NAMES} == {n: getattr(Choices(), n) for n in NAMES}
    assert "choices" not in parameters
