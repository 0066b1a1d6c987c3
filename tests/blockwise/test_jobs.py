"""Laws of results written block by block: in whatever runs, parts and processes, they are the same bits."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muguet import MuguetError
from muguet.blockwise import Share, Work, denoise_blocks
from muguet.blockwise.opening import opened
from muguet.formats import read
from muguet.system.unfinished import unfinished_of
from tests.blockwise.conftest import write_store


def files_of(store: Path) -> dict[str, bytes]:
    """All files of a store, with their content."""
    return {str(each.relative_to(store)): each.read_bytes() for each in store.rglob("*") if each.is_file()}


@pytest.fixture(params=[None, (1, 32, 32)], ids=["chunks", "shards"])
def store(request, tmp_path):
    write_store(tmp_path / "a.zarr", request.param)
    return tmp_path / "a.zarr"


@given(st.integers(0, 10**6), st.integers(1, 200))
def test_every_block_is_in_one_part(total, parts):
    ranges = [Share(part, parts).numbers(total) for part in range(1, parts + 1)]
    assert [each.start for each in ranges[1:]] == [each.stop for each in ranges[:-1]]
    assert (ranges[0].start, ranges[-1].stop) == (0, total)
    assert max(map(len, ranges)) - min(map(len, ranges)) <= 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/2/3", "1/9999999999"])
def test_a_part_that_does_not_exist(text):
    with pytest.raises(MuguetError, match="give two"):
        Share.of(text)


def test_the_result_is_that_in_memory(network, tmp_path):
    write_store(tmp_path / "a.zarr", shape=(1, 40, 50))
    assert denoise_blocks(tmp_path / "a.zarr", tmp_path / "b.zarr", network, symmetries=1, dtype="float32")
    expected = network(read(tmp_path / "a.zarr").data, "ZYX", symmetries=1)
    np.testing.assert_allclose(read(tmp_path / "b.zarr").data, expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("stop", [0, 7])
def test_an_interrupted_run_goes_on_to_the_same_bits(store, denoiser, tmp_path, stop):
    whole, again = tmp_path / "whole.zarr", tmp_path / "again.zarr"
    assert denoise_blocks(store, whole, denoiser, symmetries=1)
    with opened(Work(store, again, symmetries=1), denoiser) as job:
        for number, _ in enumerate(job.run(job.missing()), 1):
            if number == stop or stop == 0:
                break
    assert not again.exists()
    stray = unfinished_of(again) / "0" / "c" / "0" / "0" / ".killed.partial"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"half")
    seen = []
    with opened(Work(store, again, symmetries=1), denoiser) as job:
        seen = job.missing()
        list(job.run(seen))
        assert job.finish()
    assert job.total - len(seen) == max(stop, 1)
    assert files_of(again) == files_of(whole)
    assert not unfinished_of(again).exists()


def test_parts_in_any_order_and_at_once_are_the_whole(store, denoiser, tmp_path):
    whole, parts = tmp_path / "whole.zarr", tmp_path / "parts.zarr"
    denoise_blocks(store, whole, denoiser, symmetries=1)
    assert not denoise_blocks(store, parts, denoiser, symmetries=1, part=(3, 4))
    with ThreadPoolExecutor(3) as pool:
        ends = [
            pool.submit(denoise_blocks, store, parts, denoiser, symmetries=1, part=(part, 4))
            for part in (1, 2, 4)
        ]
        assert sum(each.result() for each in ends) == 1
    assert files_of(parts) == files_of(whole)


class Once(Executor):
    """An executor that computes in this process, does every task twice, and may lose its worker after some tasks."""

    def __init__(self, tasks: int = 10**9) -> None:
        self.left = tasks

    def submit(self, function, /, *arguments, **named):
        from concurrent.futures import BrokenExecutor

        found: Future = Future()
        self.left -= 1
        if self.left < 0:
            found.set_exception(BrokenExecutor("lost"))
        else:
            function(*arguments, **named)
            found.set_result(function(*arguments, **named))
        return found


def test_an_executor_that_repeats_tasks_gives_the_same_bits(store, denoiser, tmp_path):
    whole, spread = tmp_path / "whole.zarr", tmp_path / "spread.zarr"
    denoise_blocks(store, whole, denoiser, symmetries=1)
    with pytest.raises(MuguetError, match="a worker process was lost"):
        denoise_blocks(store, spread, denoiser, symmetries=1, executor=Once(2))
    assert not spread.exists()
    assert denoise_blocks(store, spread, denoiser, symmetries=1, executor=Once())
    assert files_of(spread) == files_of(whole)


def test_other_choices_start_anew_and_parts_refuse_them(store, denoiser, tmp_path):
    out = tmp_path / "b.zarr"
    assert not denoise_blocks(store, out, denoiser, symmetries=1, part=(1, 2))
    with pytest.raises(MuguetError, match="another choice of symmetries"):
        denoise_blocks(store, out, denoiser, symmetries=2, part=(2, 2))
    assert denoise_blocks(store, out, denoiser, symmetries=2)
    with pytest.raises(MuguetError, match="exists"):
        denoise_blocks(store, out, denoiser, symmetries=2)
    assert denoise_blocks(store, out, denoiser, symmetries=1, overwrite=True)


def test_a_model_that_does_not_fit_leaves_nothing(denoiser, tmp_path):
    np.save(tmp_path / "a.npy", np.ones((2, 40, 50), np.uint16))
    with pytest.raises(MuguetError, match="for 1 channel"):
        denoise_blocks(tmp_path / "a.npy", tmp_path / "b.zarr", denoiser, axes="CYX", part=(1, 2))
    assert [each.name for each in tmp_path.iterdir()] == ["a.npy"]


def test_several_processes_write_to_nothing_but_zarr(store, denoiser, tmp_path):
    with pytest.raises(MuguetError, match=r"ends in \.ome\.zarr"):
        denoise_blocks(store, tmp_path / "b.tif", denoiser, part=(1, 2))
    assert denoise_blocks(store, tmp_path / "b.tif", denoiser, symmetries=1)
    assert read(tmp_path / "b.tif").data.shape == (2, 44, 40)


def test_a_result_that_is_rounded_at_random_is_the_same_in_parts(denoiser, tmp_path):
    data = np.random.default_rng(0).poisson(0.2, (2, 40, 50)).astype(np.uint8)
    np.save(tmp_path / "a.npy", data)
    choices = {"axes": "TYX", "dtype": "uint8", "symmetries": 1}
    denoise_blocks(tmp_path / "a.npy", tmp_path / "b.zarr", denoiser, **choices)
    for part in (2, 1):
        denoise_blocks(tmp_path / "a.npy", tmp_path / "c.zarr", denoiser, part=(part, 2), **choices)
    assert files_of(tmp_path / "b.zarr") == files_of(tmp_path / "c.zarr")


def test_a_full_disk_keeps_what_is_finished(store, denoiser, tmp_path, monkeypatch):
    from muguet.formats.ome_zarr.target import Target

    written = []
    write = Target.write

    def full(self, part, values):
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(part)
        write(self, part, values)

    with monkeypatch.context() as patch:
        patch.setattr(Target, "write", full)
        with pytest.raises(MuguetError, match="the disk is full"):
            denoise_blocks(store, tmp_path / "b.zarr", denoiser, symmetries=1)
    assert not (tmp_path / "b.zarr").exists()
    with opened(Work(store, tmp_path / "b.zarr", symmetries=1), denoiser) as job:
        assert job.total - len(job.missing()) == 3
