"""The correction of counts: it changes nothing without a reason, and what it does is kept in the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import muguet
from muguet import MuguetError
from muguet.image import Layout, screen
from muguet.pattern import Correction, Maps
from tests.conftest import recorded


@pytest.fixture
def offsets() -> np.ndarray:
    return np.random.default_rng(3).normal(0, 15, 128)


@pytest.fixture
def lined(noisy: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(noisy + offsets[:, None]), 0, 65535).astype(np.uint16)


def corrected(image: np.ndarray, axes: str, correction: Correction | None = None):
    layout = Layout(axes, image.shape)
    return (correction or Correction())(screen(image, layout), layout)


def test_an_image_without_a_pattern_stays_as_it_is(noisy: np.ndarray) -> None:
    found = corrected(noisy, "YX")
    assert found.screened.values is noisy
    assert not any(found.found)
    assert found.notes == ()


def test_the_sentence_says_what_was_removed(lined: np.ndarray, offsets: np.ndarray) -> None:
    found = corrected(lined, "YX")
    assert found.removed is not None
    assert np.var(found.removed[:, 0] - offsets) < 0.1 * np.var(offsets)
    assert np.allclose(found.removed, found.removed[:, :1], atol=1e-3)
    (note,) = found.notes
    assert "every row has an offset" in note
    assert found.found[0].rows is not None
    assert found.found[0].rows.std == pytest.approx(offsets.std(), rel=0.1)
    assert corrected(lined, "YX", Correction("keep")).screened.values is lined


def test_saturated_pixels_stay_saturated(lined: np.ndarray) -> None:
    level = int(np.quantile(lined, 0.99))
    image = np.minimum(lined, level)
    values = corrected(image, "YX").screened.values
    assert (values[image == level] == level).all()
    assert values.max() == level


def test_every_plane_and_channel_has_its_own_lines(noisy: np.ndarray, lined: np.ndarray) -> None:
    image = np.stack([np.stack([noisy, lined]), np.stack([noisy, lined[:, ::-1]])])
    found = corrected(image, "TCYX")
    assert not found.found[0]
    assert found.found[1].rows is not None
    assert np.array_equal(found.screened.values[:, 0], image[:, 0])


def test_maps_make_the_pixels_of_a_camera_alike(clean: np.ndarray) -> None:
    rng = np.random.default_rng(3)
    gain, offset = rng.uniform(1.6, 2.4, clean.shape), rng.normal(100, 4, clean.shape)
    electrons = rng.poisson((clean - 100) / 2)
    found = Maps.of(gain, offset).remove(gain * electrons + offset, 0)
    assert found == pytest.approx(gain.mean() * electrons + offset.mean(), abs=0.01)


def test_noisy_pixels_become_as_quiet_as_others() -> None:
    rng = np.random.default_rng(4)
    variance = np.full((200, 200), 9.0)
    loud = rng.random(variance.shape) < 0.05
    variance[loud] = 400.0
    plane = 100 + np.sqrt(variance) * rng.normal(size=variance.shape)
    found = Maps.of(variance=variance).remove(plane, 0)
    assert np.array_equal(found[~loud], plane[~loud])
    assert found[loud].std() == pytest.approx(3.0, rel=0.2)


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ({"gain": np.zeros((8, 8))}, "larger than zero"),
        ({"variance": -np.ones((8, 8))}, "negative"),
        ({"offset": np.full((8, 8), np.nan)}, "not finite"),
        ({"offset": np.ones(8)}, "one value for each pixel"),
        ({"offset": np.ones((8, 8)), "gain": np.ones((9, 8))}, "one size"),
    ],
)
def test_a_map_that_is_not_possible_is_refused(maps: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(MuguetError, match=words):
        Maps.of(**maps)


def test_a_map_of_another_size_is_refused(noisy: np.ndarray) -> None:
    with pytest.raises(MuguetError, match="offset map has 64×64 pixels and the image has 128×128"):
        corrected(noisy, "YX", Correction(maps=Maps.of(offset=np.ones((64, 64)))))


def test_the_model_keeps_the_maps_and_removes_lines(
    tiny_prior: None, tmp_path: Path, lined: np.ndarray, clean: np.ndarray
) -> None:
    offset = np.random.default_rng(5).normal(100, 4, lined.shape)
    image = recorded((clean - 100) / 2) + offset - 100
    model = muguet.fit(image, "YX", steps=1, offset_map=offset)
    model.save(tmp_path / "model.muguet")
    again = muguet.load(tmp_path / "model.muguet")
    assert np.array_equal(again.correction.maps.given["offset"], offset.astype(np.float32))
    assert np.array_equal(again(image, "YX"), model(image, "YX"))
    model = muguet.fit(lined, "YX", steps=1)
    assert model.training["patterns"][0]["rows"]["std"] > 10
    rows = model(lined, "YX").mean(1)
    kept = muguet.fit(lined, "YX", steps=1, lines="keep")(lined, "YX").mean(1)
    assert np.abs(np.diff(rows)).mean() < 0.5 * np.abs(np.diff(kept)).mean()
