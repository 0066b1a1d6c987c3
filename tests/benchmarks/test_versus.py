"""The comparison with a peer, without the peer: its curves, tables, picture, images and watch."""

from __future__ import annotations

import json
import time

import _comparison as comparison
import _run
import numpy as np
import pytest
import tifffile
import versus_careamics as versus
from _careamics_environment import pinned_torch
from hypothesis import given
from hypothesis import strategies as st

from muguet import MuguetError

IMAGES = "cells, frame 0"
REFERENCES = {IMAGES: {"noisy": 20.0, "best_blur": 30.0}}


def curve(*points: tuple[float, float]) -> list[dict]:
    return [{"seconds": float(s), "psnr": float(p), "step": int(10 * s)} for s, p in points]


def run(method: str, points: list[dict], seed: int = 0) -> dict:
    costs = {
        "prediction_s": 0.5,
        "pixels": 10**6,
        "cores": 0.9,
        "peak_mb": 400.0,
        "import_s": 0.1,
        "ready_s": 2.0,
    }
    how = {"setting": "defaults", "versions": {"torch": "2"}, "threads": 1, "device": "cpu", "peer": None}
    where = {
        "machine": "a machine",
        "commit": "abc",
        "date": "2026-01-01",
        "command": "python x",
        "minutes": 1,
    }
    return {"images": IMAGES, "method": method, "seed": seed, "points": points, **costs, **how, **where}


RISING = curve((1, 30), (2, 34), (4, 36))


@pytest.mark.parametrize(
    ("psnr", "seconds"), [(25, 1), (30, 1), (32, 1.5), (34, 2), (35.5, 3.5), (36, 4), (36.1, None)]
)
def test_seconds_to_a_quality_are_read_off_the_curve(psnr, seconds):
    assert comparison.time_to_quality(RISING, psnr) == (seconds and pytest.approx(seconds))


def test_a_quality_that_is_lost_again_counts_from_when_it_stays():
    dipping = curve((1, 33), (2, 30), (4, 36))
    assert comparison.time_to_quality(dipping, 33) == pytest.approx(3)
    assert comparison.time_to_quality(curve((1, 33), (2, 30)), 33) is None


@given(st.lists(st.floats(0, 50), min_size=1, max_size=8), st.floats(0, 50), st.floats(0, 50))
def test_more_quality_never_takes_less_time(scores, one, other):
    points = curve(*enumerate(scores, 1))
    low, high = (comparison.time_to_quality(points, psnr) for psnr in sorted((one, other)))
    assert high is None or (low is not None and 1 <= low <= high <= len(scores))


def test_a_duel_pairs_runs_of_one_seed():
    runs = [run("n2v", RISING, 0), run("n2v", RISING, 1), run("muguet", RISING, 1), run("muguet", RISING, 2)]
    ((theirs, ours),) = comparison.matched(runs, IMAGES, "n2v")
    assert (theirs["seed"], ours["seed"]) == (1, 1)


def test_the_tables_say_who_is_sooner_and_by_how_much():
    peer = curve((1, 20), (10, 28), (20, 34))
    peer[1]["default"] = True
    runs = [run("n2v", peer), run("muguet", RISING)]
    rows = [line.split(" | ") for line in comparison.duels(runs).splitlines()[2:]]
    equal, default = rows
    assert equal[1:] == ["CAREamics N2V", "34.00", "20", "2.0", "10.0", "36.00", "2.00", "not reached |"]
    assert default[1:5] == ["CAREamics N2V, default training", "28.00", "10", "≤ 1.0"]
    assert default[5] == "≥ 10.0"
    ours = comparison.costs(runs, REFERENCES).splitlines()[-1].split(" | ")
    assert ours[1:6] == ["muguet", "1", "36.00", "+6.00", "40"]
    assert ours[9] == "2.00"  # megapixels a second


def test_seeds_give_a_mean_with_its_standard_error():
    runs = [run("muguet", curve((1, 30), (2, psnr)), seed) for seed, psnr in enumerate((35, 36, 37))]
    assert "36.00 ± 0.58" in comparison.costs(runs, REFERENCES)


def test_the_conclusion_leaves_a_picture(tmp_path, capsys):
    runs = [run("n2v", curve((1, 20), (4, 28))), run("muguet", RISING)]
    versus.conclude(runs, REFERENCES, tmp_path / "out.json")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert "1 thread, cpu, a machine; commit abc" in capsys.readouterr().out


def test_nothing_to_conclude_is_one_sentence(tmp_path):
    with pytest.raises(MuguetError, match="--methods"):
        versus.conclude([], REFERENCES, tmp_path / "out.json")


def test_images_are_one_frame_or_all(tmp_path):
    noisy = np.arange(3 * 4 * 5).reshape(3, 4, 5).astype(np.uint16)
    tifffile.imwrite(tmp_path / "cells_noisy.tif", noisy, photometric="minisblack")
    tifffile.imwrite(tmp_path / "cells_clean.tif", noisy[0])
    one, clean = versus.load(tmp_path, "cells", "1")
    np.testing.assert_array_equal(one, noisy[1:2])
    np.testing.assert_array_equal(clean, noisy[:1])
    assert versus.load(tmp_path, "cells", "all")[1].shape == noisy.shape
    for name, frame, sentence in (
        ("cells", "9", "no frame 9"),
        ("cells", "x", "--frame"),
        ("none", "0", "--data"),
    ):
        with pytest.raises(MuguetError, match=sentence):
            versus.load(tmp_path, name, frame)


@pytest.mark.parametrize("seconds", [0.5, 30, 1200])
def test_moments_are_before_the_end_and_in_order(seconds):
    found = versus.moments(seconds)
    assert found == sorted(set(found))
    assert 0 < found[0] <= 1
    assert found[-1] < seconds


def test_the_watch_stands_still_while_a_model_is_kept(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "process_time", lambda: now[0] / 2)
    monkeypatch.setattr(_run, "settle", lambda: None)  # no GPU here to wait for

    def keep(number: int) -> None:
        now[0] += 50

    watch = _run.Watch([2, 3, 8], 10, keep)
    ends = []
    for step in range(1, 11):
        now[0] += 1
        ends.append(watch.look(step))
    watch.mark(10, last=True)
    assert [point["seconds"] for point in watch.points] == [2, 3, 8, 10]
    assert ends == [False] * 9 + [True]
    assert watch.cores == pytest.approx(0.5)


def test_only_torch_is_pinned_for_the_peer():
    assert pinned_torch("numpy==2.4\ntorch==2.13.0\ntorchthing==1\n") == "torch==2.13.0"
    with pytest.raises(MuguetError, match="torch==VERSION"):
        pinned_torch("numpy==2.4\n")


@pytest.mark.slow
def test_what_is_trained_is_written_and_scored(tmp_path, noisy, monkeypatch):
    """muguet's own half, from end to end, in its own process."""
    monkeypatch.setattr(versus, "import_seconds", lambda python, statement: 1.0)
    monkeypatch.setattr(versus, "moments", lambda seconds: [0.01])
    images = noisy[None, :64, :64]
    found = versus.measure("muguet", 0, 2.0, images, images.astype(float))
    first, last = found["points"][0], found["points"][-1]  # one and the same on a busy machine
    assert (first["step"], last["last"]) == (1, True)
    assert last["seconds"] > 0
    assert np.isfinite([first["psnr"], last["psnr"]]).all()
    assert found["pixels"] == images.size
    json.dumps(found)
