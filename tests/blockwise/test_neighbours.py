"""Laws of movies and stacks written block by block: planes help each other as they do in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import zarr

from muguet import Denoiser, MuguetError, fit
from muguet.blockwise import Work, denoise_blocks
from muguet.blockwise.opening import opened
from muguet.formats import read
from muguet.image import ArrayPlanes, Layout, StoredPlanes, screen
from tests.blockwise.test_jobs import Once, files_of

MOVIE, STACK = {"time_window": 2}, {"z_window": 1}


def recording(planes: int = 7, side: tuple[int, int] = (24, 40), seed: int = 0) -> np.ndarray:
    """A scene that stays and becomes darker, with a spot that moves, in counts."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: side[0], : side[1]]
    frames = []
    for t in range(planes):
        scene = (
            40 + 25 * np.sin(y / 5) * np.cos(x / 7) + 60 * np.exp(-((y - 12) ** 2 + (x - 5 * t) ** 2) / 18)
        )
        frames.append(100 + 2 * rng.poisson(scene * 0.95**t))
    return np.array(frames, np.uint16)


@pytest.fixture
def model(tiny_prior, monkeypatch) -> Denoiser:
    """A model with regions so small, in space and among planes, that tiny images have many."""
    found = fit(recording(3), "TYX", minutes=0, device="cpu")
    monkeypatch.setattr("muguet.denoiser.planes.CORE", {2: (32, 32), 3: (4, 16, 16)})
    monkeypatch.setattr("muguet.neighbours.loop._PIXELS", 1)
    monkeypatch.setattr("muguet.neighbours.loop._MIN_FRAMES", 3)
    return found


def stored(path: Path, data: np.ndarray, axes: str, chunks: tuple[int, ...]) -> Path:
    """Write an OME-Zarr with chunks of this size, and return its path."""
    group = zarr.open_group(path, mode="w", zarr_format=3)
    group.create_array("0", shape=data.shape, dtype=data.dtype, chunks=chunks)[...] = data
    kinds = {"T": "time", "C": "channel"}
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [
            {
                "axes": [{"name": a.lower(), "type": kinds.get(a, "space")} for a in axes],
                "datasets": [
                    {
                        "path": "0",
                        "coordinateTransformations": [{"type": "scale", "scale": [1.0] * len(axes)}],
                    }
                ],
            }
        ],
    }
    return path


def by_blocks(source: Path, model: Denoiser, **choices) -> np.ndarray:
    result = source.with_name("out.zarr")
    assert denoise_blocks(source, result, model, dtype="float32", overwrite=True, **choices)
    return read(result).data


CASES = {
    "movie": ("TYX", recording(5), (1, 24, 32), MOVIE),
    "stack": ("ZYX", recording(5), (1, 24, 32), STACK),
    "movie in chunks of several frames": ("TYX", recording(5), (4, 24, 32), MOVIE),
    "past alone": ("TYX", recording(5), (1, 24, 32), {**MOVIE, "causal": True}),
    "movie of stacks": (
        "TZYX",
        np.stack([recording(4, seed=k) for k in range(3)], 1),
        (1, 2, 24, 32),
        MOVIE,
    ),
    "stacks of a movie": ("TZYX", np.stack([recording(5, seed=k) for k in range(2)]), (1, 1, 24, 32), STACK),
    "movie of channels": (
        "TCYX",
        np.stack([recording(4, seed=k) for k in range(2)], 1),
        (1, 1, 24, 32),
        MOVIE,
    ),
}
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in CASES if name not in ("movie", "stack")]


