"""The overview is drawn for any image, leaves matplotlib unchanged, and leaves no incomplete file behind."""

import functools
import sys

import matplotlib
import numpy as np
import pytest

from muguet import MuguetError
from muguet.figures import overview, save
from muguet.noise import PoissonGaussian
from muguet.samples import acquisition

LAW = PoissonGaussian(2.0, 100.0, 1.5)


def draw(shape=(96, 120), **choices):
    clean = np.resize(acquisition((min(shape[0], 200), min(shape[1], 200))), shape)
    return overview(LAW.sample(clean), clean, LAW, (float(clean.min()), float(clean.max())), **choices)


@functools.cache
def drawn(**choices):
    """Return one figure for all tests that only look at it."""
    return draw((48, 60), **choices)


def texts(figure):
    return {text.get_text() for axes in figure.axes for text in (*axes.texts, axes.title)} | {
        axes._left_title.get_text() for axes in figure.axes
    }


def test_noisy_and_denoised_share_one_contrast_and_the_residual_is_symmetric():
    images = [axes.images[0].get_clim() for axes in drawn().axes if axes.images]
    assert len(images) == 6
    assert images[0] == images[1] == images[2] == images[3]
    assert images[4] == images[5] == (-images[4][1], images[4][1])


def test_the_clean_image_adds_a_column_and_scores():
    figure = draw(clean=acquisition((96, 120)))
    assert sum(bool(axes.images) for axes in figure.axes) == 8
    assert any(text.startswith("Noisy ") and text.endswith("dB") for text in texts(figure))


@pytest.mark.parametrize(("size", "label"), [(0.108, "2 µm"), (0.004, "100 nm")])
def test_the_scale_bar_is_as_long_as_its_label(size, label):
    figure = draw(pixel_size=size)
    assert label in texts(figure)
    length = float(label.split()[0]) * (1e-3 if label.endswith("nm") else 1.0)
    bars = [p.get_width() for p in figure.axes[0].patches if p.get_facecolor()[:3] == (1, 1, 1)]
    assert any(width * size == pytest.approx(length) or width * size > length for width in bars)


def test_without_a_pixel_size_there_is_no_scale_bar():
    assert not any("µm" in text or "nm" in text for text in texts(drawn()))


@pytest.mark.parametrize("shape", [(16, 16), (1100, 40)])
def test_any_shape(shape, tmp_path):
    save(draw(shape), tmp_path / "figure.png")


def test_missing_pixels_and_constant_images_are_drawn():
    noisy = acquisition((64, 64))
    noisy[10:20] = np.nan
    overview(noisy, noisy, LAW, (100.0, 200.0))
    overview(np.full((64, 64), 7.0), np.full((64, 64), 7.0), LAW, (7.0, 8.0))


def test_a_wide_range_of_signals_has_a_logarithmic_axis():
    clean = acquisition((64, 64)) - 99
    figure = overview(clean, clean, PoissonGaussian(), (1.0, 200.0))
    assert any(axes.get_xscale() == "log" for axes in figure.axes)


def test_the_global_style_is_unchanged():
    before = dict(matplotlib.rcParams)
    draw(title="cells.tif", pixel_size=0.1)
    assert dict(matplotlib.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")  # another test may have imported it
    assert pyplot is None or not pyplot.get_fignums()


def test_the_same_figure_gives_the_same_file(tmp_path):
    for name, figure in (("one", drawn()), ("two", draw((48, 60)))):
        for suffix in (".png", ".svg"):
            save(figure, tmp_path / f"{name}{suffix}")
    for suffix in (".png", ".svg"):
        one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_what_cannot_be_drawn_or_written_gives_one_sentence(tmp_path):
    figure = drawn()
    with pytest.raises(MuguetError, match=r"ends in \.png"):
        save(figure, tmp_path / "figure.docx")
    (tmp_path / "file").touch()
    with pytest.raises(MuguetError):
        save(figure, tmp_path / "file" / "figure.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with pytest.raises(MuguetError, match="one shape"):
        overview(np.zeros((4, 5)), np.zeros((5, 4)), LAW, (0, 1))


def test_without_matplotlib_a_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MuguetError, match=r"pip install 'muguet\[figures\]'"):
        draw((32, 32))
