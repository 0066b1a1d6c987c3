"""The network of a package as an ONNX file with free sizes."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import torch
from torch.export import Dim

from muguet.export.standalone import Standalone

INPUT, OUTPUT = "noisy", "denoised"
"""Names of the tensors."""


def write_onnx(standalone: Standalone, channels: int, path: Path) -> int:
    """Write the network as ONNX, and return the version of the operator set.

    The number of images and the sizes along the axes of space are free; the sizes are multiples of the stride.
    """
    free = {0: Dim("batch", min=1)}
    for axis, (letter, stride) in enumerate(
        zip("zyx"[-len(standalone.stride) :], standalone.stride, strict=True)
    ):
        free[axis + 2] = stride * Dim(letter, min=standalone.smallest[axis] // stride)
    # PyTorch takes a size of one, or equal sizes, for fixed ones.
    sizes = [
        size + (axis + 1) * s
        for axis, (size, s) in enumerate(zip(standalone.smallest, standalone.stride, strict=True))
    ]
    example = torch.zeros(2, channels, *sizes)
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                standalone.network,
                (example,),
                dynamo=True,
                dynamic_shapes=(free,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                verbose=False,
            )
    finally:
        logger.setLevel(level)
    assert program is not None
    # PyTorch notes for every node from which line of which file it comes.
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()
    program.save(path)
    return int(program.model.opset_imports[""])