@pytest.mark.parametrize("case", ["movie", "stack", *SLOW])
def test_the_result_and_its_error_are_those_in_memory(tiny_prior, model, tmp_path, case):
    axes, data, chunks, windows = CASES[case]
    if "C" in axes:
        model = fit(data[:3], axes, minutes=0, device="cpu")
    data = data.copy()
    data[3 if len(data) > 3 else (0, 3)] = 0  # A blank plane, or blank planes at one time.
    source = stored(tmp_path / "a.zarr", data, axes, chunks)
    expected = model.estimate(data, axes, symmetries=1, **windows)
    layout = Layout(axes, data.shape)
    assert model.find_neighbours(ArrayPlanes(data, layout), layout, **windows).helps
    result = by_blocks(source, model, symmetries=1, **windows)
    np.testing.assert_allclose(result, expected.mean, rtol=1e-6)
    assert (result[data == 0] == 0).all()
    errors = by_blocks(source, model, symmetries=1, std=True, **windows)
    measured = data != 0
    np.testing.assert_allclose(errors[measured], expected.std[measured], rtol=1e-5)


@pytest.mark.parametrize(("axes", "windows"), [("TYX", MOVIE), ("ZYX", STACK)])
def test_blocks_that_are_no_regions_in_memory_differ_little(model, tmp_path, axes, windows):
    data = recording(5)
    source = stored(tmp_path / "a.zarr", data, axes, (2, 24, 20))
    expected = model(data, axes, symmetries=1, **windows)
    result = by_blocks(source, model, symmetries=1, **windows)
    assert np.sqrt(np.mean((result - expected) ** 2)) < 0.02 * np.std(data - expected)


@pytest.mark.parametrize("axes", ["TYX", "ZYX"])
def test_without_a_window_every_plane_is_by_itself(model, tmp_path, axes):
    data = recording(3)
    source = stored(tmp_path / "a.zarr", data, axes, (1, 24, 32))
    windows = {"time_window": 0, "z_window": 0}
    result = by_blocks(source, model, symmetries=1, **windows)
    for frame, alone in zip(data, result, strict=True):
        np.testing.assert_allclose(model(frame, "YX", symmetries=1), alone, rtol=1e-6)


@pytest.mark.parametrize(("axes", "windows"), [("TYX", MOVIE), ("ZYX", STACK)])
def test_runs_parts_and_executors_share_what_was_found(model, tmp_path, monkeypatch, axes, windows):
    source = stored(tmp_path / "a.zarr", recording(5), axes, (1, 24, 32))
    choices = {"symmetries": 1, **windows}
    assert denoise_blocks(source, tmp_path / "whole.zarr", model, **choices)
    work = Work(source, tmp_path / "b.zarr", **choices)
    with opened(work, model) as job:
        assert next(job.run(job.missing())) == 0
    found = Denoiser.find_neighbours
    monkeypatch.setattr(Denoiser, "find_neighbours", None)  # It is not searched again.
    model.save(tmp_path / "model.muguet")
    with opened(work, model) as job:
        assert job.missing()[0] == 1
        next(job.run(job.missing()))
    with ThreadPoolExecutor(2) as pool:
        ends = [
            pool.submit(denoise_blocks, source, work.result, model, part=(part, 2), **choices)
            for part in (1, 2)
        ]
        assert any([each.result() for each in ends])
    monkeypatch.setattr(Denoiser, "find_neighbours", found)
    assert denoise_blocks(source, tmp_path / "c.zarr", model, executor=Once(), **choices)
    for name in ("b.zarr", "c.zarr"):
        assert files_of(tmp_path / name) == files_of(tmp_path / "whole.zarr")
    denoise_blocks(source, tmp_path / "d.zarr", model, part=(1, 2), **choices)
    with pytest.raises(MuguetError, match="another choice of"):
        denoise_blocks(source, tmp_path / "d.zarr", model, part=(2, 2), symmetries=1)


def test_blocks_have_as_many_planes_as_the_memory_allows(model, tmp_path, monkeypatch):
    monkeypatch.setattr("muguet.neighbours.loop._MIN_FRAMES", 30)
    source = stored(tmp_path / "a.zarr", recording(30), "TYX", (1, 24, 32))
    numbers = []
    for memory in (10**8, 10**7, 10):
        work = Work(source, tmp_path / f"{memory}.zarr", symmetries=1, **MOVIE)
        with opened(work, model, memory=memory) as job:
            (plan,) = job.plans
            numbers.append(plan.planes)
            assert memory == 10 or plan.nbytes((1, 24, 32), 2) <= memory
            more = plan.nbytes((1, 24, 32), 2) - 24 * 32 * plan.planes * (2 + 8 + 2)
            assert more >= 2 * 2 * 24 * 32 * min(plan.planes + 4, 30)
    assert numbers[0] == 30
    assert 30 > numbers[1] > numbers[2] == 1


