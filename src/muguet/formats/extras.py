"""Import the packages that only some formats need, and name the extra that brings them where they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from muguet.errors import MuguetError


def require(package: str, extra: str, path: object, content: str) -> ModuleType:
    """Return a package that reads a format.

    Parameters
    ----------
    package
        Name of the package.
    extra
        The extra of muguet that installs it.
    path, content
        The file and what it is, with its article, for the message.

    Raises
    ------
    MuguetError
        If the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MuguetError(
            f"{path} is {content}, which needs the package {package}: install it with pip install 'muguet[{extra}]'"
        ) from error
