"""The report: whole in itself, true to its numbers, and opened in a real browser where there is one."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from muguet import MuguetError
from muguet.noise import Gaussian, PoissonGaussian, read_out, transfer_alone
from muguet.quality import Check, Quality
from muguet.report import Channel, Run, write_report
from muguet.report.facts import number
from muguet.report.images import data_uri, pictures
from muguet.samples import acquisition

LAW = PoissonGaussian(2.0, 100.0, 1.5)
NASTY = '<img src=x onerror="alert(1)"> & </script> "cells" 𝛼.tif'


def curves():
    signal = np.linspace(110, 900, 12)
    return {
        "residual": {
            "signal": signal,
            "mean": np.full(12, 0.0123),
            "variance": np.full(12, 0.95),
            "error": signal,
        },
        "autocorrelation": {
            "lag": np.arange(1, 9.0),
            "x": np.full(8, 0.02),
            "y": np.full(8, np.nan),
        },
        "pit": {"edge": np.linspace(0, 1, 11), "count": np.full(10, 321.0)},
        "frc": {"frequency": np.linspace(0.01, 0.5, 9), "noisy": np.linspace(1, 0, 9)},
    }


def judged(*verdicts, drawn=True):
    checks = [
        Check(
            f"Check {n}",
            verdict,
            f"It is {verdict}: 0.41{n} of it.",
            {"part": 0.41 + n / 1000, "none": np.nan},
        )
        for n, verdict in enumerate(verdicts)
    ]
    return Quality(tuple(checks), curves() if drawn else {})


def bare(shape=(96, 120), **other):
    """A channel without a law, and so without charts, which take their time."""
    clean = np.resize(scene(), shape)
    known = {
        "name": "Channel 0",
        "noisy": LAW.sample(clean),
        "estimate": clean,
        "signal_range": (100.0, 500.0),
    }
    return Channel(**{**known, "quality": judged("good", drawn=False), **other})


def channel(**other):
    """A channel of which all is known."""
    plain = bare()
    known = {
        "quality": judged("good", "bad", "doubtful"),
        "law": LAW,
        "own_law": Gaussian(20.0),
        "points": transfer_alone([plain.noisy], [plain.estimate], fewest=100),
        "readout": read_out(LAW, plain.estimate),
        "pixel_size": 0.108,
    }
    return replace(plain, **{**known, **other})


@cache
def scene():
    return acquisition((96, 120)).astype(np.float64)


RUN = Run(
    command=[
        "/usr/local/bin/muguet",
        "denoise",
        "/home/ada/secret place/cells.tif",
        "--report=/srv/x/r.html",
    ],
    started="2025-06-01 12:00:00+02:00",
    seconds=75.4,
    machine={"Processor": "A processor of 2 cores"},
    versions={"muguet": "0.1.0"},
    parts={"recipe": "joint", "components": 3},
    training={
        "steps": 800,
        "seconds": 60.2,
        "held_out": -1.38,
        "plan": {"seed": 7},
        "data": [{"name": r"C:\Users\ada\cells.tif", "axes": "YX", "shape": [96, 120], "dtype": "uint16"}],
        "history": [{"step": 50 * n, "loss": 1 / n, "held_out": 1 / n} for n in range(1, 17)],
    },
)


def written(where, *channels, title="cells.tif", run=RUN):
    path = where / "report.html"
    write_report(path, title, channels or [channel()], run, overwrite=True)
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return written(tmp_path_factory.mktemp("report"))


class Reader(HTMLParser):
    """The text that is seen, all attributes, the titles of levels, and ids."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.attributes, self.ids, self.tags = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.append((tag, dict(attrs)))
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        if tag in ("meta", "link", "img"):
            self.open.pop()

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style", "svg", "title"} & set(self.open):
            self.seen.append(data)


def facts_of(text):
    return json.loads(
        re.search(r'<script type="application/json" id="muguet">(.*?)</script>', text, re.DOTALL)[1]
    )


def leaves(value):
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)
    else:
        yield value


def numbers(text):
    return re.findall(r"−?\d+(?:\.\d+)?(?:e[+−]?\d+)?", text.replace("-", "−"))


# --- Whole in itself -------------------------------------------------------------------------------------


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


def test_the_verdict_is_the_worst_and_tells_why(page, tmp_path):
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


def test_nothing_tells_of_people_and_places(page):
    text = page.read_text("utf-8")
    assert not re.search(r"ada|/home|/usr|/srv|secret place", text.split("<body>")[1].replace("metadata", ""))
    assert facts_of(text)["run"]["command"] == ["muguet", "denoise", "cells.tif", "--report=r.html"]
    assert facts_of(text)["run"]["training"]["data"][0]["name"] == "cells.tif"


def test_names_are_text_and_no_html(tmp_path):
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
        "<script>alert(1)</script>",
        "\"><b onclick='alert(1)'>",
        "</style></title><!-- ",
        "[/b] [red] \\[",
        "{{ 7 * 7 }} {% raw %} {# #} &amp; %s",
        "Zellkörper 核 𝛼\u2028µm.tif",
    ],
)
def test_hostile_names_are_shown_as_they_are(tmp_path, name):
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


