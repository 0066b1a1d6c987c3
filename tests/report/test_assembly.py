"""The report needs no other file, shows only numbers that its JSON holds, and escapes every name."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from muguet import MuguetError
from muguet.quality import Check, Quality
from muguet.report import Run, write_report
from muguet.report.images import data_uri, pictures
from muguet.system.text import number
from tests.report.conftest import (
    LAW,
    NASTY,
    RUN,
    Reader,
    bare,
    decoded,
    facts_of,
    judged,
    leaves,
    numbers,
    written,
)

# --- One file --------------------------------------------------------------------------------------------


def test_it_fetches_nothing(page):
    text = page.read_text("utf-8")
    reader = Reader(text)
    for name, value in reader.attributes:
        if name in ("src", "href", "xlink:href", "srcset", "action", "data"):
            assert value.startswith(("data:", "#")), (name, value[:80])
    assert not re.search(r"url\((?!#|data:)|@import|\bfetch\(|XMLHttpRequest|WebSocket|import\(", text)
    assert "default-src 'none'" in text


def test_every_number_that_is_shown_is_in_the_json(page):
    text = page.read_text("utf-8")
    known = set()
    for leaf in leaves(facts_of(text)):
        if isinstance(leaf, str):
            known.update(numbers(leaf))
        elif isinstance(leaf, int | float) and not isinstance(leaf, bool):
            known.update(numbers(f"{leaf:.4g} {leaf:.2f} {leaf:.0f} {leaf}"))
    shown = numbers(" ".join(Reader(text).seen))
    assert len(shown) > 100
    assert [number for number in shown if number not in known] == []


def test_the_json_holds_what_was_drawn(page):
    facts = facts_of(page.read_text("utf-8"))
    (its,) = facts["channels"]
    assert its["quality"]["curves"]["pit"]["count"] == [321.0] * 10
    assert its["quality"]["curves"]["autocorrelation"]["y"] == [None] * 8
    assert its["quality"]["checks"][0]["figures"] == {"part": 0.41, "none": None}
    signal = np.array(its["noise"]["table"]["signal"])
    np.testing.assert_allclose(its["noise"]["table"]["std"], LAW.std(signal), rtol=1e-6)
    np.testing.assert_allclose(its["noise"]["table"]["own_std"], 20.0, rtol=1e-6)
    assert its["camera"]["gain"]["value"] == pytest.approx(2.0, rel=0.05)
    assert facts["run"]["training"]["history"][-1]["step"] == 800


def test_the_verdict_is_the_worst_one_with_its_reason(page, tmp_path, quick_charts):
    facts = facts_of(page.read_text("utf-8"))
    assert facts["verdict"] == "bad"
    assert facts["told"] == "It is bad: 0.411 of it."

    def of(*channels):
        return facts_of(written(tmp_path, *channels, run=Run()).read_text("utf-8"))

    good, doubtful = judged("good", drawn=False), judged("good", "doubtful", drawn=False)
    facts = of(bare(quality=good, name="DAPI"), bare(quality=doubtful, name="GFP"))
    assert facts["verdict"] == "doubtful"
    assert facts["told"].startswith("GFP: It is doubtful")
    assert of(bare(quality=good))["verdict"] == "good"
    assert of(bare(quality=Quality((), {})))["verdict"] == "unknown"


def test_no_person_and_no_folder_is_named(page):
    text = page.read_text("utf-8")
    assert not re.search(r"ada|/home|/usr|/srv|secret place", text.split("<body>")[1].replace("metadata", ""))
    assert facts_of(text)["run"]["command"] == ["muguet", "denoise", "cells.tif", "--report=r.html"]
    assert facts_of(text)["run"]["training"]["data"][0]["name"] == "cells.tif"


def test_names_are_escaped_wherever_they_are_shown(tmp_path, quick_charts):
    checks = Quality((Check(NASTY, "bad", NASTY, {NASTY: 1.0}),), {})
    run = replace(RUN, command=["muguet", NASTY], machine={NASTY: NASTY})
    shown = [bare(name=NASTY, notes=(NASTY,), quality=checks), bare()]
    text = written(tmp_path, *shown, title=NASTY, run=run).read_text("utf-8")
    reader = Reader(text)
    assert facts_of(text)["title"] == NASTY
    assert not any(name == "onerror" for name, _ in reader.attributes)
    assert "".join(reader.seen).count(NASTY) >= 6


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script></style></title><!-- ",
        "\"><b onclick='alert(1)'>",
        "[/b] [red] \\[ {{ 7 * 7 }} {% raw %} {# #} &amp; %s",
        "Zellkörper 核 𝛼\u2028µm.tif",
    ],
)
def test_hostile_names_are_shown_as_they_are(tmp_path, name, quick_charts):
    checks = Quality((Check(name, "bad", name, {name: 1.0}),), {})
    run = Run(machine={name: name}, training={"data": [{"name": name}]})
    channels = [bare(name=name, notes=(name,), quality=checks), bare()]
    hostile = written(tmp_path, *channels, title=name, run=run).read_text("utf-8")
    tags = [tag for tag, _ in Reader(hostile).tags]
    plain_checks = Quality((Check("x", "bad", "x", {"x": 1.0}),), {})
    channels = [bare(name="x", notes=("x",), quality=plain_checks), bare()]
    run = Run(machine={"x": "x"}, training={"data": [{"name": "x"}]})
    plain = written(tmp_path, *channels, title="x", run=run).read_text("utf-8")
    assert tags == [tag for tag, _ in Reader(plain).tags]
    assert "".join(Reader(hostile).seen).count(name) >= 8
    facts = facts_of(hostile)
    assert facts["title"] == facts["channels"][0]["name"] == facts["channels"][0]["notes"][0] == name


def test_headings_descend_and_ids_and_pictures_are_named(page, tmp_path):
    two = written(tmp_path, bare(), bare(name="Channel 1"))
    for file in (page, two):
        reader = Reader(file.read_text("utf-8"))
        levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h\d", tag)]
        assert levels[0] == 1
        assert max(np.diff(levels)) <= 1
        assert levels.count(1) == 1
        assert len(reader.ids) == len(set(reader.ids))
        assert ("lang", "en") in reader.attributes
        for tag, attributes in reader.tags:
            if tag in ("img", "svg", "canvas"):
                assert attributes.get("alt") or attributes.get("aria-label"), tag


# --- Whatever the image is -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_large_images_stay_below_five_megabytes(page, tmp_path, number, quick_charts):
    chance = np.random.default_rng(0)
    noisy = 100.0 + chance.normal(0, 30, (1200, 1200))  # pure noise gives the largest PNG
    path = written(tmp_path, *[bare(noisy=noisy, estimate=noisy[::-1])] * number, run=Run())
    charts = sum(map(len, re.findall(r"<svg.*?</svg>", page.read_text("utf-8"), re.DOTALL)))
    assert path.stat().st_size + number * charts < 5_000_000
    crop = facts_of(path.read_text("utf-8"))["channels"][0]["images"]["crop"]
    assert crop["width"] >= (256 if number <= 5 else 200)


@pytest.mark.parametrize("shape", [(3, 200), (700, 40), (1, 1)])
def test_any_shape(tmp_path, shape, quick_charts):
    written(tmp_path, bare(shape), run=Run())


def test_a_recipe_without_a_law_has_no_noise_and_no_camera(tmp_path):
    text = written(tmp_path, bare(), run=Run()).read_text("utf-8")
    assert "The camera" not in text
    assert "The noise</h2>" not in text
    assert "Before and after" in text


def test_missing_pixels_and_flat_planes(tmp_path, quick_charts):
    plane = np.full((64, 64), 7.0)
    hole = plane.copy()
    hole[10:20] = np.nan
    for noisy in (plane, hole, np.full((64, 64), np.nan)):
        looks = {"noisy": noisy, "estimate": noisy, "signal_range": (7.0, 7.0)}
        written(tmp_path, bare(**looks), run=Run())
    written(tmp_path, bare(**{**looks, "law": LAW}), run=Run())


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (-0.123456, "−0.1235"), (24721.4, "24721"), (3e9, "3e+09"), (np.inf, "∞"), (2, "2")],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_a_picture_is_the_plane():
    plane = np.array([[0.0, 10.0], [5.0, np.nan]])
    grey, alpha = np.moveaxis(decoded(data_uri(plane, 0.0, 10.0)), -1, 0)
    assert grey[0].tolist() == [0, 255]
    assert grey[1, 0] in (127, 128)
    assert alpha.tolist() == [[255, 255], [255, 0]]


def test_before_and_after_share_one_contrast_and_the_crop_shows_structure():
    chance = np.random.default_rng(1)
    clean = np.full((1200, 1200), 100.0)
    clean[900:1100, 300:500] += 50 * chance.random((200, 200))
    shown = pictures(clean + chance.normal(0, 1, clean.shape), clean, None)
    crop = shown.facts["crop"]
    assert crop["x"] <= 400 <= crop["x"] + crop["width"]
    assert crop["y"] <= 1000 <= crop["y"] + crop["height"]
    assert crop["width"] == crop["height"] == 512
    before, after, residual = (decoded(each.source).astype(float) for each in shown.crops)
    low, high = shown.facts["contrast"]
    part = clean[crop["y"] :, crop["x"] :][: crop["height"], : crop["width"]]
    np.testing.assert_allclose(
        after * (high - low) / 255 + low, part.clip(low, high), atol=(high - low) / 400
    )
    assert abs(residual.mean() - 127.5) < 2
    assert abs(np.median(before) - np.median(after)) < 10
    assert {each.width for each in shown.wholes} == {600}


def test_a_report_that_cannot_be_written_gives_one_sentence(tmp_path, monkeypatch, quick_charts):
    with pytest.raises(MuguetError, match=r"ends in \.html"):
        write_report(tmp_path / "report.pdf", "cells", [bare()], Run())
    path = written(tmp_path, bare(), run=Run())
    with pytest.raises(MuguetError, match="overwrite=True"):
        write_report(path, "cells", [bare()], Run())
    with pytest.raises(MuguetError, match="one shape"):
        write_report(path, "cells", [bare(noisy=np.zeros((4, 5)))], Run(), overwrite=True)
    with pytest.raises(MuguetError, match="at least one"):
        write_report(path, "cells", [], Run(), overwrite=True)


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_missing_package_gives_a_sentence_with_its_extra(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MuguetError, match=rf"{package}: install it with pip install 'muguet\[figures\]'"):
        write_report(tmp_path / "report.html", "cells", [bare()], Run())
    assert not list(tmp_path.iterdir())


def test_the_same_report_gives_the_same_file(page, tmp_path):
    assert written(tmp_path).read_bytes() == page.read_bytes()