def test_a_damaged_frame_stops_only_the_blocks_that_need_it(model, tmp_path):
    data = recording(9)
    source = stored(tmp_path / "a.zarr", data, "TYX", (1, 24, 40))
    (source / "0" / "c" / "7" / "0" / "0").write_bytes(b"damaged")
    work = Work(source, tmp_path / "b.zarr", symmetries=1, **MOVIE)
    with opened(work, model) as job:
        done = list(job.run(job.missing()))
        assert 0 < len(done) < job.total
        with pytest.raises(MuguetError, match="damaged"):
            job.finish()


def test_planes_in_a_file_are_those_in_memory_but_blank_ones_are_missing():
    data = np.stack([recording(5, seed=k) for k in range(2)], 1)
    data[2, 1] = 7
    layout = Layout("TZYX", data.shape)
    seen = []

    def read_part(part):
        seen.append(part)
        return data[part]

    planes = StoredPlanes(read_part, layout, data.dtype, (2, 1, 8, 8))
    memory = ArrayPlanes(data, layout)
    region = (slice(3, 20), slice(8, 30))
    for n in range(layout.planes):
        if n == 5:
            assert planes.is_blank(n, 0)
            assert np.isnan(planes.read(n, 0, region)).all()
        else:
            np.testing.assert_array_equal(planes.read(n, 0, region), memory.read(n, 0, region))
    assert np.array_equal(layout.numbers((slice(1, 3), slice(0, 2), *region)), [2, 3, 4, 5])


def test_lines_and_hot_pixels_are_removed_in_runs_and_parts_as_in_memory(model, tmp_path, monkeypatch):
    data = recording(5, (64, 96)).astype(float) + np.random.default_rng(0).normal(0, 30, (5, 64, 1))
    data[:, 9, 11:30:7] += 3000
    data[:, :, 90:] = 0
    data = np.clip(np.rint(data), 0, 65535).astype(np.uint16)
    blurred = lambda prior, values: values.copy()  # noqa: E731  In the place of a network.
    monkeypatch.setattr("muguet.pattern.second._denoised", blurred)
    source = stored(tmp_path / "a.zarr", data, "TYX", (1, 64, 96))
    choices = {"symmetries": 1, **MOVIE}
    expected = model.estimate(data, "TYX", **choices)
    names = ("whole.zarr", "error.zarr", "pattern.zarr")
    whole, error, pattern = (tmp_path / name for name in names)
    assert denoise_blocks(source, whole, model, dtype="float32", error=error, pattern=pattern, **choices)
    found = read(whole)
    np.testing.assert_allclose(found.data, expected.mean, rtol=1e-5)
    assert (found.data[:, :, 90:] == 0).all()
    np.testing.assert_allclose(read(error).data, expected.std, rtol=1e-4)
    layout = Layout("TYX", data.shape)
    removed = model.correction(screen(data, layout), layout).removed
    np.testing.assert_allclose(read(pattern).data, removed, atol=1e-3)
    again = {"error": tmp_path / "e.zarr", "pattern": tmp_path / "p.zarr"}
    work = Work(source, tmp_path / "w.zarr", dtype="float32", **again, **choices)
    with opened(work, model) as job:
        next(job.run(job.missing()))
    monkeypatch.setattr("muguet.blockwise.correction.search", None)  # It is not searched again.
    ends = [
        denoise_blocks(source, work.result, model, dtype="float32", part=(part, 2), **again, **choices)
        for part in (1, 2)
    ]
    assert ends == [False, True]
    for name, one in zip(("w.zarr", "e.zarr", "p.zarr"), names, strict=True):
        assert files_of(tmp_path / name) == files_of(tmp_path / one)
