"""Laws of images larger than memory: what is removed from any part of them is what is removed in memory."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage

from muguet.image import Layout, screen
from muguet.pattern import Correction, StoredCorrection, search
from muguet.pattern.stored import maps
from muguet.pattern.stored.notes import notes_of
from muguet.pattern.stored.record import from_record, to_record
from muguet.pattern.stored.search import square
from tests.conftest import recorded

HEIGHT, WIDTH, FRAMES = 128, 144, 13


@pytest.fixture(autouse=True)
def quick(tiny_prior, monkeypatch):
    """A Gaussian in the place of the network with which lines are estimated a second time."""
    blurred = lambda prior, values: ndimage.gaussian_filter(values, 2).astype(np.float32)  # noqa: E731
    monkeypatch.setattr("muguet.pattern.second._denoised", blurred)


def movie(brightness: float = 1.0, seed: int = 0) -> np.ndarray:
    """Spots that move by two pixels a frame, in counts."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    spots = rng.uniform(0, 1, (30, 4)) * [HEIGHT, WIDTH, 6, 200] + [0, 0, 3, 50]
    frames = [
        30 + sum(a * np.exp(-((y - q - t) ** 2 + (x - p - 2 * t) ** 2) / 2 / s**2) for q, p, s, a in spots)
        for t in range(FRAMES)
    ]
    return 100 + 2 * rng.poisson(brightness * np.array(frames)) + rng.normal(0, 3, (FRAMES, HEIGHT, WIDTH))


def counts(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 65535).astype(np.uint16)


def with_rows() -> tuple[str, np.ndarray]:
    """Every row of every frame has an offset of its own; one frame is blank, and bright pixels are saturated."""
    values = counts(movie()[:3] + np.random.default_rng(1).normal(0, 20, (3, HEIGHT, 1)))
    values[1] = 7
    return "TYX", np.minimum(values, int(np.quantile(values, 0.998)))


def with_odd_columns() -> tuple[str, np.ndarray]:
    return "TYX", counts(movie()[:3] + np.where(np.arange(WIDTH) % 2, 12, -12))


def of_a_camera(std: float = 10) -> tuple[str, np.ndarray]:
    """Pixels have offsets, some are hot, and some are noisy, so that some counts are clipped at zero."""
    rng = np.random.default_rng(1)
    values = movie() + rng.normal(0, std, (HEIGHT, WIDTH))
    values += (rng.random((HEIGHT, WIDTH)) < 0.02) * rng.normal(0, 80, values.shape)
    values[:, rng.random((HEIGHT, WIDTH)) < 0.002] += 3000
    return "TYX", counts(values)


