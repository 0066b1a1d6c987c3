"""Install CAREamics once in an environment of its own, which git ignores, with the PyTorch of this project."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from muguet import MuguetError

HERE = Path(__file__).resolve().parent
FOLDER = HERE / ".careamics"
CONSTRAINTS = HERE.parent / "constraints.txt"

# CAREamics requires a torchvision that belongs to an older PyTorch than the one pinned here, and whose import fails
# with another version. Its variational autoencoders and its export use it, but N2V and N2V2 do not, so it is replaced
# by a package that can be imported and does nothing.
STAND_IN = '''"""A stand-in for torchvision: it can be imported, and that is all."""

__version__ = "0.0.0"


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)

    def absent(*arguments, **keywords):
        raise NotImplementedError(f"torchvision's {name}: only a stand-in is installed")

    return absent
'''


def environment() -> tuple[Path, dict[str, Any]]:
    """Return the Python with CAREamics and the installed versions; the first call installs them, which takes minutes.

    Raises
    ------
    MuguetError
        If it cannot be installed.
    """
    python = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    record = FOLDER / "installed.json"
    if not record.is_file():
        print(f"installing CAREamics in {FOLDER} (once, some minutes) …", flush=True)
        _run([sys.executable, "-m", "venv", "--clear", str(FOLDER)])
        _stand_in(python)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
        _run([*pip, "install", "-q", pinned_torch(CONSTRAINTS.read_text()), "careamics"])
        record.write_text(json.dumps(_installed(python, pip), indent=1))
    return python, json.loads(record.read_text())


def pinned_torch(constraints: str) -> str:
    """Return the line of a constraints file that pins PyTorch; other pins could exclude CAREamics' latest release."""
    found = re.search(r"^torch==\S+", constraints, re.MULTILINE)
    if found is None:
        raise MuguetError(f"{CONSTRAINTS.name} does not pin torch: add a line torch==VERSION")
    return found.group()


def _stand_in(python: Path) -> None:
    """Write the stand-in for torchvision so that pip considers torchvision installed."""
    where = _run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    package = Path(where.strip()) / "torchvision"
    for part in ("", "models", "ops", "transforms", "transforms/functional"):
        (package / part).mkdir()
        (package / part / "__init__.py").write_text(STAND_IN)
    about = package.with_name("torchvision-0.0.0.dist-info")
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: torchvision\nVersion: 0.0.0\n")
    (about / "INSTALLER").write_text("muguet\n")


def _installed(python: Path, pip: list[str]) -> dict[str, Any]:
    """Return the installed versions, and the latest release, which may be newer."""
    code = "from importlib.metadata import version as v; print(v('careamics'), v('torch'))"
    release, torch = _run([str(python), "-c", code]).split()
    newest = re.search(r"careamics \((\S+)\)", _run([*pip, "index", "versions", "careamics"]))
    return {
        "careamics": release,
        "torch": torch,
        "latest": newest.group(1) if newest else None,
        "torchvision": "a stand-in that does nothing: N2V and N2V2 do not use it",
    }


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "there was no message").splitlines()[-1]
        raise MuguetError(f"CAREamics could not be installed ({' '.join(command[1:4])} …): {last}")
    return done.stdout
