"""A training step of a translation Transformer, dense and sparse, including the cost of topology updates.

Run it with ``python -m analysis.benchmarks.transformer_step``; it writes figures/benchmark_transformer_step.csv. The
network is M2M100 of transformers at the sizes of the task, with dense embeddings and generator, dropout 0.1, Adam and
label smoothing 0.1; a step has 1,024 tokens on each side, an eighth of which is padding. Dense and sparse networks
alternate step by step in one process; medians are reported. There is an update every hundred steps: its time, and the
extra time of the two steps after it, is spread over these. While measuring, updates are more frequent.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import topolearn as tl
from analysis.program import Program
from analysis.tables import write_table
from topolearn.evolution import METHODS

FIGURES = Path("figures")
INTERVAL = 100  # steps between updates, as in the paper
PADDING = 1  # the padding token
DENSE, BACKENDS = "dense", ("masked", "csr")


@dataclass(frozen=True)
class Setting:
    """The sizes of a network, and its batch: sentences of equal length, some of them padded."""

    width: int
    heads: int
    hidden: int
    layers: int
    vocabulary: int
    sentences: int = 64
    length: int = 16


SETTINGS = {
    "small": Setting(256, 4, 512, 3, 8000),
    "paper": Setting(512, 8, 1024, 6, 10_000),
    "tiny": Setting(16, 2, 24, 1, 50, sentences=4, length=6),  # for the tests
}


class Training:
    """A network with its optimizer and, if it is sparse, its topology.

    Parameters
    ----------
    setting : Setting
    kind : str
        "dense", or the backend of its sparse layers.
    method : Method
        The method of the sparse layers.
    interval : int
        Steps between updates.
    """

    def __init__(self, setting: Setting, kind: str, method: tl.Method, interval: int) -> None:
        self.batch, self.topology = _batch(setting), None
        model = _network(setting)
        if kind != DENSE:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="sparsify leaves dense")  # the embeddings
                tl.sparsify(model, method, backend=kind, exclude=["lm_head"], seed=0)
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), 1e-4, (0.9, 0.998), 1e-9, fused=True)
        if kind != DENSE:
            self.topology = tl.TopologyScheduler(model, self.optimizer, method, total_steps=10**6, interval=interval)

    def step(self) -> float:
        """Train on the batch; return the milliseconds."""
        sources, attended, targets, wanted = self.batch
        start = time.perf_counter()
        self.optimizer.zero_grad()
        logits = self.model(input_ids=sources, attention_mask=attended, decoder_input_ids=targets).logits
        loss = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=PADDING, label_smoothing=0.1)
        loss.backward()
        self.optimizer.step()
        return 1e3 * (time.perf_counter() - start)

    def evolve(self) -> float:
        """Update the topology if it is due; return the milliseconds."""
        start = time.perf_counter()
        if self.topology is not None:
            self.topology.step()
        return 1e3 * (time.perf_counter() - start)


def _network(setting: Setting) -> nn.Module:
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    config = M2M100Config(
        vocab_size=setting.vocabulary, d_model=setting.width, max_position_embeddings=256,
        encoder_layers=setting.layers, encoder_attention_heads=setting.heads, encoder_ffn_dim=setting.hidden,
        decoder_layers=setting.layers, decoder_attention_heads=setting.heads, decoder_ffn_dim=setting.hidden,
        dropout=0.1, attention_dropout=0.1, activation_dropout=0.1, encoder_layerdrop=0.0, decoder_layerdrop=0.0,
        activation_function="relu", scale_embedding=True, tie_word_embeddings=False, pad_token_id=PADDING,
    )  # fmt: skip
    torch.manual_seed(0)
    return M2M100ForConditionalGeneration(config)


def _batch(setting: Setting) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return source tokens, the mask of non-padding tokens, and target tokens before and after each position."""
    generator = torch.Generator().manual_seed(0)
    shape = setting.sentences, setting.length
    lengths = torch.randint(setting.length * 3 // 4, setting.length + 1, shape[:1], generator=generator)
    is_word = torch.arange(setting.length) < lengths[:, None]
    sources, wanted = (
        torch.randint(4, setting.vocabulary, shape, generator=generator).masked_fill(~is_word, PADDING)
        for _ in range(2)
    )
    before = torch.cat([torch.full_like(wanted[:, :1], 2), wanted[:, :-1]], dim=1)
    return sources, is_word.long(), before, wanted


def measure(setting: Setting, method: tl.Method, kinds: Sequence[str], *, rounds: int, steps: int) -> pd.DataFrame:
    """Return a row for each kind of network: the ms of a step, of an update, and of both averaged over time.

    Each round consists of two steps that read new links for the first time, `steps` other steps, and an update. The
    first round warms up.
    """
    length = steps + 2
    trainings = {kind: Training(setting, kind, method, length) for kind in kinds}
    times: dict[str, dict[str, list[float]]] = {kind: {"step": [], "update": [], "after": []} for kind in kinds}
    for i in range(1, length * (rounds + 1) + 1):
        for kind, training in trainings.items():
            step, update = training.step(), training.evolve()
            if i > length:
                times[kind]["after" if i % length in (1, 2) else "step"].append(step)
                times[kind]["update"] += [] if i % length else [update]
    rows = []
    for kind, measured in times.items():
        step, update, after = (statistics.median(measured[phase]) for phase in ("step", "update", "after"))
        cost = update + 2 * max(after - step, 0.0) if trainings[kind].topology else 0.0
        rows.append({"network": kind, "ms a step": step, "ms an update": cost, "ms in all": step + cost / INTERVAL})
    table = pd.DataFrame(rows)
    table["times as fast as dense"] = float(table["ms in all"][table["network"] == DENSE].iloc[0]) / table["ms in all"]
    return table


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    evolving = [name for name, row in METHODS.items() if row.evolves]
    parser.add_argument("--settings", nargs="+", default=["small", "paper"], choices=SETTINGS)
    parser.add_argument("--methods", nargs="+", default=["set", "chts"], choices=evolving)
    parser.add_argument("--densities", type=float, nargs="+", default=[0.1])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=3, help="number of updates to measure")
    parser.add_argument("--steps", type=int, default=6, help="steps between updates, besides the two after one")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure all settings and methods, and write the table."""
    tables = []
    for threads in args.threads:
        torch.set_num_threads(threads)
        for setting in args.settings:
            for name in args.methods:
                for density in args.densities:
                    method = tl.method(name, density=density, interval=None, early_stop=False)
                    kinds = (DENSE, *BACKENDS)
                    table = measure(SETTINGS[setting], method, kinds, rounds=args.rounds, steps=args.steps)
                    case = {"model": setting, "method": name, "density": density, "threads": threads}
                    tables.append(pd.DataFrame([case] * len(table)).join(table.round(3)))
                    print(tables[-1].to_string(index=False), flush=True)
    write_table(FIGURES / "benchmark_transformer_step.csv", pd.concat(tables))


if __name__ == "__main__":
    program().run(main)
