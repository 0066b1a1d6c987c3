"""`muguet judge`: its figures are those of `muguet.quality.score`, however the frames are given."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from muguet.quality import mean_and_standard_error, psnr, score
from muguet.restoration import best_blur
from tests.conftest import blobs, recorded

KEYS = ("psnr", "psnr_matched", "ssim", "ssim_matched")


def write(path: Path, values: np.ndarray, axes: str | None = None) -> Path:
    path.parent.mkdir(exist_ok=True)
    if axes:
        tifffile.imwrite(path, values, imagej=True, metadata={"axes": axes})
    else:
        tifffile.imwrite(path, values, photometric="minisblack")
    return path


@pytest.fixture
def truth() -> np.ndarray:
    return np.stack([100 + 2 * blobs(40, seed) for seed in range(3)]).astype(np.float32)


@pytest.fixture
def raw(truth) -> np.ndarray:
    return np.stack([recorded((each - 100) / 2, n) for n, each in enumerate(truth)])


@pytest.fixture
def judged(muguet):
    def run(*arguments: object) -> dict:
        answer = muguet("judge", *arguments, "--json")
        assert answer.code == 0, answer.err
        return json.loads(answer.out)

    return run


def test_the_figures_of_every_frame_and_of_all(judged, truth, raw, tmp_path):
    made, clean = write(tmp_path / "made.tif", raw, "TYX"), write(tmp_path / "clean.tif", truth, "TYX")
    found = judged(made, clean)
    assert list(found) == ["frames", "mean", "standard_error", "blur_sigma"]
    assert [each["frame"] for each in found["frames"]] == [0, 1, 2]
    for each, guess, target in zip(found["frames"], raw, truth, strict=True):
        expected = score(guess, target)
        assert [each[name] for name in KEYS] == pytest.approx([getattr(expected, name) for name in KEYS])
        assert (each["noisy"], each["blur"], each["missing"]) == (None, None, 0)
    for name in KEYS:
        mean, error = mean_and_standard_error(each[name] for each in found["frames"])
        assert found["mean"][name] == pytest.approx(mean)
        assert found["standard_error"][name] == pytest.approx(error)
    assert found["mean"]["psnr"] == pytest.approx(psnr(raw, truth))


def test_the_noisy_image_and_its_best_blur(judged, muguet, truth, raw, tmp_path):
    made = write(tmp_path / "made.tif", truth + 1, "TYX")
    clean, noisy = write(tmp_path / "clean.tif", truth, "TYX"), write(tmp_path / "noisy.tif", raw, "TYX")
    found = judged(made, clean, "--noisy", noisy)
    blur, sigma = best_blur(raw, truth)
    assert found["blur_sigma"] == pytest.approx(sigma)
    assert found["mean"]["blur"]["psnr"] == pytest.approx(psnr(blur, truth), abs=1e-4)
    assert found["mean"]["noisy"]["psnr"] == pytest.approx(psnr(raw, truth))
    # The match removes an offset, so the matched estimate is perfect.
    assert found["mean"]["psnr_matched"] is None or found["mean"]["psnr_matched"] > 100
    answer = muguet("judge", made, clean, "--noisy", noisy)
    assert answer.code == 0
    gains = [psnr(truth + 1, truth) - psnr(other, truth) for other in (raw, blur)]
    assert f"+{gains[0]:.2f} dB" in answer.out
    assert f"+{gains[1]:.2f} dB" in answer.out
    assert all(word in answer.out for word in ("SSIM", "matched", "frame 2", "standard error", "best blur"))


def test_one_clean_plane_is_used_for_all_frames(judged, truth, raw, tmp_path):
    made, clean = write(tmp_path / "made.tif", raw, "TYX"), write(tmp_path / "clean.tif", truth[0])
    assert judged(made, clean)["mean"]["psnr"] == pytest.approx(psnr(raw, truth[0]))


def test_each_channel_has_its_own_clean_plane(judged, truth, raw, tmp_path):
    made = write(tmp_path / "made.tif", np.stack([raw, raw[::-1]], 1), "TCYX")
    clean = write(tmp_path / "clean.tif", truth[:2], "CYX")
    found = judged(made, clean)["frames"]
    assert [(each["frame"], each["channel"]) for each in found] == [
        (n, c) for n in range(3) for c in range(2)
    ]
    assert found[3]["psnr"] == pytest.approx(psnr(raw[1], truth[1]))  # frame 1 of channel 1 is raw[::-1][1]


def test_equal_shapes_are_compared_even_if_their_axes_have_other_names(judged, truth, raw, tmp_path):
    made, clean = write(tmp_path / "made.tif", raw, "CYX"), write(tmp_path / "clean.tif", truth, "ZYX")
    assert judged(made, clean)["mean"]["psnr"] == pytest.approx(psnr(raw, truth))
    swapped = write(tmp_path / "swapped.tif", raw)
    assert len(judged(swapped, clean, "--axes", "YXT")["frames"]) == 40


def test_folders_are_paired_by_name(judged, muguet, truth, raw, tmp_path):
    for n in range(3):
        write(tmp_path / "made" / f"{n}.tif", raw[n])
        write(tmp_path / "clean" / f"{n}.tif", truth[n])
    found = judged(tmp_path / "made", tmp_path / "clean")
    assert found["mean"]["psnr"] == pytest.approx(psnr(raw, truth))
    assert [Path(each["estimate_file"]).name for each in found["frames"]] == ["0.tif", "1.tif", "2.tif"]
    one = judged(tmp_path / "made", tmp_path / "clean" / "1.tif")
    assert one["mean"]["psnr"] == pytest.approx(psnr(raw, truth[1]))
    assert "1.tif" in muguet("judge", tmp_path / "made", tmp_path / "clean").out


def test_missing_pixels_are_counted_and_left_out(judged, muguet, truth, raw, tmp_path):
    holes = raw[0].astype(np.float32)
    holes[3, 4], holes[9, 9] = np.nan, np.inf
    made, clean = write(tmp_path / "made.tif", holes), write(tmp_path / "clean.tif", truth[0])
    noisy = write(tmp_path / "noisy.tif", holes)
    found = judged(made, clean, "--noisy", noisy)
    assert found["frames"][0]["missing"] == 2
    assert found["mean"]["ssim"] is None
    assert found["mean"]["psnr"] == pytest.approx(score(holes, truth[0]).psnr)
    assert found["mean"]["blur"]["psnr"] > found["mean"]["noisy"]["psnr"]
    assert "2 pixels are not finite" in muguet("judge", made, clean).out


def test_a_perfect_estimate(judged, muguet, truth, tmp_path):
    clean = write(tmp_path / "clean.tif", truth, "TYX")
    assert judged(clean, clean)["mean"]["psnr"] is None
    assert judged(clean, clean)["mean"]["ssim"] == pytest.approx(1)
    assert "∞" in muguet("judge", clean, clean).out


def test_without_scikit_image_there_is_psnr(judged, muguet, truth, raw, tmp_path, monkeypatch):
    find = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> object:
        return None if name == "skimage" else find(name, package)

    for module in ("muguet.quality.scores", "muguet.cli.judge_tables"):
        monkeypatch.setattr(sys.modules[module], "find_spec", without)
    made, clean = write(tmp_path / "made.tif", raw[0]), write(tmp_path / "clean.tif", truth[0])
    found = judged(made, clean)["mean"]
    assert (found["ssim"], found["psnr"]) == (None, pytest.approx(psnr(raw[0], truth[0])))
    assert "pip install 'muguet[classic]'" in muguet("judge", made, clean).out


def test_mistakes_are_one_sentence(muguet, truth, raw, tmp_path):
    made, clean = write(tmp_path / "made.tif", raw, "TYX"), write(tmp_path / "clean.tif", truth, "TYX")
    for n in range(3):
        write(tmp_path / "three" / f"{n}.tif", raw[n])
    for n in range(2):
        write(tmp_path / "two" / f"{n}.tif", truth[n])
    (tmp_path / "empty").mkdir()
    flat = write(tmp_path / "flat.tif", np.full((40, 40), 3, np.uint8))
    small = write(tmp_path / "small.tif", truth[0, :30])
    two = write(tmp_path / "pair.tif", truth[:2], "TYX")
    for words, arguments in (
        ("2 images for 3", (tmp_path / "three", tmp_path / "two")),
        ("2 images for 3", (tmp_path / "three", clean, "--noisy", tmp_path / "two")),
        ("do not match", (made, small)),
        ("do not match", (made, two)),
        ("do not match", (made, clean, "--noisy", small)),
        ("flat.tif", (made, flat)),
        ("does not exist", (made, tmp_path / "none.tif")),
        ("holds no image", (made, tmp_path / "empty")),
        ("axes", (made, clean, "--axes", "YX")),
    ):
        answer = muguet("judge", *arguments)
        assert answer.code == 2, arguments
        assert len(answer.err.strip().splitlines()) == 1
        assert words in answer.err
        assert answer.out == ""
