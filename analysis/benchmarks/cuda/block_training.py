"""`BlockTraining`: training steps of a LLaMA block, dense or with masked layers, in one precision and mode."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext

import torch
from torch import nn

import topolearn as tl
from analysis.benchmarks.cuda.accelerator import autocast, captured, compiled, optimizer_for
from analysis.benchmarks.cuda.sizes import Block
from topolearn.sparse import MaskedLinear
from topolearn.training.models import LlamaLayer

AUTOCAST, WEIGHTS = PRECISIONS = ("bf16 autocast", "bf16 weights")
EAGER, COMPILED, GRAPH = MODES = ("eager", "compiled", "CUDA graph")
DENSITY = 0.1
INTERVAL = 5  # steps between updates, while they are measured


class BlockTraining:
    """A model of LLaMA blocks, its optimizer and a batch.

    Parameters
    ----------
    block : Block
    device : torch.device
    method : Method, optional
        The method of the masked layers; default dense layers.
    n_blocks : int
    precision, mode : str
    """

    def __init__(
        self,
        block: Block,
        device: torch.device,
        method: tl.Method | None = None,
        *,
        n_blocks: int = 1,
        precision: str = AUTOCAST,
        mode: str = EAGER,
    ) -> None:
        dtype = torch.bfloat16 if precision == WEIGHTS else torch.float32
        self.device, self.precision, self.mode = device, precision, mode
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model: nn.Module = nn.Sequential(
                *(LlamaLayer(block.width, block.hidden, block.n_heads) for _ in range(n_blocks))
            )
            if method is not None:
                tl.sparsify(model, method, exclude=[], backend="masked")
        self.model = model.to(device, dtype)
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(block.batch, block.length, block.width, generator=generator).to(device, dtype)
        self.optimizer = optimizer_for(device, self.model, in_graph=mode == GRAPH)
        self.topology: tl.TopologyScheduler | None = None
        if method is not None:
            self.topology = tl.TopologyScheduler(
                self.model, self.optimizer, method, total_steps=10**6, interval=INTERVAL
            )
        self._forward = compiled(self.model, device) if mode == COMPILED else self.model
        self.run: Callable[[], object] = captured(self.step, device) if mode == GRAPH else self.step

    def steps_without_updates(self, n: int) -> None:
        """Take n steps that do not count towards an update."""
        for _ in range(n):
            self.step()

    def step(self) -> None:
        """Take a step, without an update."""
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, keeps_casts=self.mode != GRAPH) if self.precision == AUTOCAST else nullcontext():
            y = self._forward(self.x)
        y.float().square().mean().backward()
        self.optimizer.step()

    def evolve(self) -> None:
        """Take steps up to and including the next update."""
        assert self.topology is not None
        for _ in range(2 * INTERVAL):
            self.step()
            if self.topology.step() is not None:
                return
        raise RuntimeError(f"no update in {2 * INTERVAL} steps")

    def steps(self, n: int) -> None:
        """Take n steps, or replays of a captured step."""
        for _ in range(n):
            self.run()

    def off_links(self) -> int:
        """Return the number of nonzero weights off the links."""
        return weights_off_links(tl.sparse.sparse_layers(self.model).values())


def weights_off_links(layers: Iterable[tl.SparseLinear]) -> int:
    """Return the number of nonzero weights of masked layers in cells that are not trained."""
    n_off = 0
    for layer in layers:
        assert isinstance(layer, MaskedLinear)
        n_off += int(((layer.weight.detach() != 0) & ~layer.trained_mask).sum())
    return n_off
