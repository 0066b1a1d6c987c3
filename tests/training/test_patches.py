"""Laws of patches: each is a piece of an image up to a symmetry, every place is as likely, roles stay put.

Most images here have pixels that all differ, so that a value tells its place.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from muguet.image import Scaling
from muguet.training import HELD_OUT, MISSING, TARGET, PatchSource, Plane


def planes_of(*shapes, untrusted=0.0):
    """Return planes whose values count on from one plane to the next, channel and quantum by index."""
    rng = np.random.default_rng(0)
    planes, first = [], 0
    for i, shape in enumerate(shapes):
        values = np.arange(first, first + np.prod(shape), dtype=np.float32).reshape(shape)
        planes.append(Plane(values, rng.random(shape) >= untrusted, channel=i, quantum=float(i)))
        first += values.size
    return planes


def drawn(planes, patch, batch=64, seed=0, augment=True, **options):
    source = PatchSource.of(planes, patch, **options)
    return source, source.draw(batch, torch.Generator().manual_seed(seed), augment)


def places(values, planes):
    """Return of a patch's values the index of their plane, and their places in it ``(*size, dims)``."""
    bounds = np.cumsum([0] + [plane.values.size for plane in planes])
    index = np.searchsorted(bounds, values, side="right") - 1
    (number,) = np.unique(index)  # no patch reaches over into another plane
    flat = values.astype(int) - bounds[number]
    return number, np.stack(np.unravel_index(flat, planes[number].values.shape), -1)


def steps_of(at):
    """Return how the place changes along each axis of a patch: one row an axis, the same everywhere."""
    steps = []
    for axis in range(at.ndim - 1):
        difference = np.unique(np.diff(at, axis=axis).reshape(-1, at.shape[-1]), axis=0)
        assert len(difference) <= 1
        steps.append(difference[0] if len(difference) else np.zeros(at.shape[-1], int))
    return np.array(steps)


SETS = {
    "plane": ([(24, 31)], (8, 8)),
    "sizes": ([(24, 31), (16, 16), (40, 9), (9, 9)], (8, 8)),
    "small": ([(7, 5), (6, 20)], (64, 64)),
    "stack": ([(6, 14, 17), (5, 12, 12)], (4, 8, 8)),
    "oblong": ([(5, 12, 40)], (4, 16, 16)),
}


@pytest.mark.parametrize("turns", [True, False])
@pytest.mark.parametrize("name", SETS)
def test_every_patch_occurs_in_an_image_up_to_a_symmetry(name, turns):
    shapes, patch = SETS[name]
    planes = planes_of(*shapes, untrusted=0.1)
    source, batch = drawn(planes, patch, quarter_turns=turns)
    dims = len(patch)
    assert batch.noisy.shape == batch.role.shape == (64, 1, *source.size)
    assert batch.noisy.dtype == torch.float32
    for i in range(64):
        number, at = places(batch.noisy[i, 0].numpy(), planes)
        steps = steps_of(at)
        exchange = np.abs(steps)
        swapped = np.eye(dims, dtype=int)
        swapped[[-2, -1]] = swapped[[-1, -2]]
        assert (exchange == np.eye(dims)).all() or (turns and (exchange == swapped).all())
        assert batch.channel[i] == number
        assert batch.quantum[i] == number
        trusted = planes[number].trusted[tuple(np.moveaxis(at, -1, 0))]
        np.testing.assert_array_equal(batch.role[i, 0].numpy() != MISSING, trusted)


@pytest.mark.parametrize(("turns", "number"), [(True, 8), (False, 4)])
def test_all_symmetries_are_as_likely(turns, number):
    planes = planes_of((20, 20))
    _, batch = drawn(planes, (3, 3), 1600, quarter_turns=turns)
    kinds = [str(steps_of(places(values[0].numpy(), planes)[1])) for values in batch.noisy]
    counts = np.unique(kinds, return_counts=True)[1]
    assert len(counts) == number
    assert stats.chisquare(counts).pvalue > 1e-4


def test_a_stack_is_flipped_along_z_but_never_turned_there():
    planes = planes_of((9, 9, 9))
    _, batch = drawn(planes, (3, 3, 3), 2000)
    steps = [steps_of(places(values[0].numpy(), planes)[1]) for values in batch.noisy]
    assert len(np.unique([str(step) for step in steps])) == 16
    assert {tuple(step[0]) for step in steps} == {(1, 0, 0), (-1, 0, 0)}


def test_without_augmentation_a_patch_is_a_piece_of_the_image():
    planes = planes_of((12, 15), (20, 8))
    _, batch = drawn(planes, (5, 5), augment=False)
    for values in batch.noisy:
        _, at = places(values[0].numpy(), planes)
        np.testing.assert_array_equal(steps_of(at), np.eye(2))


@pytest.mark.parametrize("augment", [True, False])
@pytest.mark.parametrize(("shape", "patch"), [((10, 13), (5, 5)), ((4, 8, 9), (3, 6, 6))])
def test_corners_are_uniform(shape, patch, augment):
    planes = planes_of(shape)
    _, batch = drawn(planes, patch, 20000, augment=augment)
    corner = (
        batch.noisy.flatten(1).min(1).values.numpy().astype(int)
    )  # the first pixel in the order of the image
    counts = np.unique(corner, return_counts=True)[1]
    assert len(counts) == np.prod([n - p + 1 for n, p in zip(shape, patch, strict=True)])
    assert stats.chisquare(counts).pvalue > 1e-4


