"""The packages of an extra of muguet, which name their extra where they are missing."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from types import ModuleType

from muguet.errors import MuguetError

_NAMES = {"skimage": "scikit-image", "pywt": "PyWavelets"}  # Packages that are installed under another name.


def require(extra: str, package: str, subject: str) -> ModuleType:
    """Import a package of an extra.

    Parameters
    ----------
    extra
        The extra of muguet that installs the package.
    package
        Name of the package.
    subject
        What needs it, as the subject of the message.

    Returns
    -------
    ModuleType
        The package.

    Raises
    ------
    MuguetError
        If the package cannot be imported.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MuguetError(missing(extra, package, subject)) from error


def check_installed(extra: str, packages: tuple[str, ...], subject: str) -> None:
    """Check that packages of an extra are installed, without the time that their import takes.

    Parameters
    ----------
    extra, subject
        See `require`.
    packages
        Names of the packages.

    Raises
    ------
    MuguetError
        If one of them is not installed.
    """
    for package in packages:
        try:
            found = find_spec(package)
        except ModuleNotFoundError:  # A package within another one, which is missing.
            found = None
        if found is None:
            raise MuguetError(missing(extra, package, subject))


def missing(extra: str, package: str, subject: str) -> str:
    """Return the message about a package that is not installed, see `require`."""
    name = _NAMES.get(package, package)
    return f"{subject} needs the package {name}: install it with pip install 'muguet[{extra}]'"
