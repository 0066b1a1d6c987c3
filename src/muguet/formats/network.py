"""Addresses of Zarr stores on a network, which commands pass on as paths."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muguet.errors import MuguetError

if TYPE_CHECKING:
    from zarr.abc.store import Store

_ADDRESS = re.compile(r"(https?|s3):/+(.+)")  # A path merges the two slashes of an address.


def address_of(path: Path | None) -> str | None:
    """Return the network address that a path stands for, or None: https, http or s3."""
    found = None if path is None else _ADDRESS.fullmatch(path.as_posix())
    return None if found is None else f"{found[1]}://{found[2]}"


def network_store(address: str) -> Store:
    """Return the Zarr store at an address, which is only read.

    Raises
    ------
    MuguetError
        If a package is missing that reads from this kind of address.
    """
    from zarr.storage import FsspecStore

    s3 = address.startswith("s3:")
    package = "s3fs" if s3 else "fsspec and aiohttp"
    options: dict[str, Any] = {}
    if s3 and not os.environ.keys() & {"AWS_ACCESS_KEY_ID", "AWS_PROFILE"}:
        options["anon"] = True  # Public data are read without an account.
    try:
        return FsspecStore.from_url(address, storage_options=options, read_only=True)
    except ImportError as error:
        raise MuguetError(
            f"{address} is a network address, which needs {package}: install them with pip install "
            f"{package.replace(' and', '')}"
        ) from error
