"""The 95 % intervals of `muguet noise` contain the true camera in at least nine of ten runs."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from muguet.samples import GAIN, OFFSET, acquisition

RUNS = 50
WAYS = {"alone": (), "pair": ("--clean",), "repeats": ("--repeats",)}


@pytest.mark.slow
def test_intervals_contain_the_truth_in_nine_of_ten_runs(muguet, tmp_path):
    hits = {
        way: dict.fromkeys(("gain", "offset", "read_noise", "read_noise, offset given"), 0) for way in WAYS
    }
    for run in range(RUNS):
        rng = np.random.default_rng(run)
        camera = {
            "gain": rng.uniform(0.5, 8),
            "offset": rng.uniform(50, 500),
            "read_noise": rng.uniform(0.5, 4),
        }
        electrons = (acquisition((320, 320), run).astype(np.float64) - OFFSET) / GAIN
        clean, noisy = tmp_path / "clean.tif", tmp_path / "noisy.tif"
        tifffile.imwrite(clean, (camera["offset"] + camera["gain"] * electrons).astype(np.float32))
        options = [part for name in camera for part in (f"--{name.replace('_', '-')}", camera[name])]
        answer = muguet(
            *("simulate", clean, "-o", noisy, "--dtype", "uint16", "--overwrite", "--seed", run), *options,
            *("--axes", "YX", "--frames", 8),
        )  # fmt: skip
        assert answer.code == 0, answer.err
        frame = tmp_path / "frame.tif"
        tifffile.imwrite(frame, tifffile.imread(noisy)[0])
        for way, extra in WAYS.items():
            image = noisy if way == "repeats" else frame
            command = ["noise", image, *extra, *([clean] if way == "pair" else []), "--json"]
            found = _readout(muguet(*command))
            for name, truth in camera.items():
                hits[way][name] += _contains(found[name], truth)
            given = _readout(muguet(*command, "--offset", camera["offset"]))
            hits[way]["read_noise, offset given"] += _contains(given["read_noise"], camera["read_noise"])
    print(json.dumps(hits, indent=1))
    assert all(count >= 0.9 * RUNS for counts in hits.values() for count in counts.values()), hits


def _readout(answer):
    assert answer.code == 0, answer.err
    return json.loads(answer.out)["measured"]["readout"]


def _contains(interval, truth):
    low, high = interval["low"], interval["high"]
    return (low is None or low <= truth) and (high is None or truth <= high)
