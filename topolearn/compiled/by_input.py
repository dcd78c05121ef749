"""`ByInput`: the values of links and their optimizer moments, in the order of the backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from topolearn.compiled.optimizer import ParameterStep
from topolearn.sparse import Stage


class ByInput:
    """Copies of the values of layers, and of their moments, in the order of input neurons.

    A backward pass goes from one input neuron to the next. Values and gradients in that order are read and written
    sequentially; in the order of output neurons, which layers use, each would be in a different cache line.

    Parameters
    ----------
    stages : sequence of Stage
    steps : iterable of ParameterStep

    Attributes
    ----------
    stages : list of Stage
        Stages with the copied values.
    steps : list of ParameterStep
        Steps with the copied values and moments.
    """

    def __init__(self, stages: Sequence[Stage], steps: Iterable[ParameterStep]) -> None:
        self._copies: list[tuple[Tensor, Tensor, Tensor]] = []
        self.stages, self.steps = [], []
        places: dict[int, tuple[Stage, Tensor]] = {}
        for stage in stages:
            copy = self._copy(stage, stage.values)
            places[id(stage.values)] = stage, copy
            self.stages.append(stage._replace(values=copy))
        for step in steps:
            if id(step.parameter) in places:
                stage, copy = places[id(step.parameter)]
                moments = tuple(self._copy(stage, moment) for moment in step.moments)
                self.steps.append(replace(step, parameter=copy, moments=moments))
            else:
                self.steps.append(step)

    def write_back(self) -> None:
        """Write the copies back to the original tensors."""
        for original, copy, places in self._copies:
            torch.index_select(copy, 0, places, out=original.detach().view(-1))

    def _copy(self, stage: Stage, original: Tensor) -> Tensor:
        there = torch.from_numpy(stage.links.across.arrays["places"])
        copy = original.detach().view(-1).index_select(0, there)
        self._copies.append((original, copy, torch.from_numpy(stage.links.places_by_input)))
        return copy
