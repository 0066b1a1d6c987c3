"""What a Python program sees: keywords, types, messages, warnings and the text of a model."""

from __future__ import annotations

import numpy as np
import pytest

import muguet
from muguet import MuguetError
from muguet.errors import spell_options, spelled
from muguet.noise import PoissonGaussian
from muguet.system import find_device

LAW = PoissonGaussian(2.0, 100.0, 1.0)


def test_an_unknown_keyword_is_a_type_error_of_python_before_any_work(noisy):
    for function in (muguet.denoise, muguet.fit):
        with pytest.raises(TypeError, match="minute"):
            function(noisy, minute=1)


@pytest.mark.parametrize(
    "method", ["mean", "std", "skewness", "quantile", "sample", "log_prob", "density", "cdf"]
)
def test_laws_take_numbers_lists_and_integer_arrays(method):
    function = getattr(LAW, method)
    signals = [120, 150, 200]
    more = {"quantile": ([0.5],), "sample": (1,)}.get(method, ())
    first = (130.0,) if method in ("log_prob", "density", "cdf") else ()
    expected = function(*first, np.array(signals, float), *more)
    for given in (signals, np.array(signals, np.uint16), np.array(signals, ">i4"), tuple(signals)):
        np.testing.assert_allclose(function(*first, given, *more), expected, rtol=1e-6)
    if method != "sample":
        np.testing.assert_allclose(
            function(*first, 120, *more), expected[:1].reshape(np.shape(function(*first, 120, *more)))
        )


def test_messages_name_arguments_in_python_and_options_on_the_command_line(noisy):
    with pytest.raises(MuguetError, match=r"^minutes= is -1") as error:
        muguet.fit(noisy, minutes=-1)
    with spell_options():
        assert str(error.value).startswith("--minutes is -1")
    assert spelled("give --axes TYX or --recipe=joint") == "give axes='TYX' or recipe='joint'"
    assert spelled("--dimensions 2; leave --clean out") == "dimensions=2; leave clean= out"
    assert spelled("add --overwrite to replace it") == "add overwrite=True to replace it"
    assert spelled("a--axes, --axes-of, --data") == "a--axes, --axes-of, --data"


def test_a_warning_points_at_the_program_that_called(noisy, tiny_prior):
    model = muguet.fit(noisy, "YX", steps=0)
    with pytest.warns(UserWarning, match="assumed to be TYX") as found:
        model(np.stack([noisy, noisy]))
    assert found[0].filename == __file__


def test_a_model_is_a_line_and_in_notebooks_a_table(noisy, tiny_prior):
    model = muguet.fit(noisy, "YX", steps=1)
    text, table = repr(model), model._repr_html_()
    assert "\n" not in text
    assert len(text) < 250
    for word in ("joint", "filterbank", "steps: 1", "measured on the training images"):
        assert word in text
        assert word.partition(": ")[2] or word in table
    assert table.startswith("<table>")


def test_a_name_that_looks_like_html_is_text(noisy, tiny_prior):
    from dataclasses import replace

    model = muguet.fit(noisy, "YX", steps=0)
    named = replace(model, parts=replace(model.parts, net="<script>"))
    assert "<script>" not in named._repr_html_()
    assert "&lt;script&gt;" in named._repr_html_()


@pytest.mark.parametrize(("works", "device"), [(True, "mps"), (False, "cpu")])
def test_auto_takes_the_gpu_of_apple_where_its_operations_are_there(monkeypatch, works, device):
    from muguet.system import device as module

    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    monkeypatch.setattr(module, "_trains", lambda name: works)
    assert find_device("auto").type == device


def test_the_operations_of_a_training_step_are_tried_on_the_device():
    from muguet.system.device import _trains

    assert _trains("cpu")
    assert not _trains("mps")
