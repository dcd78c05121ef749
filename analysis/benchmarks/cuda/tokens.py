"""Tokens per second and peak memory of a small LLaMA in training, dense and masked, including updates."""

from functools import partial
from typing import Any

import torch
from torch.nn import functional as F

import topolearn as tl
from analysis.benchmarks.cuda.accelerator import autocast, counted_memory, milliseconds, optimizer_for
from analysis.benchmarks.cuda.block_training import DENSITY
from analysis.benchmarks.cuda.sizes import Sizes
from analysis.benchmarks.cuda.stage import Case, Stage
from analysis.benchmarks.cuda.steps import PAPER_INTERVAL, RATE
from topolearn.training.models import Llama


def cases(sizes: Sizes, device: torch.device) -> list[Case]:
    """Return the dense model and a masked one."""
    return [{"method": "dense"}, {"method": "chts"}]


def measure(case: Case, sizes: Sizes, device: torch.device) -> dict[str, Any]:
    """Return tokens per second over steps and updates, and the peak memory of tensors."""
    block, warm_up = sizes.blocks[0], sizes.n_steps // 2  # includes an update, since the first one takes longer
    n_tokens = block.n_tokens * (sizes.n_steps - warm_up)
    with counted_memory(device) as peak:
        training = LanguageTraining(case["method"], sizes, device)
        training.steps(warm_up)
        taken = milliseconds(partial(training.steps, sizes.n_steps - warm_up), device)
    return {
        "tokens a second": 1e3 * n_tokens / taken,
        "ms of a step": taken / (sizes.n_steps - warm_up),
        "updates": training.n_updates,
        "loss": float(training.loss.detach()),
        **peak,
    }


class LanguageTraining:
    """A LLaMA with blocks of the first shape, on random tokens."""

    def __init__(self, method: str, sizes: Sizes, device: torch.device) -> None:
        block = sizes.blocks[0]
        self.device, self.n_updates = device, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = Llama(sizes.vocabulary, block.width, block.hidden, sizes.n_layers, block.n_heads)
            rule = None if method == "dense" else tl.method(method, density=DENSITY)
            if rule is not None:
                tl.sparsify(model, rule, backend="masked")
        self.model = model.to(device)
        self.optimizer = optimizer_for(device, self.model)
        self.topology = None
        if rule is not None:
            interval = min(PAPER_INTERVAL, sizes.n_steps - 1)
            self.topology = tl.TopologyScheduler(self.model, self.optimizer, rule, total_steps=10**6, interval=interval)
        generator = torch.Generator().manual_seed(0)
        tokens = torch.randint(sizes.vocabulary, (block.batch, block.length + 1), generator=generator).to(device)
        self.x, self.y = tokens[:, :-1], tokens[:, 1:]
        self.loss = torch.zeros(())

    def steps(self, n: int) -> None:
        """Take n steps."""
        for _ in range(n):
            self.step()

    def step(self) -> None:
        """Take a step, and update the topology if it is due."""
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device):
            logits = self.model(self.x)
        self.loss = F.cross_entropy(logits.flatten(0, 1).float(), self.y.flatten())
        self.loss.backward()
        self.optimizer.step()
        if self.topology is not None:
            self.n_updates += self.topology.step() is not None


def seconds(case: Case, sizes: Sizes) -> float:
    """Estimate the seconds of a case: weights and graphs are drawn on the CPU; the head counts as a layer."""
    block = sizes.blocks[0]
    flops = sizes.n_layers * block.flops + 6.0 * block.n_tokens * sizes.vocabulary * block.width
    return 3 + 0.4 * sizes.n_layers + sizes.n_steps * flops / RATE


TOKENS = Stage("tokens", 40, cases, measure, seconds)
