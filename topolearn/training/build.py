"""Builds a training from a configuration: settled values, model, optimizer and topology scheduler."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from topolearn.believable import check_sizes
from topolearn.devices import check_float64, settled_device, warn_of_slow_bf16
from topolearn.errors import InvalidValueError
from topolearn.evolution import Method, TopologyScheduler, sparsify
from topolearn.graph import BipartiteGraph
from topolearn.read_errors import reading
from topolearn.recording.writing.directories import free_directory
from topolearn.sampling import torch_draws_from
from topolearn.sparse import CSR, MASKED, check_products, has_links_alone, replace_linear
from topolearn.sparse.weights.packed_links import KEY
from topolearn.training.backend import settled_backend
from topolearn.training.checkpoint import CURE, WHAT, check_shapes, read_checkpoint, under_prefix
from topolearn.training.checkpoint_checks import check_values
from topolearn.training.config import TrainConfig
from topolearn.training.data import Dataset
from topolearn.training.models import mlp

# Number of weights, or for csr of links times examples, below which one thread is used: a second one would gain little
# on an idle machine, and cost a hundredfold on a busy one.
ONE_THREAD_BELOW = 1_000_000


def settle(config: TrainConfig, data: Dataset) -> TrainConfig:
    """Return the configuration with every open value chosen for a data set and this machine.

    Raises
    ------
    InvalidValueError
        When the device is not available, or lacks operations that the training needs.
    """
    method = config.build_method()
    device = settled_device("device", config.device)
    place = torch.device(device)
    check_float64(f"device={device!r}", place)
    warn_of_slow_bf16(config.precision, device)
    overrides = {k: v for k, v in method.to_dict().items() if k not in ("name", "title", "paper", "density")}
    hidden = config.hidden or (2 * data.n_features,) * 3
    run_dir = f"runs/{Path(config.dataset).name.replace('.npz', '')}-{config.method}-{method.density:g}-s{config.seed}"
    sizes = (data.n_features, *hidden)
    interval = config.update_interval or method.interval or steps_per_epoch(config, data)
    shapes = list(pairwise(sizes))
    backend = settled_backend(config, device, method, shapes, batch=config.batch_size, compiles=True)
    if has_links_alone(backend):
        check_products(place)
    return replace(
        config,
        density=method.density,
        overrides=overrides,
        hidden=hidden,
        update_interval=interval,
        measure_every=config.measure_every or max(steps_per_epoch(config, data) // interval, 1),
        device=device,
        backend=backend,
        threads=config.threads or _default_threads(config, backend, method, sizes),
        run_dir=config.run_dir or free_directory(run_dir),
    )


def _default_threads(config: TrainConfig, backend: str, method: Method, sizes: Sequence[int]) -> int:
    """Return 1 for layers whose steps are too short to gain from more threads, else torch's default."""
    cells = [n_in * n_out for n_in, n_out in pairwise(sizes)]
    work = max(cells) * method.mean_density * config.batch_size if has_links_alone(backend) else sum(cells)
    return 1 if work < ONE_THREAD_BELOW else torch.get_num_threads()


def steps_per_epoch(config: TrainConfig, data: Dataset) -> int:
    """Return the number of batches in an epoch; the last one may be smaller."""
    return math.ceil(len(data.train_x) / config.batch_size)


def build(config: TrainConfig, data: Dataset) -> tuple[nn.Sequential, torch.optim.SGD, TopologyScheduler]:
    """Return model, optimizer and topology scheduler of a settled configuration.

    All draws come from the configuration's seed; torch's global generator is not used, even with other threads running.
    """
    method = config.build_method()
    with torch_draws_from(config.seed):
        try:
            hidden_device = None if method.is_dense else "meta"
            model = mlp(data.n_features, config.hidden or (), data.n_classes, hidden_device=hidden_device)
            calibration = data.train_x if method.needs_data else None
            sparsify(model, method, backend=config.backend, calibration=calibration, seed=config.seed)
        except (RuntimeError, MemoryError) as error:
            if isinstance(error, RuntimeError) and "memory" not in str(error):
                raise
            raise InvalidValueError(
                f"hidden={list(config.hidden or ())} with {data.n_features} features and {data.n_classes} classes does "
                "not fit into memory: choose smaller widths"
            ) from None
    model.to(config.device)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay, fused=True
    )
    topology = TopologyScheduler(
        model,
        optimizer,
        method,
        total_steps=config.epochs * steps_per_epoch(config, data),
        interval=config.update_interval,
        seed=config.seed,
    )
    return model, optimizer, topology


def model_of_checkpoint(path: Path, hidden: Sequence[int]) -> nn.Sequential:
    """Return the model of a checkpoint, on the CPU.

    Raises
    ------
    MissingFileError, CorruptFileError
        When there is no such file, it is cut off, or it is not a checkpoint.
    CheckpointError
        When it belongs to a model with other widths.
    """
    tensors, header = read_checkpoint(path)
    weights = under_prefix(tensors, "model/")
    with reading(path, WHAT, CURE):
        check_values(weights, {})
        graphs = {}
        for name, shape in header["topology"]["shapes"].items():
            n_out, n_in = check_sizes(name, shape)
            graphs[name] = BipartiteGraph.from_cells(tensors[f"links/{name}"].numpy(), n_in, n_out)
        n_features = graphs["hidden1"].n_in if graphs else weights["hidden1.weight"].shape[1]
        with torch_draws_from(0):  # the weights that new layers draw are replaced below
            model = mlp(n_features, hidden, weights["head.weight"].shape[0], hidden_device="meta" if graphs else None)
            is_csr = "hidden1.values" in weights
            dense = {f"{name}.weight": torch.empty(graph.shape, device="meta") for name, graph in graphs.items()}
            links = tuple(f"{name}.{array}" for name in graphs for array in ("values", "crow", "col", KEY))
            check_shapes(path, dense | {name: each for name, each in weights.items() if name not in links}, model)
            replace_linear(model, graphs, backend=CSR if is_csr else MASKED)
        model.load_state_dict(weights)
        return model
