"""Read a file for the page, if it may be read and fits into memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from muguet.app.access import Access
from muguet.errors import MuguetError
from muguet.interactive.source import Source

if TYPE_CHECKING:
    from muguet.image.image import Image


def read_planes(path: Path, name: str, access: Access) -> tuple[Image, Source, tuple[str, ...]]:
    """Return the first image of a file, as it was read and as planes, and the name of each channel.

    Parameters
    ----------
    path
        The file.
    name
        Its name for the user, for messages.
    access
        Which files may be read.

    Raises
    ------
    MuguetError
        If it is no image, is damaged, does not fit into memory, or names files that may not be read.
    """
    from muguet.formats.registry import members, open_all, read
    from muguet.image.axes import Layout
    from muguet.image.values import require_real
    from muguet.system.memory import require_memory

    try:
        access.require(members(path), path.parent)
        sizes = [float(each.nbytes) for each in open_all(path)]
        require_memory(sum(sizes) + 2 * sizes[0], f"{name} and its result")
        image = read(path)
        access.require(image.files, path.parent)
        require_real(image.data, name)
    except MuguetError as error:  # The name of a file in a temporary folder says nothing to the user.
        raise MuguetError(str(error).replace(str(path), name)) from error
    layout = Layout(image.axes, image.data.shape)
    names = image.channel_names if len(image.channel_names) == layout.channels else ()
    lengths = dict(zip(image.axes, image.data.shape, strict=True))
    samples = [letter for letter in "TZ" if letter in image.axes]
    planes = layout.split(image.data).reshape(
        *(lengths[letter] for letter in samples), layout.channels, *layout.space
    )
    source = Source((planes,), (name,), labels=(*samples, "c", "y", "x"))
    return image, source, names or tuple(f"Channel {c}" for c in range(layout.channels))
