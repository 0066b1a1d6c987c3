"""A law and a recipe of somebody else's module: by name, on the command line, and from the model file."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from muguet import MuguetError, fit, load
from muguet.formats import read, write
from muguet.image import Image
from muguet.recipes import find_recipe
from muguet.training import Plan, fitting

EXAMPLES = Path(__file__).parents[1] / "examples"
NAME = "own_recipe:recipe"


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield
    sys.modules.pop("own_recipe", None)


@pytest.mark.slow
def test_its_law_is_learned_and_saved(installed, noisy, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "Plan", functools.partial(Plan, batch=4))
    assert len((EXAMPLES / "own_recipe.py").read_text().splitlines()) <= 60
    model = fit(noisy, "YX", steps=30, recipe=NAME, device="cpu")
    model.save(tmp_path / "model.muguet")
    again = load(tmp_path / "model.muguet")
    np.testing.assert_array_equal(again(noisy, "YX"), model(noisy, "YX"))
    signal = np.array([130.0, 300.0])
    known = np.sqrt(2 * (signal - 100) + 16)  # of the fixture: gain 2, offset 100, read noise 4 counts
    ratio = model.learned_laws[0].std(signal) / known
    assert ((ratio > 0.5) & (ratio < 2)).all()
    assert model.learned_laws[0].std(300.0) > model.learned_laws[0].std(130.0)


@pytest.mark.slow
def test_the_command_line_finds_it_in_the_folder(noisy, tmp_path):
    noisy = noisy[:48, :48]
    write(tmp_path / "in.tif", Image(noisy, "YX"))
    arguments = ["denoise", str(tmp_path / "in.tif"), "-o", str(tmp_path / "out.tif"), "--steps", "1"]
    command = [sys.executable, "-m", "muguet", *arguments, "--recipe", NAME, "--symmetries", "1"]
    done = subprocess.run(command, cwd=EXAMPLES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "out.tif").data.shape == noisy.shape


def test_a_model_whose_recipe_is_not_installed_is_one_sentence(installed, noisy, tmp_path, monkeypatch):
    fit(noisy, "YX", steps=1, recipe=NAME, device="cpu").save(tmp_path / "model.muguet")
    sys.modules.pop("own_recipe")
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each != str(EXAMPLES)])
    with pytest.raises(MuguetError, match=r"own_recipe:recipe is not installed here.*install its package"):
        load(tmp_path / "model.muguet")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nonsense", "choose one of joint"),
        ("os:sep", "is not a recipe but a str"),
        ("os:nothing", "is not installed here"),
        ("no.such.package:recipe", "is not installed here"),
        ("../evil:recipe", "not known"),
    ],
)
def test_a_wrong_name_is_one_sentence(name, words):
    with pytest.raises(MuguetError, match=words):
        find_recipe(name)
