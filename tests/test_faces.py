"""The doors of the house: every room has a public face, and those outside come in by it."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

import muguet

ROOT = Path(__file__).parents[1]
ROOMS = [path.parent.name for path in sorted((ROOT / "src" / "muguet").glob("*/__init__.pyi"))]
TOP = ("muguet.app", "muguet.cli", "muguet.napari")  # Programs on the top floor, which have no face.
OUTSIDE = [
    path for room in ("studies", "benchmarks", "examples", "tests") for path in (ROOT / room).rglob("*.py")
]


def faces():
    return {"muguet": set(muguet.__all__)} | {
        f"muguet.{room}": set(importlib.import_module(f"muguet.{room}").__all__) for room in ROOMS
    }


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_face_is_there_and_says_what_it_is(room):
    face = importlib.import_module(f"muguet.{room}")
    assert face.__doc__
    assert set(face.__all__) <= set(dir(face))
    for name in face.__all__:
        thing = getattr(face, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), f"{face.__name__}.{name} has no docstring"


@pytest.mark.slow
def test_names_are_themselves_whichever_module_is_imported_first():
    """A function must not be hidden by the module of its name once that is imported."""
    code = (
        "import pkgutil, importlib, types, muguet\n"
        "for m in pkgutil.walk_packages(muguet.__path__, 'muguet.'):\n"
        "    if not m.name.endswith('__main__') and 'muguet.napari.' not in m.name:\n"
        "        importlib.import_module(m.name)\n"
        f"for room in {ROOMS}:\n"
        "    face = importlib.import_module('muguet.' + room)\n"
        "    for name in face.__all__:\n"
        "        stub = {n for n in face.__all__ if isinstance(getattr(face, n), types.ModuleType)}\n"
        "        assert stub <= {'classical', 'style', 'checkpoint', 'processes'}, (room, stub)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_fit_shows_its_signature_and_docstring():
    assert "minutes" in inspect.signature(muguet.fit).parameters
    assert "Learn a denoiser" in muguet.fit.__doc__


def test_import_is_light():
    code = "import sys, muguet; dir(muguet); sys.exit(bool({'torch', 'numpy', 'typer'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = muguet.nonsense


def test_errors_are_value_errors():
    assert issubclass(muguet.MuguetError, ValueError)


def test_types_are_published():
    assert (files("muguet") / "py.typed").is_file()


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_those_outside_come_in_by_the_face(path):
    """Studies, benchmarks and examples import from faces only; tests reach deeper for what no face has."""
    known, wrong = faces(), []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("muguet."):
            continue
        face = ".".join(node.module.split(".")[:2])
        face = face if face in known or face in TOP else "muguet"
        if node.module in known or node.module == "muguet.samples" or face in TOP:
            continue
        test = path.is_relative_to(ROOT / "tests")
        wrong += [f"{node.module}.{a.name}" for a in node.names if not test or a.name in known[face]]
    assert not wrong, f"import these from {', '.join(sorted(known))}: {', '.join(wrong)}"
