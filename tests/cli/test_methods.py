"""Every method on the command line, with the images that it needs, and the report."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from muguet import load
from tests.conftest import recorded


@pytest.fixture(scope="module")
def files(tmp_path_factory, noisy, clean):
    where = tmp_path_factory.mktemp("methods")
    noisy, clean = noisy[:48, :48], clean[:48, :48]
    for name, data in (
        ("noisy", noisy),
        ("clean", clean.astype(np.float32)),
        ("second", recorded((clean - 100) / 2, 1)),
    ):
        tifffile.imwrite(where / f"{name}.tif", data)
    psf = np.zeros((3, 5), np.float32)
    psf[1, 1:4] = (1, 2, 1)
    tifffile.imwrite(where / "psf.tif", psf)
    (where / "many").mkdir()
    for i in range(3):
        tifffile.imwrite(where / "many" / f"{i}.tif", noisy)
    return where


@pytest.mark.parametrize(
    ("recipe", "extra"),
    [
        ("noise2void", ()),
        ("n2v2", ()),
        ("deconoising", ("--psf", "1.5", "--net", "filterbank")),
        ("deconoising", ("--psf", "psf.tif")),
        ("supervised", ("--clean", "clean.tif")),
        ("care", ("--clean", "clean.tif", "--net", "filterbank")),
        ("noise2noise", ("--clean", "second.tif")),
    ],
)
def test_a_recipe_trains_and_its_model_is_used(muguet, files, tmp_path, recipe, extra):
    named = [files / part if part.endswith(".tif") else part for part in extra]
    model = tmp_path / "m.muguet"
    answer = muguet("fit", files / "noisy.tif", "-o", model, "--recipe", recipe, *named, "--steps", 1)
    assert answer.code == 0, answer.err
    parts = load(model).parts
    assert parts.recipe == recipe
    assert parts.net is not None
    answer = muguet(
        "denoise", files / "noisy.tif", "-o", tmp_path / "out.tif", "--model", model, "--symmetries", 1
    )
    assert answer.code == 0, answer.err
    assert tifffile.imread(tmp_path / "out.tif").shape == tifffile.imread(files / "noisy.tif").shape
    assert recipe in muguet("info", model).out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("noisy.tif", "--recipe", "care"), "--clean"),
        (("noisy.tif", "--clean", "clean.tif"), "leave --clean out"),
        (("noisy.tif", "--recipe", "care", "--clean", "psf.tif"), "no pair"),
        (("many", "--recipe", "care", "--clean", "clean.tif", "--clean", "second.tif"), "one for each"),
        (("noisy.tif", "--recipe", "deconoising", "--psf", "0"), "--psf"),
        (("noisy.tif", "--recipe", "deconoising", "--psf", "gone.tif"), "gone.tif"),
        (
            ("noisy.tif", "--recipe", "wavelet", "--net", "unet"),
            "--net is an option for recipes that are trained",
        ),
        (("noisy.tif", "--recipe", "wavelet", "--report", "r.html"), "--report"),
        (("noisy.tif", "--recipe", "nonsense"), "choose one of joint"),
        (("noisy.tif", "--net", "nonsense"), "choose one of filterbank"),
        (("many", "--report", "r.html"), "one image"),
        (("noisy.tif", "--report", "r.pdf"), ".html"),
    ],
)
def test_a_mistake_gives_one_sentence_and_leaves_no_file(muguet, files, tmp_path, arguments, words):
    named = [files / part if (files / part).exists() else part for part in arguments]
    named = [tmp_path / part if str(part).startswith("r.") else part for part in named]
    steps = () if "wavelet" in arguments else ("--steps", 1)
    answer = muguet("denoise", *named, "-o", tmp_path / "out", *steps)
    assert answer.code == 2
    assert words in answer.err
    assert "Traceback" not in answer.err
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_one_clean_image_is_used_for_all_inputs(muguet, files, tmp_path):
    arguments = ("--recipe", "supervised", "--clean", files / "clean.tif", "--steps", 1)
    assert muguet("fit", files / "many", "-o", tmp_path / "m.muguet", *arguments).code == 0


def test_a_report_is_written_beside_the_result(muguet, files, tmp_path):
    out, page = tmp_path / "out.tif", tmp_path / "out.html"
    answer = muguet("denoise", files / "noisy.tif", "-o", out, "--steps", 2, "--report", page)
    assert answer.code == 0, answer.err
    html = page.read_text(encoding="utf-8")
    facts = json.loads(html.split('id="muguet">')[1].split("</script>")[0])
    assert facts["channels"]
    assert muguet("denoise", files / "noisy.tif", "-o", tmp_path / "2.tif", "--report", page).code == 2
    assert not (tmp_path / "2.tif").exists()


@pytest.mark.parametrize("extra", [(), ("--clean", "clean.tif")])
def test_a_classical_method_needs_no_training(muguet, files, tmp_path, extra):
    noisy, clean = (tifffile.imread(files / f"{name}.tif").astype(float) for name in ("noisy", "clean"))
    named = [files / part if part.endswith(".tif") else part for part in extra]
    out = tmp_path / "out.tif"
    answer = muguet("denoise", files / "noisy.tif", "-o", out, "--recipe", "gaussian-blur", *named)
    assert answer.code == 0, answer.err
    assert np.mean((tifffile.imread(out) - clean) ** 2) < 0.5 * np.mean((noisy - clean) ** 2)
