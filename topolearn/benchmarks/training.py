"""The time of an MLP's training step: dense, with a masked weight, and with each backend."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD

from topolearn.errors import InvalidValueError
from topolearn.evolution import method, sparsify
from topolearn.sampling import torch_draws_from
from topolearn.sparse import MaskedLinear, best_backend, sparse_chain, sparse_layers
from topolearn.sparse.chains.sequential import ChainedSequential, takes_part
from topolearn.sparse.csr import CsrLinear
from topolearn.sparse.products.index import complete_index
from topolearn.terminal import progress_bar
from topolearn.training.models import mlp

if TYPE_CHECKING:
    import pandas as pd

PAPER = (784, 1568, 1568, 1568, 10)
BATCHES = 8  # batches that a measurement cycles through


class WeightTimesMask(nn.Module):
    """A layer as in most implementations of sparse training: a dense weight, multiplied by its mask at every step."""

    mask: Tensor

    def __init__(self, layer: MaskedLinear) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(layer.weight.detach().clone()), layer.bias  # without the layer's hook
        self.register_buffer("mask", layer.mask.to(layer.weight.dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of the layer."""
        return F.linear(x, self.weight * self.mask, self.bias)


def _dense(sizes: Sequence[int], density: float) -> nn.Module:
    return mlp(sizes[0], sizes[1:-1], sizes[-1])


def _sparse(sizes: Sequence[int], density: float, backend: str) -> nn.Module:
    return sparsify(_dense(sizes, density), method("static", density=density), backend=backend)


def _weight_times_mask(sizes: Sequence[int], density: float) -> nn.Module:
    model = _sparse(sizes, density, "masked")
    for name, layer in sparse_layers(model).items():
        assert isinstance(layer, MaskedLinear)
        setattr(model, name, WeightTimesMask(layer))
    return model


class LayerByLayer(nn.Module):
    """Sparse layers of the csr backend with their ReLU, each its own autograd node, and a dense last layer."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.layers, self.head = nn.ModuleList(sparse_layers(model).values()), list(model.children())[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of the last layer."""
        for layer in self.layers:
            assert isinstance(layer, CsrLinear)
            x = sparse_chain(x, [layer.stage(relu=True)], feature_major=layer is not self.layers[-1])
        return self.head(x)


VARIANTS: dict[str, Callable[[Sequence[int], float], nn.Module]] = {
    "dense": _dense,
    "weight * mask": _weight_times_mask,
    "masked": lambda sizes, density: _sparse(sizes, density, "masked"),
    "csr": lambda sizes, density: LayerByLayer(_sparse(sizes, density, "csr")),
    "csr chain": lambda sizes, density: _sparse(sizes, density, "csr"),
}


