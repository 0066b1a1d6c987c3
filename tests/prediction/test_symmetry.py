"""Laws of symmetry: each is undone exactly, and there are eight of a square and four of a rectangle."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from muguet.prediction import symmetries


def numbered(*shape):
    return torch.arange(torch.Size(shape).numel()).view(shape)


@pytest.mark.parametrize("symmetry", symmetries(), ids=str)
@pytest.mark.parametrize("shape", [(5, 5), (4, 7), (2, 1, 3, 6), (1, 1, 3, 6, 5), (1, 4)], ids=str)
def test_undo_is_the_inverse(symmetry, shape):
    image = numbered(*shape)
    turned = symmetry.apply(image)
    assert torch.equal(symmetry.undo(turned), image)
    if shape[-1] == shape[-2]:
        assert torch.equal(symmetry.apply(symmetry.undo(image)), image)
    assert turned.shape[:-2] == image.shape[:-2]
    assert torch.equal(turned.flatten(-2).sort().values, image.flatten(-2))  # nothing leaves its plane


@pytest.mark.parametrize(("turns", "number"), [(True, 8), (False, 4)])
def test_all_differ_and_the_first_is_the_identity(turns, number):
    images = [symmetry.apply(numbered(3, 3)) for symmetry in symmetries(turns)]
    assert len(images) == number
    assert torch.equal(images[0], numbered(3, 3))
    assert not any(torch.equal(one, other) for one, other in combinations(images, 2))


def test_two_symmetries_prefer_neither_axis():
    image = numbered(3, 3)
    _, other = symmetries(max_count=2)
    assert torch.equal(other.apply(image), image.rot90(2))


@pytest.mark.parametrize("most", [1, 2, 4, 8])
@pytest.mark.parametrize("turns", [True, False])
def test_one_after_another_is_one_of_them(turns, most):
    group = symmetries(turns, most)
    assert len(group) == min(most, 8 if turns else 4)
    images = {tuple(symmetry.apply(numbered(3, 3)).flatten().tolist()) for symmetry in group}
    for first in group:
        for second in group:
            both = second.apply(first.apply(numbered(3, 3)))
            assert tuple(both.flatten().tolist()) in images


def test_without_quarter_turns_a_rectangle_keeps_its_shape():
    assert {symmetry.apply(numbered(3, 4)).shape for symmetry in symmetries(False)} == {(3, 4)}
