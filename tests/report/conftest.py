"""Channels to report on, and a reader of written reports."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import imagecodecs
import numpy as np
import pytest

from muguet.noise import Gaussian, PoissonGaussian, read_out, transfer_alone
from muguet.quality import Check, Quality
from muguet.report import Channel, Run, write_report
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
    """Return a channel without a law, and so without charts, which are slow to draw."""
    clean = np.resize(scene(), shape)
    known = {
        "name": "Channel 0",
        "noisy": LAW.sample(clean),
        "estimate": clean,
        "signal_range": (100.0, 500.0),
    }
    return Channel(**{**known, "quality": judged("good", drawn=False), **other})


def channel(**other):
    """Return a channel with everything that a report can show."""
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
    """Collects the visible text, all tags and attributes, and the ids of a page."""

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


def decoded(source):
    return imagecodecs.png_decode(base64.b64decode(source.removeprefix("data:image/png;base64,")))
