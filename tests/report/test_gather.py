"""The report on a denoiser's result: the right plane, every channel, nothing about the people who ran it."""

from __future__ import annotations

import getpass
import json
import platform
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from muguet import Denoiser, MuguetError
from muguet.image import Image, Scaling
from muguet.recipes import Parts
from muguet.report import report_denoising
from muguet.system import machine

COMMAND = ["/opt/bin/muguet", "denoise", "/data/people/cells.tif", "--report"]


def facts_of(path):
    block = re.search(r'id="muguet">(.*?)</script>', path.read_text("utf-8"), re.DOTALL)
    return json.loads(block[1])


def untrained(**parts):
    """Return a denoiser with random weights: its law is wrong, everything else is as in a trained one."""
    parts = Parts(**parts)
    torch.manual_seed(0)
    method = parts.build().eval().requires_grad_(False)
    training = {
        "data": [{"name": "/data/people/cells.tif", "axes": "YX", "shape": [128, 128], "dtype": "uint16"}]
    }
    return Denoiser(parts, method, (Scaling(100.0, 100.0),) * parts.channels, training=training)


def reported(where, noisy, estimate, axes, **parts):
    """Write a report on an image and its estimate; return the facts in it."""
    image = Image(noisy, axes, {"X": 0.1}, where / "cells.tif")
    report_denoising(
        untrained(**parts), image, estimate, where / "report.html", COMMAND, overwrite=True, started=0.0
    )
    return facts_of(where / "report.html")


@pytest.fixture(autouse=True)
def quickly(small_nets_of_module, quick_charts):
    """Small networks and empty charts, for time."""


@pytest.fixture(scope="session")
def clean(clean):
    return clean[:72, :80]


@pytest.fixture(scope="session")
def noisy(noisy):
    return noisy[:72, :80]


@pytest.fixture(scope="module")
def one(tmp_path_factory, noisy, clean, small_nets_of_module):
    return reported(tmp_path_factory.mktemp("one"), noisy, clean, "YX")


def test_a_plane_of_one_channel(one, noisy, clean):
    (channel,) = one["channels"]
    assert one["title"] == "cells.tif"
    assert {"good", "doubtful", "bad"} >= {check["verdict"] for check in channel["quality"]["checks"]} > set()
    assert channel["images"]["residual_std"] == pytest.approx(float((noisy - clean).std()))
    assert channel["images"]["pixel_size_um"] == 0.1
    assert channel["notes"] == []
    ends = channel["noise"]["signal_range"]
    np.testing.assert_allclose(ends, np.percentile(clean, [0.1, 99.9]))
    assert one["run"]["seconds"] > 0
    assert one["run"]["started"].startswith(("1970", "1969"))


def test_no_person_and_no_folder_is_named(one, tmp_path):
    text = json.dumps(one)
    assert one["run"]["command"] == ["muguet", "denoise", "cells.tif", "--report"]
    for secret in (platform.node(), getpass.getuser(), str(Path.home()), str(Path.cwd()), "/data/people"):
        assert len(secret) < 6 or secret not in text


def test_the_middle_one_of_the_most_varied_planes_is_shown(tmp_path, clean, noisy):
    dull = np.full_like(clean, 120)
    estimate = np.stack([dull, clean, dull, clean, clean, dull])  # planes 1, 3 and 4 vary most
    data = np.stack([noisy + n for n in range(6)])
    (channel,) = reported(tmp_path, data, estimate, "TYX")["channels"]
    assert "T 3 (of 0 to 5)" in channel["notes"][0]
    assert channel["images"]["residual_std"] == pytest.approx(float((noisy - clean).std()))


def test_a_stack_of_three_dimensions(tmp_path, noisy, clean):
    noisy, clean = noisy[:64, :64], clean[:64, :64]
    estimate = np.stack([clean / 2, clean, clean / 2])
    (channel,) = reported(tmp_path, np.stack([noisy] * 3), estimate, "ZYX", dimensions=3)["channels"]
    assert channel["images"]["shape"] == list(clean.shape)
    assert "Z 1 (of 0 to 2)" in channel["notes"][0]


@pytest.mark.slow
def test_every_channel_has_its_section(tmp_path, noisy, clean):
    both = reported(tmp_path, np.stack([noisy, 2 * noisy]), np.stack([clean, 2 * clean]), "CYX", channels=2)
    assert [channel["name"] for channel in both["channels"]] == ["Channel 0", "Channel 1"]
    first, second = (np.array(channel["noise"]["signal_range"]) for channel in both["channels"])
    np.testing.assert_allclose(second, 2 * first)


def test_a_recipe_without_a_law(tmp_path, noisy, clean):
    (channel,) = reported(tmp_path, noisy, clean, "YX", recipe="l2")["channels"]
    assert channel["camera"] is None
    assert "std" not in channel["noise"]["table"]
    assert channel["quality"]["checks"]


def test_missing_pixels_and_rounded_results(tmp_path, noisy, clean):
    data = noisy.astype(np.float32)
    data[:20, :20] = np.nan
    rounded = np.rint(clean).astype(np.uint16)
    report_denoising(untrained(), Image(data, "YX"), rounded, tmp_path / "report.html", COMMAND)
    assert facts_of(tmp_path / "report.html")["title"] == "Image"


@pytest.mark.parametrize("shape", [(16, 16), (3, 40)])
def test_small_and_flat_images(tmp_path, shape):
    flat = np.full(shape, 117, np.uint16)
    assert reported(tmp_path, flat, flat.astype(np.float32), "YX")["verdict"] != "good"


def test_images_of_two_shapes_are_refused_in_one_sentence(tmp_path, noisy):
    with pytest.raises(MuguetError, match="of one shape"):
        report_denoising(untrained(), Image(noisy, "YX"), noisy[:-1], tmp_path / "report.html", COMMAND)
    assert not list(tmp_path.iterdir())


def test_the_machine_is_described_without_its_name():
    facts = machine()
    assert int(facts["Cores"]) >= 1
    assert platform.python_version() in facts["System"]
    assert all(isinstance(value, str) and value for value in facts.values())
