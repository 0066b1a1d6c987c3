"""A checkpoint whose header or tensors are wrong is refused in one sentence, and the session does not change."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from muguet import MuguetError, recipes
from muguet.recipes import Parts
from muguet.restoration import FilterBankNet
from muguet.system import tensor_file
from muguet.training import Plan, Sample, Session, collect
from muguet.training import checkpoint as checkpoints


@pytest.fixture
def session(noisy, monkeypatch) -> Session:
    monkeypatch.setitem(recipes.NETS, "filterbank", lambda dims, reach: FilterBankNet(dims, (8, 8), reach))
    return Session(collect([Sample(noisy[:48, :48], "YX")]), Parts(prior="none"), Plan(steps=4))


def _schedule(**values):
    return lambda tensors, header: header["schedule"].update(values)


def _tensor(name, function):
    return lambda tensors, header: tensors.update({name: function(tensors[name])})


@pytest.mark.parametrize(
    "change",
    [
        *(_schedule(step=value) for value in (-1, "two", None, 1.5, 10**30)),
        *(_schedule(total=value) for value in (10**9, 3, None, [4])),
        *(_schedule(seconds=value) for value in (-1.0, "long", 1e300)),
        lambda tensors, header: header["schedule"].pop("aside"),
        lambda tensors, header: header.pop("history"),
        lambda tensors, header: header.update(history=5),
        lambda tensors, header: header.update(history=[{"step": 50}]),
        lambda tensors, header: header.update(history=[{"step": 50, "loss": 1.0, "held_out": 1.0}]),
        lambda tensors, header: tensors.pop("loss_sum"),
        _tensor("generator.host", lambda state: state[:100]),
        _tensor("generator.host", np.zeros_like),
        _tensor("method.gate_open", lambda value: value[None]),
        _tensor("averaged.net.head.weight", lambda value: value.astype(np.float64)),
        _tensor("optimiser.0.exp_avg_sq", lambda value: value - 1),
        lambda tensors, header: tensors.update(noise_variance=np.zeros((4, 9), np.float32)),
    ],
)
def test_a_wrong_checkpoint_is_refused_and_changes_nothing(session, tmp_path, change):
    path = tmp_path / "checkpoint"
    checkpoints.save(session, path)
    tensors, header = tensor_file.read(path, "checkpoint", dict)
    change(tensors, header)
    tensor_file.write(
        path, "checkpoint", tensors, {k: v for k, v in header.items() if k not in ("kind", "format")}
    )
    before, state = copy.deepcopy(session.state())
    with pytest.raises(
        MuguetError, match=r"checkpoint does not hold a complete checkpoint \(.*\): train again"
    ):
        checkpoints.restore(session, path)
    after, again = session.state()
    assert again == state
    assert all(np.array_equal(after[name], before[name]) for name in before)


def test_a_training_that_diverged_is_one_sentence(session):
    session.averages[0].fill_(np.nan)
    with pytest.raises(MuguetError, match="no longer finite"):
        session.denoiser()
    with pytest.raises(MuguetError, match="not finite"):
        checkpoints.save(session, "nowhere")


@pytest.mark.parametrize(
    ("found", "taken"), [(16, 16), (0, None), (-1, None), (10**30, None), ("16", None), (True, None)]
)
def test_a_run_goes_on_with_its_own_number_of_patches_if_it_is_a_possible_one(
    session, tmp_path, found, taken
):
    path = tmp_path / "checkpoint"
    checkpoints.save(session, path)
    tensors, header = tensor_file.read(path, "checkpoint", dict)
    header["identity"]["batch"] = found
    tensor_file.write(
        path, "checkpoint", tensors, {k: v for k, v in header.items() if k not in ("kind", "format")}
    )
    assert checkpoints.batch(path) == taken
