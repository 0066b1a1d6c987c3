"""The performance suite, without measuring how fast anything is: its counts, its memory, its file, tables and page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import _parts
import _peak
import _performance_tables as tables
import _pieces
import _processes
import _run
import numpy as np
import performance
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from muguet import MuguetError
from muguet.training import Plan, Sample, Session, collect

COMMON = {"versions": {"muguet": "0", "torch": "2"}, "threads": 1, "device": "cpu", "device_mb": None}


def training(pixels: float, **more) -> dict:
    speed = {"steps_per_s": pixels / 65536, "pixels_per_s": pixels, "targets_per_s": pixels / 16}
    return {**speed, "parameters": 1000, "cores": 0.9, "training_mb": 400.0, **more, **COMMON}


def prediction(side: int, seconds: float) -> dict:
    size = {"pixels": side**2, "seconds": seconds, "peak_mb": 500.0, "beyond_mb": 300.0, "base_mb": 200.0}
    return {**size, **COMMON}


def entry(found: dict) -> dict:
    about = {"commit": "abc", "date": "2026-01-01", "machine": "a machine", "command": "python x"}
    return {"about": about, "found": found}


@pytest.fixture
def results() -> dict:
    best = {kind: {"flops_per_s": 4e11, "shape": "a shape"} for kind in ("convolution", "product")}
    arithmetic = {"flops_per_step": 2e10, "peak": {"dtype": "bfloat16", **best}}
    nets = {"filterbank": training(655360, **arithmetic), "unet": training(65536, **arithmetic)}
    step = {"pieces_ms": dict.fromkeys(_pieces.PIECES, 10.0), "step_ms": 61.0, "steps": 5, **COMMON}
    waits = {"import_s": 0.01, "ready_s": 2.0, "load_s": 0.125, **COMMON}
    quality = {"images": "cells", "minutes": 2, "psnr": 41.0, "best_blur": 40.0, "blur_after_s": 20.0}
    return {
        "train": entry(nets | {"careamics": training(32768)}),
        "steps": entry({"filterbank": step, "unet": step}),
        "compiled": entry(
            {"unet, default": {"compiling_s": 30.0, "before_ms": 60.0, "after_ms": 50.0, **COMMON}}
        ),
        "predict": entry(
            {
                "muguet": [prediction(1000, 3), prediction(2000, 12), prediction(4000, 48)],
                "CAREamics, whole image": [prediction(1000, 6), prediction(2000, 24)],
            }
        ),
        "start": entry({"muguet": waits, "careamics": waits}),
        "quality": entry({"muguet": {**quality, "peer_psnr": 37.0, "peer_after_s": None, **COMMON}}),
    }


# ----------------------------------------------------------------- counting


@pytest.mark.parametrize(
    "shape", [_peak.Convolution(2, 8, 16), _peak.Convolution(1, 3, 5), _peak.Product(32)]
)
def test_operations_are_those_of_the_formula(shape):
    assert _peak.flops(shape.prepare(torch.device("cpu"), torch.float32)) == shape.flops


def test_a_gradient_costs_twice_a_convolution():
    image = torch.randn(2, 4, 8, 8, requires_grad=True)
    layer = torch.nn.Conv2d(4, 6, 3, padding=1)
    forward = 2 * 2 * 6 * 4 * 9 * 64
    assert _peak.flops(lambda: layer(image)) == forward
    assert _peak.flops(lambda: layer(image).sum().backward()) == 3 * forward


def test_a_step_is_made_of_its_pieces(noisy):
    session = Session(collect([Sample(noisy, "YX", "the image")]), plan=Plan(steps=100))
    weights = [each.clone() for each in session.parameters]
    lap = _pieces.Laps()
    _pieces.reenact(session, lap)
    assert tuple(lap.times) == _pieces.PIECES
    assert all(time >= 0 for (time,) in lap.times.values())
    assert any(not torch.equal(a, b) for a, b in zip(weights, session.parameters, strict=True))


def test_the_loss_of_the_pieces_is_that_of_the_method(noisy):
    """The step that is taken apart is the step that is taken."""
    sessions = [Session(collect([Sample(noisy, "YX", "the image")]), plan=Plan(steps=100)) for _ in range(2)]
    one, other = sessions
    _pieces.reenact(one, _pieces.Laps())
    patches = other.source.draw(other.plan.batch, other.chance)
    _pieces.loss_of(other, patches).backward()
    torch.nn.utils.clip_grad_norm_(other.parameters, 1.0)
    for mine, theirs in zip(one.parameters, other.parameters, strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)


# ---------------------------------------------------------- processes, memory


def test_memory_that_is_taken_is_seen():
    folder = str(Path(_run.__file__).parent)
    code = (
        f"import sys; sys.path.insert(0, {folder!r})\n"
        "from _run import peak_memory\n"
        "import numpy as np\n"
        "before = peak_memory()\n"
        "taken = np.ones(200_000_000, np.uint8); del taken\n"
        "print(before, peak_memory())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split())
    assert after >= 200
    assert 150 <= after - before <= 300  # what importing took at its peak may have been free again


def test_a_prediction_is_charged_for_what_it_takes_beyond_image_and_result():
    image = np.zeros((64, 64), np.uint16)
    found = _run.timed_predictions(image, lambda: image.astype(np.float32), 3)
    assert found["seconds"] == min(found["all_seconds"])
    assert len(found["all_seconds"]) == 3
    assert found["peak_mb"] - found["beyond_mb"] == pytest.approx(64 * 64 * 6 / 1e6)


@pytest.mark.parametrize(("mpix", "side"), [(0.0625, 256), (0.25, 512), (1, 1024), (2, 1448), (4, 2048)])
def test_large_images_are_squares_without_holes(mpix, side):
    image = _run.large_image(mpix)
    assert (image.shape, image.dtype) == ((side, side), np.uint16)
    assert image.min() > 0


def test_a_process_that_fails_says_why_in_one_sentence(tmp_path):
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('there is no such net')")
    with pytest.raises(MuguetError, match=r"failed \(task train\): there is no such net"):
        _processes.measured(Path(sys.executable), str(script), {"task": "train"})


@pytest.mark.slow
def test_a_model_that_is_made_in_one_process_is_loaded_in_another(monkeypatch):
    monkeypatch.setattr(_parts, "import_seconds", lambda python, statement: 1.0)
    suite = _parts.Suite(_parts.SIZES["quick"], Path(sys.executable), None, Path())
    assert suite.packages == ("muguet",)
    found = _parts.start(_Once(suite))["muguet"]
    assert found["load_s"] > 0
    assert found["versions"]["torch"] == torch.__version__


class _Once:
    """A suite that asks for every measurement once."""

    def __init__(self, suite: _parts.Suite) -> None:
        self.suite = suite
        self.answers: dict[str, dict] = {}

    def __getattr__(self, name):
        return getattr(self.suite, name)

    def ask(self, package, task, *images, **job):
        if task not in self.answers:
            self.answers[task] = self.suite.ask(package, task, *images, **job)
        return self.answers[task]


# ------------------------------------------------------- file, tables, page


def test_a_part_that_is_measured_again_is_replaced_and_the_others_stay(tmp_path, results):
    out = tmp_path / "found" / "performance.json"
    for part in ("predict", "train"):
        performance.renew(out, part, results[part])
    performance.renew(out, "train", entry({"filterbank": training(1.0)}))
    assert json.loads(out.read_text())["predict"] == results["predict"]
    again = performance.read(out)
    assert list(again) == ["train", "predict"]
    assert list(again["train"]["found"]) == ["filterbank"]


def test_what_was_found_is_told_and_drawn_without_measuring(tmp_path, results, capsys, monkeypatch):
    out = tmp_path / "performance.json"
    for part, found in results.items():
        performance.renew(out, part, found)
    for part in performance.PARTS:
        monkeypatch.setitem(performance.PARTS, part, None)  # would fail if it were called
    monkeypatch.setattr(sys, "argv", ["performance.py", "--show", "--out", str(out)])
    performance.main()
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if line.startswith("## ")] == [f"## {p}" for p in results]
    assert (tmp_path / "performance.png").read_bytes().startswith(b"\x89PNG")
    assert "python x" in told


def test_nothing_to_show_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["performance.py", "--show", "--out", str(tmp_path / "none.json")])
    with pytest.raises(SystemExit, match="without --show"):
        performance.main()


def test_the_share_of_the_peak_and_the_ratios_follow_from_the_figures(results):
    text = tables.section("train", results["train"])
    row = next(line for line in text.splitlines() if "muguet, filterbank |" in line).split(" | ")
    assert row[6:8] == ["200.0", "50%"]  # 10 steps a second of 20 GFLOP, where 400 are possible
    assert "filterbank 20.0, unet 2.0" in text


@pytest.mark.parametrize(("after", "paid"), [(50.0, "3,000 steps"), (60.0, "never"), (61.0, "never")])
def test_compiling_is_paid_back_by_what_it_spares(results, after, paid):
    found = results["compiled"]["found"]["unet, default"] | {"after_ms": after}
    assert tables.compiled({"unet, default": found}).splitlines()[-1].split(" | ")[-1] == f"{paid} |"


def test_predictions_are_compared_at_one_size(results):
    text = tables.section("predict", results["predict"])
    ours = [line.split(" | ") for line in text.splitlines() if line.startswith("| muguet")]
    assert [row[5] for row in ours] == ["2.0", "2.0", "–"]
    assert "muguet: " in text
    assert "3 s a Mpixel; no size is off by more than 0%" in text


@given(
    st.floats(-0.5, 10),
    st.floats(0.6, 100),
    st.lists(st.floats(1, 300), min_size=3, max_size=6, unique=True).filter(lambda x: max(x) > 1.5 * min(x)),
)
def test_a_straight_line_is_found(start, slope, x):
    found_start, found_slope, off = tables.line(x, [start + slope * each for each in x])
    assert found_slope == pytest.approx(slope, rel=1e-4, abs=1e-4)
    assert found_start == pytest.approx(start, rel=1e-3, abs=1e-2)
    assert off < 1e-5


def test_the_page_has_a_place_for_every_part(results):
    sections = {part: f"what {part} found" for part in results}
    page = performance.filled(performance.PAGE.read_text(), sections)
    assert all(text in page for text in sections.values())
    assert performance.filled(page, sections) == page
    with pytest.raises(MuguetError, match="no place for train"):
        performance.filled("", sections)