@pytest.mark.parametrize("number", [1, 3, 8])
def test_large_images_stay_below_five_megabytes(page, tmp_path, number):
    chance = np.random.default_rng(0)
    noisy = 100.0 + chance.normal(0, 30, (2048, 2048))  # all noise: the largest PNG there is
    path = written(tmp_path, *[bare(noisy=noisy, estimate=noisy[::-1])] * number, run=Run())
    charts = sum(map(len, re.findall(r"<svg.*?</svg>", page.read_text("utf-8"), re.DOTALL)))
    assert path.stat().st_size + number * charts < 5_000_000
    crop = facts_of(path.read_text("utf-8"))["channels"][0]["images"]["crop"]
    assert crop["width"] >= (256 if number <= 5 else 200)


@pytest.mark.parametrize("shape", [(16, 16), (3, 200), (40, 700), (700, 40), (1, 1)])
def test_any_shape(tmp_path, shape):
    written(tmp_path, bare(shape), run=Run())


def test_a_recipe_without_a_law_has_no_noise_and_no_camera(tmp_path):
    text = written(tmp_path, bare(), run=Run()).read_text("utf-8")
    assert "The camera" not in text
    assert "The noise</h2>" not in text
    assert "Before and after" in text


def test_missing_pixels_and_flat_planes(tmp_path):
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


def decoded(source):
    return imagecodecs.png_decode(base64.b64decode(source.removeprefix("data:image/png;base64,")))


def test_before_and_after_share_one_contrast_and_the_crop_is_where_something_is():
    chance = np.random.default_rng(1)
    clean = np.full((1500, 1500), 100.0)
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
    assert {each.width for each in shown.wholes} == {500}


def test_what_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(MuguetError, match=r"ends in \.html"):
        write_report(tmp_path / "report.pdf", "cells", [bare()], Run())
    path = written(tmp_path, bare(), run=Run())
    with pytest.raises(MuguetError, match="--overwrite"):
        write_report(path, "cells", [bare()], Run())
    with pytest.raises(MuguetError, match="one shape"):
        write_report(path, "cells", [bare(noisy=np.zeros((4, 5)))], Run(), overwrite=True)
    with pytest.raises(MuguetError, match="at least one"):
        write_report(path, "cells", [], Run(), overwrite=True)


@pytest.mark.parametrize(("package", "name"), [("matplotlib", "matplotlib"), ("jinja2", "Jinja2")])
def test_without_a_package_of_its_extra_the_sentence_names_the_extra(tmp_path, monkeypatch, package, name):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MuguetError, match=rf"{name}: pip install muguet\[figures\]"):
        write_report(tmp_path / "report.html", "cells", [bare()], Run())
    assert not list(tmp_path.iterdir())


def test_the_same_report_gives_the_same_file(page, tmp_path):
    assert written(tmp_path).read_bytes() == page.read_bytes()


# --- In a real browser -----------------------------------------------------------------------------------

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")

MOVE = """<script>
addEventListener("load", () => setTimeout(() => {
  const root = document.documentElement, boxes = [...document.querySelectorAll(".crops .box")];
  const grey = () => [...document.querySelectorAll(".details canvas")].map((lens) =>
    lens.getContext("2d").getImageData(3, 3, 1, 1).data[0]).join();
  const view = document.querySelectorAll(".crops .view")[1], frame = view.getBoundingClientRect();
  view.dispatchEvent(new PointerEvent("pointermove", {clientX: frame.left + 1, clientY: frame.top + 1}));
  root.dataset.corner = boxes.map((box) => box.style.left + box.style.top).join();
  root.dataset.grey = grey();
  view.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
  root.dataset.right = document.querySelector(".where").textContent;
  root.dataset.wide = String(root.scrollWidth <= root.clientWidth);
}, 300));
</script></body>"""


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no browser is here: install Chromium to open the report in one")
    return found


def browse(browser, page, where, *options):
    """Standard output of a browser that opened a page, without a window."""
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={where / 'profile'}"]
    command += ["--hide-scrollbars", "--virtual-time-budget=5000", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, timeout=120, check=True, text=True).stdout


def test_a_browser_opens_it_and_the_loupe_moves(browser, page, tmp_path):
    moved = tmp_path / "moved.html"
    moved.write_text(page.read_text("utf-8").replace("</body>", MOVE), "utf-8")
    root = dict(Reader(browse(browser, moved, tmp_path, "--window-size=1280,900", "--dump-dom")).tags[0][1])
    assert root.get("data-errors") is None
    assert root["data-ready"] == "true"
    assert root["data-corner"] == "0%0%,0%0%,0%0%"
    assert root["data-right"] == "x 8, y 0"
    assert root["data-wide"] == "true"
    shown = [str(corner(source)) for source in crop_sources(page)]
    assert root["data-grey"] == ",".join(shown)


def crop_sources(page):
    text = page.read_text("utf-8")
    return re.findall(r'<img src="([^"]+)"', text[text.index("three crops") :])[:3]


def corner(source):
    return int(decoded(source)[0, 0])


@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_seen_on_a_phone_and_on_a_desk(browser, page, tmp_path, width):
    frame = tmp_path / "frame.html"  # browsers have no windows as narrow as a phone, but frames
    frame.write_text(
        f'<body style="margin:0"><iframe src="{page.as_uri()}" width="{width}" height="1600" style="border:0">'
    )
    shot = tmp_path / "shot.png"
    browse(browser, frame, tmp_path, f"--window-size={max(width, 600)},1600", f"--screenshot={shot}")
    picture = imagecodecs.png_decode(shot.read_bytes())[:, :width, :3].astype(float)
    assert picture.shape == (1600, width, 3)
    assert picture.mean() > 100  # on white
    inked = (picture.min(-1) < 200).any(1).mean()
    assert inked > 0.4  # rows with something on them
    assert Path(shot).stat().st_size > 10_000
