"""napari finds the plugin by its manifest, and every command of it by its name."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "src" / "muguet" / "napari" / "napari.yaml"


def test_the_wheel_carries_the_manifest_and_points_to_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["napari.manifest"] == {"muguet": "muguet.napari:napari.yaml"}
    assert "napari/napari.yaml" in project["tool"]["setuptools"]["package-data"]["muguet"]


def test_npe2_accepts_the_manifest_and_its_commands_exist():
    npe2 = pytest.importorskip("npe2")
    manifest = npe2.PluginManifest.from_file(MANIFEST)
    for command in manifest.contributions.commands:
        module, name = command.python_name.split(":")
        spec = importlib.util.find_spec(module)
        assert spec is not None
        assert f"{name}" in Path(spec.origin).read_text()
    assert [widget.command for widget in manifest.contributions.widgets] == ["muguet.panel"]
    assert len(manifest.contributions.sample_data) == 5
