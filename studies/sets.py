"""The image sets of the comparison, and which of their images are held out from training."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pairs
import tifffile
import torch
from pairs import Floats

from muguet import MuguetError
from muguet.noise import PoissonGaussian, corrupt
from muguet.samples import GAIN, OFFSET, acquisition

LEVEL = 20.0  # PSNR in decibels of clean images with simulated Poisson-Gaussian noise
LEFT_OUT = slice(2, None, 3)  # fields of view that are held out from training: four of W2S's twelve
FIELDS, SIZE = 4, 256  # number and side of the phantom's images: as many pixels as one image of 512×512
READ_NOISE = 1.5  # photo-electrons of the phantom's camera
SEEN, UNSEEN = "trained on", "never trained on"
Region = tuple[slice, slice]
WHOLE: Region = (slice(None), slice(None))


@dataclass(frozen=True, eq=False)
class Images:
    """Noisy images ``(n, y, x)`` in counts, and their clean partners of the same shape."""

    noisy: npt.NDArray[np.generic]
    clean: Floats

    @classmethod
    def of(cls, noisy: npt.NDArray[np.generic], clean: Floats) -> Images:
        """Return images whose clean plane is repeated for all frames if there is only one."""
        return cls(noisy, np.broadcast_to(clean, noisy.shape))

    def cut(self, region: Region) -> Images:
        """Return a region of every frame."""
        return Images(self.noisy[:, *region], self.clean[:, *region])


@dataclass(frozen=True)
class Archive:
    """A published file: its address and checksum, and the stack ``(n, y, x)`` in it whose mean is the clean image.

    `sha256` is empty if the only published checksum is that of the record, which pooch reads from the record itself.
    """

    address: str
    name: str
    stack: str
    sha256: str = ""


@dataclass(frozen=True)
class Source:
    """Where a set comes from and how it is used.

    Attributes
    ----------
    read
        Function that reads the set from the folder of images.
    files
        The files in that folder that it reads.
    one_scene
        Whether all frames show the same scene: then a region is held out instead of frames.
    test
        The region that is scored, as published. Training uses the whole image, unless the region is held out.
    shareable
        Whether the pixels may be published.
    """

    read: Callable[[Path], Images]
    files: tuple[str, ...] = ()
    one_scene: bool = True
    test: Region = WHOLE
    shareable: bool = False


def load(name: str, data: Path) -> Images:
    return SETS[name].read(data)


def fingerprint(name: str, data: Path) -> str:
    """Return a hash of the files of a set; downloaded files are left out, because their checksums are fixed."""
    found = hashlib.sha256(name.encode())
    for file in SETS[name].files:
        path = data / file
        if not path.is_file():
            raise MuguetError(
                f"{path} does not exist: give the folder of the images with --data or $MUGUET_DATA, or leave out {name}"
            )
        found.update(path.read_bytes())
    return found.hexdigest()


def split(name: str, images: Images, held_out: bool) -> tuple[Images, dict[str, Images]]:
    """Return the images to train on, and the images to score: those used for training, and held-out ones if wanted.

    Every third field of view is held out. If all frames show one scene, a part of the scene is held out instead: the
    published test region, or the right half.
    """
    source = SETS[name]
    if not held_out:
        return images, {SEEN: images.cut(source.test)}
    if not source.one_scene:
        kept = np.ones(len(images.noisy), bool)
        kept[LEFT_OUT] = False
        seen, unseen = (Images(images.noisy[at], images.clean[at]) for at in (kept, ~kept))
    elif source.test == WHOLE:
        half = images.noisy.shape[2] // 2
        seen, unseen = (images.cut((slice(None), x)) for x in (slice(half), slice(half, None)))
    else:
        seen = images.cut((slice(None), slice(source.test[1].stop, None)))
        unseen = images.cut(source.test)
    return seen, {SEEN: seen, UNSEEN: unseen}


# ---------------------------------------------------------------- where from


def _phantom(data: Path) -> Images:
    clean = np.stack([acquisition((SIZE, SIZE), seed) for seed in range(FIELDS)]).astype(np.float64)
    law = PoissonGaussian(GAIN, OFFSET, READ_NOISE)
    noisy = corrupt(law, torch.from_numpy(clean), torch.Generator().manual_seed(1)).numpy()
    return Images(np.clip(np.rint(noisy), 0, 65535).astype(np.uint16), clean)


def _pair(name: str) -> Source:
    files = f"{name}_noisy.tif", f"{name}_clean.tif"

    def read(data: Path) -> Images:
        noisy, clean = (pairs.read(data / file) for file in files)
        return Images.of(noisy, clean.astype(np.float64))

    return Source(read, files, one_scene=not name.startswith("w2s"))


def _simulated(name: str) -> Source:
    def read(data: Path) -> Images:
        pair = pairs.simulated(data, name, "Poisson-Gaussian", LEVEL)
        return Images(pair.noisy, pair.clean)

    return Source(read, (f"clean_{name}.tif",))


def _published(archive: Archive, test: Region) -> Source:
    def read(data: Path) -> Images:
        noisy = tifffile.imread(fetched(archive))
        return Images.of(noisy, noisy.mean(0, dtype=np.float64))

    return Source(read, test=test)


@functools.cache
def fetched(archive: Archive) -> Path:
    """Return the path of an archive's stack, downloaded once to the user's cache and compared with its checksum.

    Raises
    ------
    MuguetError
        If pooch is not installed, the download fails, or the archive does not contain the stack.
    """
    pooch = _pooch()
    files: list[str]
    try:
        folder, unpack = pooch.os_cache("muguet"), pooch.Unzip()
        if archive.sha256:
            files = pooch.retrieve(
                archive.address, f"sha256:{archive.sha256}", archive.name, folder, processor=unpack
            )
        else:
            record = pooch.create(path=folder, base_url=archive.address)
            record.load_registry_from_doi()  # names and MD5 checksums from the record itself
            files = record.fetch(archive.name, processor=unpack)
    except (OSError, ValueError) as error:
        raise MuguetError(
            f"{archive.name} could not be downloaded from {archive.address}: {error}"
        ) from error
    for file in files:
        if Path(file).name == archive.stack:
            return Path(file)
    raise MuguetError(f"{archive.name} from {archive.address} contains no {archive.stack}: has it changed?")


def _pooch() -> Any:
    try:
        import pooch
    except ImportError as error:
        raise MuguetError("downloading this set needs pooch: pip install pooch") from error
    return pooch


# Prakash et al. 2020, arXiv:1911.12291. The first address and its checksum are those of careamics-portfolio.
CONVALLARIA = Archive(
    "https://cloud.mpi-cbg.de/index.php/s/BE8raMtHQlgLDF3/download",
    "Convallaria_diaphragm.zip",
    "20190520_tl_25um_50msec_05pc_488_130EM_Conv.tif",
    "8a2ac3e2792334c833ee8a3ca449fc14eada18145f9d56fa2cb40f462c2e8909",
)
MOUSE_ACTIN = Archive("doi:10.5281/zenodo.5156937/", "Mouse actin.zip", "sample_attempt2.tif")
MOUSE_NUCLEI = Archive(
    "doi:10.5281/zenodo.5156960/", "Mouse skull nuclei.zip", "example2_digital_offset300.tif"
)
ARCHIVES = {"convallaria": CONVALLARIA, "mouse_actin": MOUSE_ACTIN, "mouse_nuclei": MOUSE_NUCLEI}
PUBLISHED = {
    "convallaria": _published(CONVALLARIA, (slice(512), slice(512))),
    "mouse_actin": _published(MOUSE_ACTIN, (slice(None), slice(512))),
    "mouse_nuclei": _published(MOUSE_NUCLEI, (slice(None), slice(256))),
}
SETS = {
    "phantom": Source(_phantom, one_scene=False, shareable=True),
    **{name: _pair(name) for name in (*pairs.REAL, "fmd_bpae", "fmd_fish", "fmd_mice")},
    **{name: _simulated(name) for name in ("nuclei", "mitochondria")},
    **PUBLISHED,
}
