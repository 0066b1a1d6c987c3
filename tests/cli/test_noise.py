"""`muguet noise` prints the law of the noise of models and images, for people and for programs."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
import tifffile

GAIN, OFFSET = 2.0, 100.0
READ_OUT = ("gain", "offset", "read_noise", "zero", "third_ratio")


def scene(shape=(160, 200)):
    """Smooth counts without noise of a camera with gain 2 and offset 100."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return OFFSET + GAIN * (60 + 50 * np.sin(y / 30) * np.cos(x / 35))


def recorded(clean, frames, seed=0):
    rng = np.random.default_rng(seed)
    return (OFFSET + GAIN * rng.poisson((clean - OFFSET) / GAIN, (frames, *clean.shape))).astype(np.uint16)


def store(path, data, axes):
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": axes})
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A clean plane, the same for each of twelve frames, the frames, one frame, and a smaller clean plane."""
    where = tmp_path_factory.mktemp("noise")
    clean = scene()
    frames = recorded(clean, 12)
    store(where / "clean.tif", np.repeat(clean[None].astype(np.float32), 12, 0), "TYX")
    store(where / "plane.tif", clean.astype(np.float32), "YX")
    store(where / "frames.tif", frames, "TYX")
    store(where / "frame.tif", frames[0], "YX")
    store(where / "small.tif", clean[:50].astype(np.float32), "YX")
    return where


@pytest.fixture(scope="module")
def trained(files, small_nets_of_module):
    """Models of one and three components, trained for two steps."""
    from muguet import fit

    image = tifffile.imread(files / "frame.tif")
    for components in (1, 3):
        model = fit(image, axes="YX", components=components, steps=2, seed=0, prior="none")
        model.training["data"][0]["name"] = str(files / "frame.tif")
        model.save(files / f"g{components}.muguet")
    fit(image, axes="YX", recipe="l2", steps=2, seed=0).save(files / "l2.muguet")
    return files


def facts_of(answer):
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def covers(interval, truth):
    return interval["low"] <= truth <= interval["high"]


@pytest.mark.parametrize("clean", ["clean.tif", "plane.tif"])
def test_a_pair_gives_the_law_and_the_camera(muguet, files, clean):
    facts = facts_of(muguet("noise", files / "frames.tif", "--clean", files / clean, "--json"))
    assert facts["laws"] == []
    measured = facts["measured"]
    assert covers(measured["readout"]["gain"], GAIN)
    assert covers(measured["readout"]["offset"], OFFSET)
    table = {name: np.array(values) for name, values in measured["table"].items()}
    inner = slice(1, -1)
    std = np.sqrt(GAIN * (table["signal"] - OFFSET))
    np.testing.assert_allclose(table["std"][inner], std[inner], rtol=0.05)
    np.testing.assert_allclose(table["skewness"][inner], (GAIN / std)[inner], atol=0.15)
    assert (table["q0.025"] < -1.4 * std).all()
    assert (table["q0.975"] > 1.4 * std).all()
    assert measured["verdict"]


def test_repeats_need_no_clean_image(muguet, files):
    facts = facts_of(muguet("noise", files / "frames.tif", "--repeats", "--json"))["measured"]
    assert facts["kind"] == "repeats"
    assert facts["readout"]["gain"]["value"] == pytest.approx(GAIN, rel=0.05)
    assert facts["readout"]["offset"]["value"] == pytest.approx(OFFSET, abs=6)


def test_an_image_alone_gives_sigma_and_says_what_it_is(muguet, files):
    facts = facts_of(muguet("noise", files / "frames.tif", "--json"))["measured"]
    assert set(facts["table"]) == {"signal", "std"}
    assert facts["readout"]["gain"]["value"] == pytest.approx(GAIN, rel=0.05)
    assert facts["readout"]["offset"]["value"] == pytest.approx(OFFSET, abs=6)
    assert facts["readout"]["third_ratio"] is None
    answer = muguet("noise", files / "frames.tif")
    assert "only σ is known" in answer.out
    assert "skewness" not in answer.out


def test_saturated_pixels_are_left_out(muguet, files, tmp_path):
    clipped = np.minimum(tifffile.imread(files / "frames.tif"), 300)
    path = store(tmp_path / "clipped.tif", clipped, "TYX")
    measured = facts_of(muguet("noise", path, "--clean", files / "clean.tif", "--json"))["measured"]
    assert any("saturated" in note for note in measured["notes"])


def test_models_are_printed_without_images(muguet, trained):
    facts = facts_of(muguet("noise", trained / "g1.muguet", trained / "g3.muguet", "--json"))
    assert facts["measured"] is None
    assert [law["components"] for law in facts["laws"]] == [1, 3]
    assert [law["mean_divergence"] for law in facts["laws"]] == [None, None]
    columns = {"signal", "std", "learned_std", "skewness", "q0.025", "q0.975"}
    assert set(facts["laws"][0]["table"]) == columns
    assert facts["laws"][0]["table"]["skewness"] == pytest.approx([0] * 9, abs=1e-6)
    assert facts["laws"][0]["notes"] == []


def test_the_read_out_of_a_model_is_that_of_its_images(muguet, trained):
    """After two steps N-net has learned nothing: gain and offset come from the photon-transfer curve alone."""
    readout = facts_of(muguet("noise", trained / "g3.muguet", "--json"))["laws"][0]["readout"]
    assert readout["gain"]["low"] <= GAIN <= readout["gain"]["high"]
    assert readout["offset"]["low"] <= OFFSET <= readout["offset"]["high"]


def test_a_law_that_could_not_be_calibrated_says_so(muguet, trained, tmp_path):
    from dataclasses import replace

    from muguet import load

    replace(load(trained / "g3.muguet"), transfers=(None,)).save(tmp_path / "plain.muguet")
    for extra in ((), ("--clean", trained / "plane.tif")):
        law = facts_of(muguet("noise", tmp_path / "plain.muguet", *extra, "--json"))["laws"][0]
        assert law["kind"] == "learned"
        assert "error of the estimate" in law["notes"][0]
        assert "learned_std" not in law["table"]
        ends = [(each["low"], each["high"]) for name, each in law["readout"].items() if name in READ_OUT]
        assert ends == [(None, None)] * len(READ_OUT)
    text = muguet("noise", tmp_path / "plain.muguet").out
    assert "not calibrated" in text.splitlines()[0]
    assert "[" not in text
    assert "not calibrated" in muguet("info", tmp_path / "plain.muguet").out
    assert "not calibrated" not in muguet("info", trained / "g3.muguet").out


@pytest.mark.parametrize("noisy", [(), ("--noisy", "frame.tif")])
def test_models_are_compared_with_what_is_measured(muguet, trained, noisy):
    noisy = [trained / part if part.endswith("tif") else part for part in noisy]
    models = (trained / "g1.muguet", trained / "g3.muguet")
    facts = facts_of(muguet("noise", *models, "--clean", trained / "plane.tif", *noisy, "--json"))
    assert facts["measured"]["name"] == "frame.tif"
    for law in facts["laws"]:
        assert law["mean_divergence"] > 0
        assert len(law["divergence"]["nats"]) == len(law["divergence"]["signal"]) > 1
        assert {"measured_std", "measured_skewness", "divergence"} <= set(law["table"])


def test_people_read_a_table_with_aligned_numbers_and_sentences(muguet, trained):
    answer = muguet("noise", trained / "g3.muguet", "--clean", trained / "plane.tif")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0].startswith("g3.muguet  learned, with a variance measured on the training images, 3 comp")
    assert "meas. σ" in lines[1]
    assert len({re.match(r" *[^ ]+ +[^ ]+", line).end() for line in lines[2:11]}) == 1
    assert any(line.startswith("gain ") for line in lines)
    assert "in nats a pixel" in answer.out
    assert "nan" not in answer.out.lower()


@pytest.mark.parametrize("suffix", [".svg", pytest.param(".pdf", marks=pytest.mark.slow)])
def test_a_figure(muguet, trained, tmp_path, suffix):
    out = tmp_path / f"law{suffix}"
    models = (trained / "g1.muguet", trained / "g3.muguet")
    assert muguet("noise", *models, "--clean", trained / "plane.tif", "-o", out).code == 0
    before = out.read_bytes()
    assert len(before) > 1000
    answer = muguet("noise", *models, "-o", out)
    assert answer.code == 2
    assert "exists" in answer.err
    assert out.read_bytes() == before
    assert muguet("noise", *models, "-o", out, "--overwrite").code == 0
    assert out.read_bytes() != before


def test_the_offset_separates_the_read_noise(muguet, files):
    facts = facts_of(muguet("noise", files / "frames.tif", "--repeats", "--offset", 100, "--json"))[
        "measured"
    ]
    assert facts["readout"]["separated"]
    assert facts["readout"]["offset"] == {"value": 100.0, "low": 100.0, "high": 100.0}
    halved = facts_of(muguet("noise", files / "frames.tif", "--repeats", "--excess", 2, "--json"))["measured"]
    assert halved["readout"]["gain"]["value"] == pytest.approx(GAIN / 2, rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gone.tif",), "gone.tif does not exist"),
        (("frame.tif", "frames.tif"), "one image alone"),
        (("frame.tif", "--clean", "small.tif"), "one shape"),
        (("frames.tif", "--clean", "gone.tif"), "gone.tif does not exist"),
        (("frames.tif", "--clean", "clean.tif", "--repeats"), "give one of them"),
        (("frame.tif", "--repeats"), "T axis"),
        (("frame.tif", "--channel", 1), "--channel 1"),
        (("frame.tif", "--noisy", "frames.tif"), "--noisy"),
        (("frame.tif", "-o", "law.docx"), "ends in .png"),
        (("g3.muguet", "--channel", 3), "--channel 3"),
        (("g3.muguet", "--noisy", "frame.tif"), "--clean"),
        (("g3.muguet", "--repeats"), "--repeats"),
        (("g3.muguet", "--clean", "small.tif"), "one shape"),
        (("l2.muguet",), "no noise law"),
    ],
)
def test_a_mistake_is_one_sentence(muguet, trained, tmp_path, arguments, words):
    named = [trained / part if "." in str(part) else part for part in arguments]
    answer = muguet("noise", *named)
    assert answer.code == 2
    assert len(answer.err.strip().splitlines()) == 1
    assert words in answer.err
    assert answer.out == ""
    assert not (trained / "law.docx").exists()


def test_a_model_whose_images_are_gone_asks_for_them(muguet, trained, tmp_path):
    from muguet import fit

    model = fit(tifffile.imread(trained / "frame.tif"), axes="YX", steps=1, seed=0)
    model.save(tmp_path / "moved.muguet")
    answer = muguet("noise", tmp_path / "moved.muguet", "--clean", trained / "plane.tif")
    assert answer.code == 2
    assert "--noisy" in answer.err
    assert muguet("noise", tmp_path / "moved.muguet", "--json").code == 0


def test_a_file_that_is_no_model(muguet, files, tmp_path):
    shutil.copy(files / "frame.tif", tmp_path / "frame.muguet")
    assert muguet("noise", tmp_path / "frame.muguet").code == 2


def test_a_small_image_has_a_law_and_a_flat_or_tiny_one_is_a_sentence(muguet, files, tmp_path):
    small = store(tmp_path / "small.tif", tifffile.imread(files / "frame.tif")[:60, :70], "YX")
    assert facts_of(muguet("noise", small, "--json"))["measured"]["readout"]["gain"]["value"] > 0
    for name, pixels in (("flat", np.full((64, 64), 7)), ("tiny", np.ones((3, 4))), ("few", np.eye(9))):
        answer = muguet("noise", store(tmp_path / f"{name}.tif", pixels.astype(np.uint16), "YX"))
        assert answer.code == 2
        assert len(answer.err.strip().splitlines()) == 1


def test_each_channel_has_its_own_law(muguet, tmp_path):
    clean = scene()
    both = np.stack([recorded(clean, 1)[0], 3 * recorded(clean, 1, 1)[0]])
    path = store(tmp_path / "two.tif", both, "CYX")
    gains = [
        facts_of(muguet("noise", path, "--channel", c, "--json"))["measured"]["readout"]["gain"]["value"]
        for c in (0, 1)
    ]
    assert gains == pytest.approx([GAIN, 3 * GAIN], rel=0.1)
