"""Model files of earlier versions load; a file whose header or tensors are wrong is refused before it is built."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from muguet import Denoiser, MuguetError, headers, load, recipes
from muguet.image import Scaling
from muguet.prediction import Blend
from muguet.recipes import Parts
from muguet.restoration import FilterBankNet
from muguet.system import tensor_file


@pytest.fixture
def model(monkeypatch) -> Denoiser:
    """A small model of two channels with random weights."""
    monkeypatch.setitem(recipes.NETS, "filterbank", lambda dims, reach: FilterBankNet(dims, (8, 8), reach))
    torch.manual_seed(0)
    parts = Parts(net="filterbank", channels=2, prior="none")
    training = {"steps": 3, "signal_range": [[90.0, 300.0], [100.0, 400.0]], "data": [], "history": []}
    return Denoiser(parts, parts.build(), (Scaling(100.0, 50.0), Scaling(120.0, 60.0)), training=training)


def content(model):
    """The tensors and the header that `Denoiser.save` writes."""
    return {name: value.numpy() for name, value in model.method.state_dict().items()}, model.header()


def test_a_model_file_of_format_3_gives_what_its_own_version_gave(tmp_path):
    """Written by version 0.1.0 at format 3: two channels, a gate, photon-transfer curves; most weights set to 0."""
    path, files = tmp_path / "old.muguet", Path(__file__).parent / "files"
    path.write_bytes(gzip.decompress((files / "model_format_3.muguet.gz").read_bytes()))
    expected = np.load(files / "model_format_3.npz")
    model = load(path, "cpu")
    model.method.low_precision = False
    again = model(expected["noisy"], "CYX", symmetries=1)
    np.testing.assert_allclose(again, expected["denoised"], rtol=1e-4)
    for law, std in zip(model.laws, expected["std"], strict=True):
        np.testing.assert_allclose(law.std(expected["signal"]), std, rtol=1e-4)
    model.save(tmp_path / "new.muguet")
    saved = load(tmp_path / "new.muguet", "cpu")
    saved.method.low_precision = False  # as above: a processor with bfloat16 would round otherwise
    np.testing.assert_array_equal(saved(expected["noisy"], "CYX"), model(expected["noisy"], "CYX"))


CURVE = {"signal": [0.0, 1.0], "variance": [1.0, 2.0], "error": [0.1, 0.1], "count": [9, 9]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("channels", value) for value in (10**7, 0, -1, 3, "two", 2.5, None, 10**400)),
        *(("reach", value) for value in ([5000, 5000], [-1, 0], [0, 0, 0], "00", [0.5, 0])),
        *(("psf", value) for value in (-1.0, 1e9, [[1.0], [1.0, 2.0]], [], [[]], "wide", {"sigma": 1})),
        *(("components", value) for value in (0, 10**9, True)),
        ("dimensions", 4),
        *(("recipe", value) for value in (None, "", "x" * 1000, 3)),
        ("quarter_turns", 1),
        *(("scalings", value) for value in ({}, [], [{"offset": 0.0, "scale": 1.0}], [None, None], 5)),
        ("scalings", [{"offset": 0.0, "scale": 0.0}] * 2),
        ("scalings", [{"offset": 0.0, "scale": -1.0}] * 2),
        ("transfers", [CURVE]),
        ("transfers", [CURVE, {**CURVE, "error": [0.1]}]),
        ("transfers", [CURVE, {**CURVE, "count": ["many", 9]}]),
        ("blends", [{"trained": 0.7, "prior": 0.7}] * 2),
        ("blends", [{"trained": 1.0, "sigma": 1e9}] * 2),
        ("error_scales", [{"predicted": [2.0, 1.0], "factor": [1.0, 1.0]}] * 2),
        ("error_scales", [{"predicted": [1.0], "factor": [0.0]}] * 2),
        ("training", []),
        *(
            ("training", {"history": value})
            for value in (3, [{}], [{"step": 1, "loss": "low", "held_out": 1.0}])
        ),
        *(
            ("training", {"signal_range": value})
            for value in ([[1.0, 2.0]], [[2.0, 1.0]] * 2, [[None, 1.0]] * 2)
        ),
        *(("training", {"data": value}) for value in ("image", [{"name": 3}], [{"name": "a", "axes": ""}])),
        ("training", {"seconds": -1}),
        *(("training", {"plan": value}) for value in ([], {"seed": "x"}, {"seed": -1}, {"steps": 0.5})),
        ("training", {"versions": ["1"]}),
        *(("training", {"outcome": value}) for value in (None, "good", {"verdict": 1})),
    ],
)
def test_a_header_is_checked_before_anything_is_built(model, tmp_path, monkeypatch, field, value):
    tensors, header = content(model)
    tensor_file.write(tmp_path / "bad.muguet", "model", tensors, {**header, field: value})
    monkeypatch.setattr(Parts, "build", lambda *_: pytest.fail("a part was built"))
    with pytest.raises(
        MuguetError, match=r"bad\.muguet does not hold a complete model \(.*\): save or train"
    ) as error:
        load(tmp_path / "bad.muguet")
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("field", ["scalings", "recipe", "channels", "training"])
def test_a_header_without_a_field_is_refused(model, tmp_path, field):
    tensors, header = content(model)
    del header[field]
    tensor_file.write(tmp_path / "bad.muguet", "model", tensors, header)
    with pytest.raises(MuguetError, match=field):
        load(tmp_path / "bad.muguet")


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "3",
        "null",
        "[" * 100_000,
        '{"a": ' * 100_000,
        '{"channels": ' + "9" * 5000 + "}",
        '{"a": NaN}',
        "",
    ],
)
def test_text_that_is_no_header_is_refused(tmp_path, text):
    from safetensors.numpy import save_file

    save_file({}, tmp_path / "bad.muguet", {"muguet": text, "digest": tensor_file._digest({}, text)})
    with pytest.raises(MuguetError, match=r"bad\.muguet"):
        load(tmp_path / "bad.muguet")


@pytest.mark.parametrize("change", ["missing", "more", "shape", "data type", "law missing"])
def test_tensors_must_be_those_of_the_parts(model, tmp_path, change):
    tensors, header = content(model)
    name = "net.head.weight"
    if change == "missing":
        del tensors[name]
    elif change == "more":
        tensors["net.more"] = tensors[name]
    elif change == "law missing":
        tensors = {name: value for name, value in tensors.items() if not name.startswith("laws.1")}
    else:
        tensors[name] = tensors[name][:1] if change == "shape" else tensors[name].astype(np.float64)
    tensor_file.write(tmp_path / "bad.muguet", "model", tensors, header)
    with pytest.raises(MuguetError, match=r"bad\.muguet does not hold a complete model"):
        load(tmp_path / "bad.muguet")


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_a_model_without_a_finite_law_is_refused(model, tmp_path, monkeypatch, value):
    model.method.laws[1].line.data.fill_(value)
    monkeypatch.setattr(tensor_file, "is_finite", lambda _: True)
    model.save(tmp_path / "bad.muguet")
    monkeypatch.undo()
    monkeypatch.setitem(recipes.NETS, "filterbank", lambda dims, reach: FilterBankNet(dims, (8, 8), reach))
    with pytest.raises(MuguetError, match=r"bad\.muguet does not hold a complete model"):
        load(tmp_path / "bad.muguet")


def test_a_model_whose_estimate_needs_a_prior_has_one(model, tmp_path):
    replace(model, blends=(Blend(0.5, 0.5),) * 2).save(tmp_path / "bad.muguet")
    with pytest.raises(MuguetError, match="needs a prior"):
        load(tmp_path / "bad.muguet")


def test_names_that_are_no_utf8_are_kept(model, tmp_path):
    model.training["data"] = [{"name": "\udcff.tif", "axes": "YX", "shape": [64, 64], "dtype": "uint16"}]
    model.save(tmp_path / "model.muguet")
    assert load(tmp_path / "model.muguet").training == model.training


def test_results_that_are_not_finite_are_refused(model):
    model.method.net.head.bias.data.fill_(3e38)
    with pytest.raises(MuguetError, match="no finite result"):
        model(np.random.default_rng(0).poisson(150, (2, 32, 32)).astype(np.float32), "CYX")


@pytest.mark.parametrize("factor", [1e-302, 1e296])
def test_values_that_the_units_of_a_model_cannot_hold_are_refused(model, factor):
    with pytest.raises(MuguetError, match="too far"):
        model(np.random.default_rng(0).poisson(150, (2, 32, 32)) * factor, "CYX")


def test_the_schema_has_every_field_of_a_record(noisy, monkeypatch):
    """A new field of the record needs a type in `muguet.headers.Training`."""
    from muguet.training import Plan, Sample, Session, collect

    monkeypatch.setitem(recipes.NETS, "filterbank", lambda dims, reach: FilterBankNet(dims, (8, 8), reach))
    session = Session(collect([Sample(noisy[:64, :64], "YX")]), Parts(prior="none"), Plan(steps=1))
    model = session.denoiser()
    assert set(model.training) == set(headers.Training.__struct_fields__)
    assert set(model.training["outcome"]) == set(headers.OutcomeRecord.__struct_fields__)
    assert set(model.header()) == set(headers.ModelHeader.__struct_fields__) - {
        "format",
        "whitenings",  # only of images with correlated noise
        "correlations",  # only of stacks whose planes share noise
        "lines",  # only if they are to be kept
        "maps",  # only of a camera with maps
    }
    assert set(session.state()[1]) == set(headers.CheckpointHeader.__struct_fields__) - {
        *("format", "identity"),
        "exchange",  # only of images larger than memory
    }