def with_halves_and_padding() -> tuple[str, np.ndarray]:
    values = movie()[:4]
    values[:, HEIGHT // 2 :] += 25
    values[:, :, :9] = 0
    values[1, :10] = 0
    return "ZYX", counts(values)


def scanned(whole: bool) -> tuple[str, np.ndarray]:
    """Odd rows of two channels are shifted by 3 pixels, or by 2.4."""
    values = np.stack([movie(4), movie(12, 1)], 1)[:3]
    shifted = np.roll(values, 3, -1)
    if not whole:
        mirrored = np.concatenate([values, values[..., ::-1]], -1)
        turn = np.exp(-2j * np.pi * np.fft.rfftfreq(2 * WIDTH) * 2.4)
        shifted = np.fft.irfft(np.fft.rfft(mirrored) * turn, 2 * WIDTH)[..., :WIDTH]
    values[..., 1::2, :] = shifted[..., 1::2, :]
    return "TCYX", counts(values)


CASES = {
    "nothing": lambda: ("TYX", counts(movie()[:3])),
    "rows": with_rows,
    "odd columns": with_odd_columns,
    "camera": of_a_camera,
    "halves and padding": with_halves_and_padding,
    "shift by whole pixels": lambda: scanned(True),
    "shift": lambda: scanned(False),
}


def parts_of(axes: str, shape: tuple[int, ...]):
    """Parts at the borders and within, which begin at odd pixels too."""
    for y, x in (
        (slice(0, 50), slice(0, 40)),
        (slice(41, 90), slice(33, 144)),
        (slice(64, 128), slice(7, 140)),
    ):
        at = {"Y": y, "X": x, "C": slice(1, 2)}
        yield tuple(at.get(letter, slice(1, size)) for letter, size in zip(axes, shape, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_any_part_is_what_it_is_in_memory(tmp_path, name):
    axes, data = CASES[name]()
    layout = Layout(axes, data.shape)
    expected = Correction()(screen(data, layout), layout)
    first = StoredCorrection(lambda part: data[part], layout, data.dtype)
    search(first)
    record = json.loads(json.dumps(to_record(first, tmp_path, "map")))
    again = StoredCorrection(lambda part: data[part], layout, data.dtype)  # Another process.
    from_record(again, record, tmp_path, "map")
    assert again.changes is (name != "nothing")
    assert [bool(each) for each in again.patterns] == [bool(each) for each in expected.found]
    for one, other in zip(again.patterns, expected.found, strict=True):
        assert [text[:30] for text in one.sentences()] == [text[:30] for text in other.sentences()]
    for part in parts_of(axes, data.shape):
        found = again.read(part)
        np.testing.assert_allclose(found, expected.screened.values[part], rtol=1e-6)
        if name == "nothing":
            assert found.dtype == data.dtype


def test_planes_in_chunks_of_several_are_read_together_and_once():
    axes, data = with_rows()
    layout, read = Layout(axes, data.shape), []

    def part_of(part):
        read.append(part)
        return data[part]

    stored = StoredCorrection(part_of, layout, data.dtype, (3, 64, 64))
    search(stored)
    fresh = StoredCorrection(part_of, layout, data.dtype, (3, 64, 64))
    fresh.removals, fresh.usual, fresh.screens = stored.removals, stored.usual, stored.screens
    read.clear()
    part = (slice(0, 3), slice(0, 64), slice(0, 64))
    one = fresh.read(part)
    n_whole = sum(each[1] == slice(0, HEIGHT) and each[2] == slice(0, WIDTH) for each in read)
    assert n_whole <= 2  # Once to see whether planes are blank.
    read.clear()
    np.testing.assert_array_equal(fresh.read(part), one)
    assert len(read) == 1


def test_maps_are_measured_region_by_region_where_memory_is_small(monkeypatch):
    axes, data = of_a_camera(30)
    layout = Layout(axes, data.shape)
    whole, cut = (StoredCorrection(lambda part: data[part], layout, data.dtype) for _ in range(2))
    search(whole)
    monkeypatch.setattr(maps, "_MIN_REGION", 64)
    monkeypatch.setattr(maps, "_BYTES_DEFECTS", 2**62 // 80**2)
    monkeypatch.setattr(maps, "_BYTES_MAP", 2**62 // 80**2)
    search(cut)
    one, other = whole.removals[0], cut.removals[0]
    assert (one.defects == other.defects).mean() > 0.999
    assert np.corrcoef(one.standing.ravel(), other.standing.ravel())[0, 1] > 0.95
    noisy = [each.found.noisy_pixels.variance > 1 for each in (one, other)]
    assert (noisy[0] & noisy[1]).sum() > 0.8 * noisy[0].sum()


def test_planes_too_large_for_memory_are_known_by_a_square_at_their_centre():
    y, flat = np.arange(180)[:, None], recorded(np.full((2, 180, 200), 50.0))
    layout, everything = Layout("TYX", flat.shape), tuple(slice(0, size) for size in flat.shape)

    def corrected(pattern):
        data = counts(flat + pattern)
        stored = StoredCorrection(lambda part: data[part], layout, data.dtype, memory=120 * 160**2)
        search(stored)
        assert not stored.whole
        return stored, stored.read(everything)

    stored, values = corrected(np.where(y % 2, 12, -12))
    rows, columns = square(stored)
    assert rows.stop - rows.start == columns.stop - columns.start == 160
    assert rows.start + rows.stop == 180
    assert abs(values[:, ::2].mean() - values[:, 1::2].mean()) < 1
    _, values = corrected(np.where(y < 90, 0, 25))
    assert abs(values[:, 90:].mean() - values[:, :90].mean()) < 3
    stored, _ = corrected(np.random.default_rng(0).normal(0, 20, (2, 180, 1)))
    assert not stored.changes
    assert any("left in" in note and "--memory" in note for note in notes_of(stored))


def test_a_damaged_chunk_is_missing_in_what_is_measured():
    from muguet.formats.damaged import DamagedError

    axes, data = with_rows()

    def part_of(part):
        if part[0].start <= 2 < part[0].stop and part[1].stop > 96 and part[2].stop > 96:
            raise DamagedError("damaged")
        return data[part]

    layout = Layout(axes, data.shape)
    stored = StoredCorrection(part_of, layout, data.dtype, (1, 32, 32))
    search(stored)
    found = stored.read((slice(2, 3), slice(0, 64), slice(0, 64)))
    rows = found[0].mean(1) - np.convolve(np.pad(found[0].mean(1), 2, "edge"), np.ones(5) / 5, "valid")
    assert rows.std() < 6  # The offsets have a standard deviation of 20.
    with pytest.raises(DamagedError):
        stored.read((slice(2, 3), slice(64, 128), slice(64, 128)))
