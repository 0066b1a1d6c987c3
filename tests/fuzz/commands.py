"""Command lines with impossible values and awkward names, and images with extreme pixel values."""

from __future__ import annotations

import io
from random import Random

import numpy as np
import tifffile

from tests.fuzz.case import WEIRD_NAMES, WEIRD_NUMBERS, Case
from tests.fuzz.tiffs import picture

_VALUES = (
    *map(str, WEIRD_NUMBERS),
    *(
        "inf",
        "-inf",
        "nan",
        "9e18",
        "1e999",
        "meta",
        "cuda",
        "cpu",
        "cuda:99",
        "mps",
        "auto",
        "",
        " ",
        "0x10",
        "١",
    ),
    *(
        "YX",
        "TZCYX",
        "XX",
        "Q",
        "uint8",
        "float32",
        "complex64",
        "x1",
        "x9",
        "x1y1",
        "pixel",
        "joint",
        "l2",
        "care",
    ),
    *(
        "gaussian-blur",
        "bm3d",
        "none",
        "scenes",
        "1:2",
        "2:1",
        ":",
        "nan:nan",
        "sound.tif",
        "sound.muguet",
        "no.tif",
    ),
    *WEIRD_NAMES,
)
_OPTIONS = {
    "denoise": (
        *(
            "--out",
            "--model",
            "--minutes",
            "--steps",
            "--components",
            "--recipe",
            "--net",
            "--clean",
            "--psf",
        ),
        *("--mask", "--prior", "--seed", "--device", "--axes", "--scene", "--valid-range", "--mask-value"),
        *("--dimensions", "--symmetries", "--dtype", "--uncertainty", "--save-model", "--report", "--log"),
    ),
    "info": ("--scene", "--log"),
    "noise": ("--clean", "--noisy", "--channel", "--gain", "--offset", "--read-noise", "--out", "--scene"),
    "check": ("--model", "--channel", "--plane", "--scene"),
    "judge": ("--noisy", "--axes"),
    "simulate": (
        *("--law", "--gain", "--offset", "--read-noise", "--std", "--frames", "--dtype", "--axes", "--seed"),
        "--out",
    ),
}
_FLAGS = (
    "--json",
    "--overwrite",
    "--resume",
    "--quiet",
    "--verbose",
    "--recursive",
    "--strict",
    "--skip-existing",
)
_START = {
    "denoise": (
        ["sound.tif", "--model", "sound.muguet"],
        ["sound.tif", "--steps", "0"],
        ["sound.tif", "--steps", "1"],
    ),
    "info": (["sound.tif"], ["sound.muguet"]),
    "noise": (["sound.tif"], ["sound.muguet"], ["sound.tif", "--clean", "sound.tif"]),
    "check": (["sound.tif"], ["sound.tif", "sound.tif"], ["sound.tif", "--model", "sound.muguet"]),
    "judge": (["sound.tif", "sound.tif"],),
    "simulate": (["sound.tif", "-o", "out.tif"],),
}


def command_case(chance: Random) -> Case:
    """Return a command line of sound files with some options that have awkward values."""
    command = chance.choice(list(_OPTIONS))
    words = [command, *chance.choice(_START[command])]
    for _ in range(chance.choice((1, 1, 2, 3))):
        option, value = chance.choice(_OPTIONS[command]), chance.choice(_VALUES)
        words += [option, value] if chance.random() < 0.8 else [f"{option}={value}"]
    if chance.random() < 0.2:
        words.append(chance.choice(_FLAGS))
    if chance.random() < 0.1:
        words[1] = chance.choice(WEIRD_NAMES)
    if command == "denoise" and "--model" not in words and "gaussian-blur" not in words:
        words += ["--steps", "1"]  # The last one counts.
    return Case("command", command, words, large="--frames" in " ".join(words))


def _extreme(image: np.ndarray, chance: Random) -> np.ndarray:
    """Return an image with extreme values: all of it scaled, or some pixels replaced."""
    number = float(chance.choice((1e-302, 1e298, -1e30, 1e6, 1e30, 1e-45, 3e38, 1e15, 65535, 0, -1)))
    what = chance.randrange(7)
    wild = image.astype(chance.choice(("float32", "float64")))
    with np.errstate(all="ignore"):
        if what == 0:
            return wild * wild.dtype.type(number)
        if what == 1:
            return wild + wild.dtype.type(number)
        if what == 2:
            wild[tuple(chance.randrange(size) for size in wild.shape)] = number
            return wild
        if what == 3:
            wild[..., : chance.randrange(20), :] = number
            return wild
        if what == 4:
            wild[..., chance.choice((slice(None), slice(0, 5)))] = chance.choice((np.nan, np.inf, -np.inf))
            return wild
        if what == 5:
            limits = np.iinfo(chance.choice(("uint8", "int16", "uint16", "int32", "uint32", "int8")))
            ends = np.where(image > np.median(image), limits.max, limits.min)
            return ends.astype(limits.dtype)
        return np.full_like(wild, number)


def pixel_case(chance: Random) -> Case:
    """Return an image with extreme values, and a command that reads it."""
    image = _extreme(picture(chance.choice(((32, 40), (32, 40), (2, 20, 24)))), chance)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, image, photometric="minisblack")
    words = chance.choice(
        (
            ["info", "in.tif"],
            ["check", "in.tif"],
            ["noise", "in.tif"],
            *(["denoise", "in.tif", "-o", "out.tif", "--recipe", "gaussian-blur"],) * 2,
            *(["denoise", "in.tif", "-o", "out.tif", "--model", "sound.muguet"],) * 4,
            ["denoise", "in.tif", "-o", "out.tif", "--steps", "1", "--prior", "none"],
            ["denoise", "in.tif", "-o", "out.tif", "--steps", "0"],
            ["simulate", "in.tif", "-o", "out.tif"],
        )
    )
    summary = f"{image.dtype} {image.shape} {np.nanmin(image) if np.isfinite(image).any() else 'NaN'}"
    return Case("pixels", summary, list(words), {"in.tif": buffer.getvalue()})