def measure_training(
    densities: Iterable[float] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5),
    batches: Iterable[int] = (32, 128),
    *,
    sizes: Sequence[int] = PAPER,
    variants: Iterable[str] = tuple(VARIANTS),
    seconds: float = 2.0,
    progress: bool = False,
) -> pd.DataFrame:
    """Time a training step (forward, cross-entropy, backward, SGD with momentum) of an MLP on this machine.

    The variants alternate in one process, on as many threads as torch uses, so that other load on the machine affects
    all of them. The table has medians.

    Parameters
    ----------
    densities, batches : iterables
        The rows of the table; every layer except the last has the density.
    sizes : sequence of int
        Features, width of each hidden layer, and classes.
    variants : iterable of str
        Names in `VARIANTS`: a dense network, a weight that is multiplied by its mask, the masked backend, the csr
        backend layer by layer, and the csr backend as a chain. Speed-ups are relative to the first one.
    seconds : float
        Approximate time to measure each variant in each row.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    DataFrame
        A row for each density and batch, with the number of threads, the choice of ``backend="auto"``,
        ``<variant> ms``, ``<variant> speed-up`` and ``<variant> MiB`` (of parameters, gradients, momentum, masks,
        indices, and the activations that the backward pass needs).

    Raises
    ------
    InvalidValueError
        For an unknown variant, or a density that no layer can have.
    """
    import pandas as pd

    variants = list(variants)
    for name in variants:
        if name not in VARIANTS:
            raise InvalidValueError(f"unknown variant {name!r}: use some of {', '.join(VARIANTS)}")
    cases = [(density, batch) for density in densities for batch in batches]
    rows = []
    for density, batch in progress_bar(cases, desc="bench train", disable=not progress):
        with torch_draws_from(0):
            models = {name: VARIANTS[name](sizes, density) for name in variants}
        runs = {name: _Run(model, sizes, batch) for name, model in models.items()}
        _alternate(runs.values(), seconds)
        base = runs[variants[0]].milliseconds
        row: dict[str, float | str] = {"density": density, "batch": batch, "threads": torch.get_num_threads()}
        n_in, n_out = max(pairwise(sizes[:-1]), key=math.prod)
        row["auto"] = best_backend(n_in, n_out, density, batch=batch)
        row |= {f"{name} ms": round(run.milliseconds, 3) for name, run in runs.items()}
        row |= {f"{name} speed-up": round(base / run.milliseconds, 2) for name, run in runs.items()}
        row |= {f"{name} MiB": round((run.n_bytes + run.saved_bytes()) / 2**20, 3) for name, run in runs.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def crossover(table: pd.DataFrame, batch: int, variant: str = "csr chain", peer: str = "dense") -> float:
    """Return the density up to which a variant is faster than its peer, interpolated between measurements.

    Returns
    -------
    float
        NaN if it is faster, or slower, at all measured densities.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"density": [0.1, 0.4], "batch": 32, "csr chain ms": [1.0, 4.0], "dense ms": [2.0, 2.0]})
    >>> round(crossover(table, 32), 3)
    0.2
    """
    rows = table[table["batch"] == batch].sort_values("density")
    gain = [math.log(x) for x in rows[f"{peer} ms"] / rows[f"{variant} ms"]]
    places = [math.log(x) for x in rows["density"]]
    for i in range(len(gain) - 1):
        if gain[i] > 0 >= gain[i + 1]:
            return math.exp(places[i] + (places[i + 1] - places[i]) * gain[i] / (gain[i] - gain[i + 1]))
    return math.nan


def cost_of_auto(table: pd.DataFrame) -> pd.Series:
    """Return the time of the backend chosen by ``backend="auto"``, relative to the better backend.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"auto": ["csr", "masked"], "csr chain ms": [1.0, 4.0], "masked ms": [2.0, 5.0]})
    >>> cost_of_auto(table).tolist()
    [1.0, 1.25]
    """
    csr, masked = table["csr chain ms"], table["masked ms"]
    return csr.where(table["auto"] == "csr", masked) / csr.where(csr < masked, masked)


class _Run:
    """A variant that trains on random data, and the times of its steps."""

    def __init__(self, model: nn.Module, sizes: Sequence[int], batch: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.model = model
        self.optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
        self.x = torch.randn(BATCHES, batch, sizes[0], generator=generator)
        self.y = torch.randint(sizes[-1], (BATCHES, batch), generator=generator)
        self.times: list[float] = []
        for _ in range(3):  # warm-up: compiles, and creates the optimizer state
            self.step()
        self.times.clear()

    def step(self) -> None:
        i, start = len(self.times) % BATCHES, time.perf_counter()
        self.optimizer.zero_grad()
        F.cross_entropy(self.model(self.x[i]), self.y[i]).backward()
        self.optimizer.step()
        self.times.append(time.perf_counter() - start)

    @property
    def milliseconds(self) -> float:
        return 1e3 * statistics.median(self.times)

    def saved_bytes(self) -> int:
        """Bytes that the forward pass keeps for the backward pass, without parameters and buffers."""
        held = {t.data_ptr() for t in (*self.model.parameters(), *self.model.buffers())}
        sizes: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in held:
                sizes[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = F.cross_entropy(self.model(self.x[0].clone()), self.y[0].clone())
        del loss
        return sum(sizes.values())

    @property
    def n_bytes(self) -> int:
        """Bytes of everything held during training, without activations."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        tensors += [p.grad for p in self.model.parameters() if p.grad is not None]
        tensors += [t for state in self.optimizer.state.values() for t in state.values() if isinstance(t, Tensor)]
        n_bytes = sum(t.numel() * t.element_size() for t in tensors)
        for module in self.model.modules():
            if isinstance(module, MaskedLinear):
                n_bytes += module.weight.numel() * module.weight.element_size()  # the mask as integers
            elif isinstance(module, CsrLinear):
                index = module.index
                n_bytes += index.n_bytes - index.crow.nbytes - index.col.nbytes  # these two are buffers
            elif isinstance(module, ChainedSequential):
                dense = (child for child in module if type(child) is nn.Linear and takes_part(child, self.x[0]))
                n_bytes += sum(complete_index(child.out_features, child.in_features).n_bytes for child in dense)
        return n_bytes


def _alternate(runs: Iterable[_Run], seconds: float) -> None:
    """Let each run take steps for about this long, in ten rounds with at least one step each."""
    runs = list(runs)
    for _ in range(10):
        for run in runs:
            start = time.perf_counter()
            run.step()
            while time.perf_counter() - start < seconds / 10:
                run.step()
