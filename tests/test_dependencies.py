"""Every package that muguet imports when it starts to work is one that its installation brings."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from muguet import __version__

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "muguet"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OF_EXTRAS = {
    "app": {"tornado"},
    "napari": {"napari", "qtpy"},
}  # Packages that only one room imports at its top.


def test_modules_import_only_packages_that_the_installation_brings() -> None:
    """A package of an extra is imported inside a function, which says so in a sentence where it is missing."""
    core = {name.replace("-", "_") for name in names(PROJECT["dependencies"])}
    allowed = core | {"muguet"} | set(sys.stdlib_module_names)
    for file in sorted(SOURCE.rglob("*.py")):
        room = file.relative_to(SOURCE).parts[0]
        missing = set(imported(file)) - allowed - OF_EXTRAS.get(room, set())
        assert not missing, (
            f"{file.relative_to(ROOT)} imports {', '.join(missing)}, which no dependency brings"
        )


def test_the_conda_recipe_brings_the_same_packages() -> None:
    recipe = (ROOT / "conda" / "meta.yaml").read_text(encoding="utf-8")
    run = recipe.split("  run:\n")[1].split("\n\n")[0]
    found = {"torch" if name == "pytorch" else name for name in re.findall(r"- ([\w-]+)", run)} - {"python"}
    assert found == names(PROJECT["dependencies"])
    assert f'set version = "{__version__}"' in recipe


def names(requirements: list[str]) -> set[str]:
    """Return the names of packages without their versions."""
    return {re.split(r"[<>=\[; ]", each)[0] for each in requirements}


def imported(file: Path) -> Iterator[str]:
    """Yield the packages that a module imports when it is imported itself."""
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Import):
            yield from (each.name.split(".")[0] for each in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module.split(".")[0]
