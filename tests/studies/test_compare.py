"""The comparison of methods on tiny images: what is kept, what is measured again, and what its numbers are."""

from __future__ import annotations

import csv
import json
import math
import threading
import time
from types import SimpleNamespace

import cells
import compare
import launching
import methods
import numpy as np
import pytest
import sets
import summaries
import tifffile
from cells import Cache, Cell

from muguet import MuguetError
from muguet.quality import mean_and_standard_error, psnr

QUICKLY = ["--sets", "phantom", "--methods", "gaussian-blur", "joint-g1", "l2", "--steps", "2"]


@pytest.fixture
def small(monkeypatch, tiny_prior):
    monkeypatch.setattr(sets, "FIELDS", 3)
    monkeypatch.setattr(sets, "SIZE", 48)
    monkeypatch.setattr(compare, "rehearsed", lambda net, threads: (0.1, 1e-6))


@pytest.fixture
def places(tmp_path):
    return ["--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]


class Here:
    """Measures cells in this process, and remembers which."""

    def __init__(self, ends_at: int | None = None):
        self.measured: list[Cell] = []
        self.ends_at = ends_at

    def __call__(self, cell: Cell, cache: Cache) -> None:
        if len(self.measured) == self.ends_at:
            raise KeyboardInterrupt
        self.measured.append(cell)
        cells.write(cache.stem(cell), *cells.measure(cell, cache.data))


def result(name: str, method: str, seed: int, seen: float, minutes: float = 1.0, unseen: float | None = None):
    scores = {sets.SEEN: {"psnr": seen, "ssim": 0.5, "psnr_matched": seen}}
    if unseen is not None:
        scores[sets.UNSEEN] = {"psnr": unseen, "ssim": 0.4, "psnr_matched": unseen}
    cell = Cell.of(name, method, seed, {"minutes": minutes}, unseen is not None)
    costs = {"training_s": 60.0 + seed, "denoising_s": 1.0, "memory_mb": 500 + seed}
    return {"cell": vars(cell), "scores": scores, "about": {}, **costs}


# ------------------------------------------------------------ what is kept


@pytest.mark.slow
def test_a_comparison_leaves_tables_and_a_picture_and_is_not_repeated(small, places, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    first, again = Here(), Here()
    compare.main([*QUICKLY, *places], first)
    assert [cell.method for cell in first.measured] == ["noisy", "gaussian-blur", "joint-g1", "l2"]
    printed = capsys.readouterr().out
    assert "4 cells, 0 of them finished" in printed
    assert (tmp_path / "out" / "compare.png").read_bytes().startswith(b"\x89PNG")
    head, *rest = (tmp_path / "out" / "compare.csv").read_text(encoding="utf-8").splitlines()
    assert {"command", "commits", "machines", "date", "seeds"} <= set(json.loads(head[2:]))
    rows = list(csv.DictReader(rest))
    wanted = {"set", "method", "budget", "psnr", "psnr_se", "ssim", "training_s", "memory_mb"}
    assert wanted <= set(rows[0])
    assert [row["method"] for row in rows] == ["noisy", "gaussian-blur", "joint-g1", "l2"]
    assert float(rows[1]["psnr"]) > float(rows[0]["psnr"])
    text = (tmp_path / "out" / "compare.md").read_text(encoding="utf-8")
    assert text in printed
    assert "phantom: PSNR (dB) | phantom: SSIM | training (s) | peak memory (MB) |" in text
    assert "| joint-g1 − l2 | 2 steps |" in text
    compare.main([*QUICKLY, *places], again)
    assert again.measured == []
    compare.main([*QUICKLY, *places, "--seeds", "2"], again)
    assert [(cell.method, cell.seed) for cell in again.measured] == [("joint-g1", 1), ("l2", 1)]


@pytest.mark.slow
def test_an_interrupted_comparison_goes_on_with_what_is_not_finished(small, places):
    first, second = Here(ends_at=2), Here()
    with pytest.raises(SystemExit, match="Interrupted"):
        compare.main([*QUICKLY, *places], first)
    compare.main([*QUICKLY, *places], second)
    assert [cell.method for cell in first.measured] == ["noisy", "gaussian-blur"]
    shown = Here()
    compare.main([*QUICKLY, *places, "--show"], shown)
    assert shown.measured == []
    assert [cell.method for cell in second.measured] == ["joint-g1", "l2"]


def test_half_a_file_is_no_finished_cell(small, tmp_path):
    cache, cell = Cache(tmp_path, tmp_path), Cell("phantom", "noisy")
    Here()(cell, cache)
    path = cache.stem(cell).with_suffix(".json")
    assert cache.result(cell) is not None
    path.write_text(path.read_text()[:100])
    assert cache.result(cell) is None


def test_other_sources_seeds_budgets_and_images_are_other_cells(images, tmp_path, monkeypatch):
    cache = Cache(tmp_path, images)
    cell = Cell("w2s_ch1", "l2", 0, steps=2)
    others = [
        Cell("w2s_ch1", "l2", 1, steps=2),
        Cell("w2s_ch1", "l2", 0, minutes=2),
        Cell("w2s_ch1", "joint-g1", 0, steps=2),
        Cell("w2s_ch1", "l2", 0, steps=2, held_out=True),
    ]
    assert len({cache.stem(each) for each in (cell, *others)}) == 5
    before = cache.stem(cell)
    monkeypatch.setattr(cells, "sources", lambda: "others")
    assert cache.stem(cell) != before


def test_methods_without_training_have_one_cell_for_all_seeds_and_budgets():
    one, other = (Cell.of("phantom", "wavelet", seed, {"minutes": seed + 1.0}) for seed in range(2))
    assert one == other
    assert one.budget == ""


# --------------------------------------------------------------- processes


@pytest.mark.slow
def test_a_cell_that_crashes_spoils_itself_alone(tmp_path):
    cells.sources.cache_clear()  # sources that were edited since the tests began are no crash
    cache = Cache(tmp_path, tmp_path)
    bad, good = Cell("phantom", "nonsense", steps=1), Cell("phantom", "noisy")
    failed = launching.finish([bad, good], cache, launching.Launcher(1))
    assert list(failed) == [bad]
    assert "nonsense" in failed[bad]
    found = cache.result(good)
    assert found is not None
    assert cache.result(bad) is None
    images = sets.load("phantom", tmp_path)
    assert found["scores"][sets.SEEN]["psnr"] == pytest.approx(psnr(images.noisy, images.clean))
    assert 50 < found["memory_mb"] < 2000


def test_a_cell_that_is_ended_leaves_nothing(tmp_path):
    cache, cell, launch = (
        Cache(tmp_path / "cache", tmp_path),
        Cell("phantom", "l2", steps=10**6),
        launching.Launcher(1),
    )
    failures = []

    def measure():
        try:
            launch(cell, cache)
        except MuguetError as error:
            failures.append(str(error))

    thread = threading.Thread(target=measure)
    thread.start()
    while not launch.running:
        time.sleep(0.01)
    launch.stop()
    thread.join(30)
    assert len(failures) == 1
    assert not list((tmp_path / "cache").glob("*"))


# ----------------------------------------------------------------- numbers


def test_means_and_standard_errors_are_those_of_the_seeds():
    values = [30.0, 30.4, 31.1]
    (row,) = summaries.rows([result("a", "l2", seed, value) for seed, value in enumerate(values)])
    assert (row["psnr"], row["psnr_se"]) == mean_and_standard_error(values)
    assert (row["seeds"], row["training_s"], row["memory_mb"]) == (3, 61.0, 502)
    (line,) = summaries.table([row], "1 min", False)
    assert line["a: PSNR (dB)"] == "30.50 ± 0.32"
    assert line["a: SSIM"] == "0.500 ± 0.000"


def test_one_seed_has_no_standard_error_and_a_missing_set_no_mean():
    rows = summaries.rows([result("a", "l2", 0, 30), result("b", "l2", 0, 32), result("a", "care", 0, 29)])
    both, one = summaries.table(rows, "1 min", False)
    assert both["a: PSNR (dB)"] == "30.00"
    assert both["mean PSNR (dB)"] == "31.00"
    assert (one["b: PSNR (dB)"], one["mean PSNR (dB)"]) == ("–", "–")


def test_differences_are_paired_by_set_seed_and_budget():
    results = [
        *(result("a", "joint-g1", seed, 30.0 + seed) for seed in range(3)),
        *(result("a", "l2", seed, 29.5 + seed) for seed in range(2)),
        result("b", "joint-g1", 0, 20.0),
        result("b", "l2", 0, 20.4),
        result("a", "joint-g1", 0, 33.0, minutes=3),
        result("a", "l2", 0, 32.0, minutes=3),
    ]
    short, long = summaries.differences(results)
    values = [0.5, 0.5, -0.4]
    assert (short["difference_db"], short["standard_error_db"]) == pytest.approx(
        mean_and_standard_error(values)
    )
    assert (short["pairs"], short["sets"], short["sets_above"]) == (3, 2, 1)
    assert (long["budget"], long["difference_db"]) == ("3 min", 1.0)
    assert math.isnan(long["standard_error_db"])
    assert summaries.table_row(long, False)["difference (dB)"] == "+1.00"


def test_what_was_never_trained_on_stands_beside_what_was():
    rows = summaries.rows([result("a", "l2", 0, 30, unseen=28)])
    (line,) = summaries.table(rows, "1 min", True)
    assert line["a, trained on: PSNR (dB)"] == "30.00"
    assert line["a, never trained on: PSNR (dB)"] == "28.00"


# ------------------------------------------------------------------ images


def numbered(frames: int, width: int) -> sets.Images:
    noisy = np.arange(frames * 8 * width).reshape(frames, 8, width)
    return sets.Images(noisy, noisy.astype(float))


@pytest.mark.parametrize(("name", "share"), [("w2s_ch0", 8 / 12), ("fmd_fish", 0.5), ("mouse_nuclei", 0.5)])
def test_what_is_held_out_is_not_trained_on(name, share):
    images = numbered(12, 512)
    train, parts = sets.split(name, images, held_out=True)
    unseen = parts[sets.UNSEEN]
    assert not np.isin(unseen.noisy, train.noisy).any()
    assert train.noisy.size == share * images.noisy.size
    np.testing.assert_array_equal(parts[sets.SEEN].noisy, train.noisy)
    np.testing.assert_array_equal(unseen.noisy, unseen.clean)


def test_published_sets_are_scored_on_their_test_region():
    images = numbered(2, 512)
    train, parts = sets.split("mouse_nuclei", images, held_out=False)
    assert train is images
    np.testing.assert_array_equal(parts[sets.SEEN].noisy, images.noisy[:, :, :256])


def test_a_published_set_is_read_from_its_archive(monkeypatch, tmp_path):
    frames = np.random.default_rng(0).poisson(50, (4, 32, 32)).astype(np.uint16)
    path = tmp_path / sets.CONVALLARIA.stack
    tifffile.imwrite(path, frames, photometric="minisblack")

    def retrieve(address, known_hash, name, folder, processor):
        assert known_hash == f"sha256:{sets.CONVALLARIA.sha256}"
        return [str(tmp_path / "else.tif"), str(path)]

    pooch = SimpleNamespace(os_cache=lambda name: tmp_path, Unzip=lambda: None, retrieve=retrieve)
    monkeypatch.setattr(sets, "_pooch", lambda: pooch)
    sets.fetched.cache_clear()
    images = sets.load("convallaria", tmp_path)
    np.testing.assert_allclose(images.clean, np.broadcast_to(frames.mean(0), frames.shape))


def test_a_missing_image_is_one_sentence(tmp_path, places):
    with pytest.raises(MuguetError, match="--data"):
        compare.main(["--sets", "fmd_fish", "--data", str(tmp_path), *places])


def test_every_method_is_a_recipe_or_a_classical_one():
    from muguet.recipes import NETS, RECIPES

    for method in methods.LEARNED.values():
        assert method.recipe in RECIPES
        assert method.network in NETS
    assert {name for name in methods.METHODS if name not in methods.LEARNED} == set(methods.UNLEARNED)