def test_planes_are_drawn_in_proportion_to_their_pixels():
    planes = planes_of((8, 8), (16, 16), (40, 30), (9, 100))
    _, batch = drawn(planes, (8, 8), 20000)
    pixels = np.array([plane.values.size for plane in planes])
    counts = np.bincount(batch.channel.numpy(), minlength=4)
    assert stats.chisquare(counts, 20000 * pixels / pixels.sum()).pvalue > 1e-4


@pytest.mark.parametrize("name", SETS)
def test_a_pixel_has_one_role_wherever_a_patch_meets_it(name):
    shapes, patch = SETS[name]
    planes = planes_of(*shapes, untrusted=0.2)
    source, batch = drawn(planes, patch, 200)
    index = batch.noisy.long()
    assert torch.equal(batch.role, source.role[index])
    assert torch.equal(batch.noisy, source.values[index])


def assert_none_touch(held):
    neighbours = ndimage.convolve(held.astype(int), np.ones((3,) * held.ndim), mode="constant")
    assert (neighbours[held] == 1).all()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=3), st.floats(0, 1), st.integers(0, 1000))
def test_held_out_pixels_never_touch_and_missing_ones_are_the_untrusted(shape, untrusted, seed):
    (plane,) = planes_of(tuple(shape), untrusted=untrusted)
    role = PatchSource.of([plane], (8,) * len(shape), seed).role.numpy().reshape(shape)
    assert set(np.unique(role)) <= {MISSING, TARGET, HELD_OUT}
    np.testing.assert_array_equal(role == MISSING, ~plane.trusted)
    assert_none_touch(role == HELD_OUT)


@pytest.mark.parametrize(("shape", "share"), [((512, 480), 1 / 64), ((32, 64, 64), 1 / 512)])
def test_the_share_of_held_out_pixels(shape, share):
    source = PatchSource.of(planes_of(shape), (8,) * len(shape))
    assert_none_touch(source.role.view(shape).numpy() == HELD_OUT)
    assert (source.role == HELD_OUT).double().mean().item() == pytest.approx(share, rel=1e-9)


def test_held_out_pixels_follow_the_seed():
    planes = planes_of((64, 64))
    roles = [PatchSource.of(planes, (8, 8), seed).role for seed in (3, 3, 4)]
    assert torch.equal(roles[0], roles[1])
    assert not torch.equal(roles[0], roles[2])


def test_targets_are_spread_evenly_over_the_step_about_their_value():
    source, batch = drawn(planes_of((24, 31), (24, 31)), (8, 8), 400)
    away = source.target(batch, torch.Generator().manual_seed(1)) - batch.noisy
    assert (away[batch.channel == 0] == 0).all()  # Its quantum is 0.
    spread = away[batch.channel == 1]  # Its quantum is 1.
    assert spread.abs().max() <= 0.5 + 1e-4
    assert abs(spread.mean().item()) < 0.01
    assert spread.std().item() == pytest.approx(12**-0.5, rel=0.02)


def test_in_other_units_values_and_steps_are_the_same_pixels():
    before, batch = drawn(planes_of((24, 31), (24, 31)), (8, 8))
    scalings = [Scaling(5.0, 4.0), Scaling(-3.0, 0.5)]
    values = batch.noisy.clone()
    after = before.rescale(scalings).draw(64, torch.Generator().manual_seed(0))
    for channel, scaling in enumerate(scalings):
        mine = batch.channel == channel
        torch.testing.assert_close(after.noisy[mine], (values[mine] - scaling.offset) / scaling.scale)
        torch.testing.assert_close(after.quantum[mine], batch.quantum[mine] / scaling.scale)


def test_the_same_generator_gives_the_same_batch():
    planes = planes_of((24, 31), (16, 16), untrusted=0.1)
    (_, one), (_, same), (_, other) = (drawn(planes, (8, 8), seed=seed) for seed in (5, 5, 6))
    for name in ("noisy", "role", "channel", "quantum"):
        assert torch.equal(getattr(one, name), getattr(same, name))
    assert not torch.equal(one.noisy, other.noisy)


def test_global_randomness_is_neither_used_nor_changed():
    planes = planes_of((24, 31))
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    drawn(planes, (8, 8))
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(
    ("shapes", "patch", "turns", "size"),
    [
        ([(24, 31)], (8, 8), True, (8, 8)),
        ([(24, 31), (6, 90)], (8, 8), True, (6, 6)),
        ([(24, 31), (6, 90)], (8, 8), False, (6, 8)),
        ([(3, 24, 31), (9, 90, 12)], (8, 16, 16), True, (3, 12, 12)),
        ([(3, 24, 31), (9, 90, 12)], (8, 16, 16), False, (3, 16, 12)),
    ],
)
def test_a_patch_is_what_all_images_hold(shapes, patch, turns, size):
    source, batch = drawn(planes_of(*shapes), patch, 4, quarter_turns=turns)
    assert source.size == size
    assert batch.noisy.shape == (4, 1, *size)
