"""The outcome of a run: its risks agree with the true errors, and short runs are called short."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import muguet
from muguet.noise import PoissonGaussian, Variance
from muguet.prediction import Blend, ErrorScale
from muguet.restoration import gaussian_blur
from muguet.training import Sample, collect, prepare
from muguet.training.by_planes import risk_of_planes
from muguet.training.outcome import Outcome
from muguet.training.weighing import Risks, Weighed
from tests.conftest import blobs


def ended(
    result, blur=0.05, error=0.001, *, prior=None, planes=None, steps=300, visits=20.0, history=(), blend=None
):
    risks = Risks(result, result, prior, blur, 1.5, error, planes)
    blend = blend or Blend(trained=1.0 if prior is None else 0.5, prior=0.0 if prior is None else 0.5)
    return Outcome.of(steps, visits, history, [Weighed(blend, ErrorScale(), risks)])


def falling(by):
    return [{"step": 250, "held_out": 1.0}, {"step": 300, "held_out": 1.0 - by}]


@pytest.mark.parametrize(
    ("outcome", "verdict", "words"),
    [
        (ended(0.03), "good", "lower than that of the best Gaussian blur"),
        (ended(0.09), "bad", "A blur is better than this result"),
        (ended(0.0495), "doubtful", "learn more than"),
        (ended(0.05, error=0.0), "doubtful", "learn more than"),
        (ended(0.03, visits=4.0), "doubtful", "was short"),
        (ended(0.03, history=falling(0.05)), "doubtful", "was short"),
        (ended(0.03, history=falling(0.001)), "good", "lower"),
        (ended(0.03, prior=0.031, visits=0.1, steps=1), "good", "lower"),
        (
            ended(0.03, prior=0.03, blend=Blend(0.0, 1.0)),
            "good",
            "did not measurably improve on the shipped network",
        ),
        (
            ended(0.03, prior=0.03, visits=1.0, blend=Blend(0.0, 1.0)),
            "good",
            "too short to improve on the shipped network",
        ),
        (ended(0.08, prior=0.08), "bad", "A blur is better"),
        (ended(0.0495, prior=0.0495, steps=0, visits=0.0), "doubtful", "not measurably better"),
        (ended(1.05, 1.05, prior=3.0, steps=0, visits=0.0), "doubtful", "no better than the noisy image"),
        (ended(0.3, 0.5, planes=0.2), "doubtful", "lower by about 10 % of that variance: use two dimensions"),
        (ended(0.2, 0.5, planes=0.3), "good", "higher by about 10 %"),
        (ended(0.2, 0.5, planes=0.21), "good", "about the same error"),
        (Outcome.of(3, 0.1, [], []), "doubtful", "cannot be measured"),
    ],
)
def test_verdicts(outcome, verdict, words):
    assert outcome.verdict == verdict
    assert words in outcome.sentence
    assert json.loads(json.dumps(outcome.as_dict(), allow_nan=False))["verdict"] == verdict


def test_channels_are_averaged():
    weighed = [
        Weighed(Blend(trained=share), ErrorScale(), Risks(risk, risk, None, 0.1, 1.0, 0.03))
        for share, risk in ((1.0, 0.02), (0.5, 0.06))
    ]
    found = Outcome.of(100, 20.0, [], weighed)
    assert found.trained == 0.75
    assert found.risks.result == pytest.approx(0.04)
    assert found.risks.error == pytest.approx(0.03 / 2**0.5)


@pytest.mark.parametrize("recipe", ["joint", "l2"])
def test_risks_differ_as_the_true_errors_do(recipe):
    law, clean = (
        PoissonGaussian(gain=2.0, offset=100.0, read_noise=3.0),
        100 + 4 * blobs(128).astype(np.float64),
    )
    noisy = np.rint(law.sample(clean, seed=0))
    model = muguet.fit(noisy, "YX", steps=3, recipe=recipe, prior="none")
    outcome = model.training["outcome"]
    risks = outcome["risks"]
    result = model(noisy, "YX", symmetries=1)
    blur = gaussian_blur(torch.from_numpy(noisy)[None, None], risks["sigma"])[0, 0].numpy()
    true = [np.mean((each - clean) ** 2) for each in (result, blur)]
    difference = (true[1] - true[0]) / np.mean(law.std(clean) ** 2)
    error = 4 * risks["error"] + 0.1 * abs(difference) + 0.005
    assert risks["blur"] - risks["result"] == pytest.approx(difference, abs=error)
    assert outcome["verdict"] != "good"


def test_a_network_that_has_learned_nothing_is_worse_than_a_blur():
    noisy = 100 + 4 * blobs(64) + np.random.default_rng(0).normal(0, 5, (64, 64))
    outcome = muguet.fit(noisy, "YX", steps=1, recipe="n2v2").training["outcome"]
    assert outcome["verdict"] == "bad"


def test_an_assumed_law_gives_no_error_of_the_result(tiny_prior):
    clipped = np.maximum(np.random.default_rng(0).normal(100, 5, (96, 96)), 100)
    outcome = muguet.fit(clipped, "YX", minutes=0).training["outcome"]
    assert outcome["risks"] is None
    assert outcome["verdict"] == "doubtful"
    assert "cannot be measured" in outcome["sentence"]


def test_the_risk_of_planes_is_their_true_error():
    law, clean = PoissonGaussian(gain=2.0, offset=100.0, read_noise=3.0), np.stack([100 + 4 * blobs(128)] * 4)
    noisy = np.rint(law.sample(clean, seed=0))
    session = prepare(collect([Sample(noisy, "ZYX")], 3), steps=1, mask="pixel")
    scaling = session.scalings[0]
    # σ² = 2 (counts − 100) + 36 counts², in units of the scaling.
    unit, start = 1 / scaling.scale, scaling.offset
    variance = Variance((2 * (start - 100) + 36) * unit**2, 2 * unit, 0.0, 0.0)
    planes = muguet.fit(noisy, "ZYX", minutes=0)(noisy, "ZYX", z_window=0, symmetries=1)
    true = np.mean((planes - clean) ** 2) / np.mean(law.std(clean) ** 2)
    found = risk_of_planes(session.source, 0, variance, (1, 8, 8))
    assert found == pytest.approx(true, abs=0.02)
