"""Every command that trains has the same training options."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from muguet.cli.denoise import denoise
from muguet.cli.fit import fit
from muguet.cli.shared.choices import Choices, with_choices
from muguet.cli.shared.options import Inputs

NAMES = [field.name for field in fields(Choices)]


@pytest.fixture
def received() -> dict[str, Any]:
    return {}


@pytest.fixture
def run(received):
    app = typer.Typer()

    @app.command()
    @with_choices
    def work(
        context: typer.Context, inputs: Inputs, *, first: int = 1, choices: Choices, last: int = 2
    ) -> None:
        """Do it."""
        received.update(inputs=inputs, first=first, choices=choices, last=last)

    return lambda *words: CliRunner().invoke(app, list(words))


def test_options_that_are_not_given_have_the_defaults_of_choices(run, received):
    assert run("a.tif").exit_code == 0
    assert (received["first"], received["choices"], received["last"]) == (1, Choices(), 2)


def test_given_options_reach_the_command(run, received):
    assert run("a.tif", "--last", "5", "--minutes", "0.5", "--recipe", "l2", "--resume").exit_code == 0
    assert received["choices"] == replace(Choices(), minutes=0.5, recipe="l2", resume=True)
    assert received["last"] == 5


def test_values_beyond_the_limits_are_refused(run, received):
    assert run("a.tif", "--components", "4").exit_code == 2
    assert not received


@pytest.mark.parametrize("command", [denoise, fit])
def test_every_choice_is_an_option_of_both_commands(command):
    parameters = inspect.signature(command).parameters
    assert {name: parameters[name].default for name in NAMES} == {n: getattr(Choices(), n) for n in NAMES}
    assert "choices" not in parameters
