"""A training on an image larger than memory exchanges its blocks, and gives the same bits whenever it is repeated."""

from __future__ import annotations

import numpy as np
import pytest

from muguet import MuguetError, recipes
from muguet.image import Layout
from muguet.recipes import Parts
from muguet.restoration import FilterBankNet
from muguet.training import HELD_OUT, Plan, Sample, Session, collect
from muguet.training import blocks as blocks_of
from muguet.training import checkpoint as checkpoints
from muguet.training import exchange as exchanges
from tests.conftest import recorded

SIDE, COUNT = 32, 12  # Pixels of a block along an axis, and blocks of the image.


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setitem(recipes.NETS, "filterbank", lambda dims, reach: FilterBankNet(dims, (8, 8), reach))
    monkeypatch.setattr(blocks_of, "_SIDE", SIDE)
    monkeypatch.setattr(exchanges, "DRAWS", 4)


@pytest.fixture
def image() -> np.ndarray:
    """An image ``(c, y, x)`` in which each block has its own brightness; one block is blank."""
    brightness = np.repeat(np.arange(1.0, COUNT + 1), SIDE)[None, :, None]
    image = recorded(np.broadcast_to(10 * brightness, (2, COUNT * SIDE, SIDE)))
    image[:, 5 * SIDE : 6 * SIDE] = 0
    return image


def _session(image: np.ndarray, read=None, steps: int = 40) -> Session:
    """A session that holds four blocks in memory and exchanges one of them every second step."""
    blocks = blocks_of.Blocks(
        read or (lambda part: image[part]), Layout("CYX", image.shape, 2), 4 * 2 * SIDE * SIDE
    )
    sample = Sample(blocks.sample(), blocks.axes, blocks=blocks)
    plan = Plan(steps=steps, batch=4, device="cpu")
    return Session(collect([sample]), Parts("l2", prior="none"), plan)


def _finish(session: Session) -> None:
    while not session.finished:
        session.advance()


def _blocks_in(session: Session, image: np.ndarray) -> set[int]:
    """The numbers of the blocks of the image whose values, in counts, are in the training set."""
    values = session.source.values.view(-1, 2, SIDE, SIDE)
    counts = [
        np.stack([scaling.invert(each.numpy()) for scaling, each in zip(session.scalings, pair, strict=True)])
        for pair in values
    ]
    rows = [image[:, i * SIDE : (i + 1) * SIDE] for i in range(COUNT)]
    return {i for i, row in enumerate(rows) for each in counts if np.allclose(each, row, atol=0.01)}


def test_every_block_takes_part_and_the_memory_stays_the_same(image):
    session = _session(image)
    size, seen = session.source.values.numel(), _blocks_in(session, image)
    first = seen
    batch = session.validation.batches[0].patches.noisy.clone()
    while not session.finished:
        session.advance()
        found = _blocks_in(session, image)
        assert len(found) == 4  # Each of the four blocks is a whole one, and no two are the same.
        assert found & first
        seen = seen | found
        assert session.source.values.numel() == size
    assert seen == set(range(COUNT)) - {5}
    assert bool((batch == session.validation.batches[0].patches.noisy).all())
    held_out = (session.source.role == HELD_OUT).float().mean()
    assert held_out == pytest.approx(1 / 64, rel=0.3)


def test_a_resumed_run_gives_the_same_bits(image, tmp_path):
    whole, half = _session(image, steps=14), _session(image, steps=14)
    for _ in range(7):
        half.advance()
    checkpoints.save(half, tmp_path / "half")
    again = _session(image, steps=14)
    checkpoints.restore(again, tmp_path / "half")
    _finish(whole)
    _finish(again)
    for one, other in zip(whole.parameters, again.parameters, strict=True):
        assert bool((one == other).all())
    assert bool((whole.source.values == again.source.values).all())
    assert bool((whole.source.role == again.source.role).all())
    header = half.exchange.state()
    assert not half.exchange.accepts({**header, "residents": [[0]]})
    assert not half.exchange.accepts({**header, "residents": [[99] * 4]})


def test_a_block_that_cannot_be_read_ends_the_run_with_its_sentence(image):
    broken = False

    def read(part):
        if broken:
            raise MuguetError("the image is damaged")
        return image[part]

    session = _session(image, read)
    broken = True
    with pytest.raises(MuguetError, match="damaged"):
        _finish(session)


def test_an_image_whose_blocks_are_all_in_memory_exchanges_none(image):
    blocks = blocks_of.Blocks(lambda part: image[part], Layout("CYX", image.shape, 2), 10**9)
    sample = Sample(blocks.sample(), blocks.axes, blocks=blocks)
    assert not Session(collect([sample]), Parts("l2", prior="none"), Plan(steps=1, device="cpu")).exchange
