"""The program of each of three ranks in the tests of training with several processes, and of a single process."""

from unittest import mock

import torch
import torch.distributed as dist

import topolearn as tl
from topolearn.errors import TopolearnError
from topolearn.training import Dataset, build, mlp

N_RANKS, BATCH = 3, 7
CASES = (
    ("chts", "csr"), ("rigl", "csr"), ("rigl", "masked"), ("granet", "auto"), ("topkast", "masked"), ("dense", "auto"),
)  # fmt: skip


def data():
    """Examples of which the last batch has two: one for each of two ranks, and none for the third."""
    generator = torch.Generator().manual_seed(1)  # no two inputs are alike, whose gradients would tie
    n, n_test = 12 * BATCH + 2, 41
    x, y = torch.randn(n + n_test, 20, generator=generator), torch.randint(0, 4, (n + n_test,), generator=generator)
    return Dataset("few", x[:n], y[:n], x[n:], y[n:])


def config(path, method, backend, **values):
    row = tl.evolution.METHODS[method]
    interval = {"overrides": {"interval": 5}} if row.interval is not None else {}
    sparse = {} if row.is_dense else {"density": 0.2, "backend": backend, **interval}
    given = {"hidden": (24, 24), "epochs": 2, "batch_size": BATCH, "update_interval": 5, "threads": 1} | sparse | values
    return tl.TrainConfig(method=method, run_dir=str(path), measures=("none",), **given)


def double_mlp(*sizes, **options):
    """The MLP in float64, in which the order of sums makes next to no difference."""
    model = mlp(*sizes, **options).double()
    model.register_forward_pre_hook(lambda _, inputs: (inputs[0].double(),))
    return model


def trained(path, method, backend, **values):
    with mock.patch.object(build, "mlp", double_mlp):
        return tl.train(config(path, method, backend, **values), data=data(), quiet=True)


def rejected(path, method, backend, **values):
    try:
        tl.train(config(path, method, backend, **values), data=data(), quiet=True)
    except TopolearnError as error:
        return f"{type(error).__name__}: {error}"
    return None


def rank(index, store, folder):
    """Train all cases as one of three ranks, into shared directories."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=index, world_size=N_RANKS)
    for method, backend in CASES:
        trained(f"{folder}/{method}-{backend}", method, backend)
    told = {
        "shrinking": rejected(f"{folder}/shrinking", "granet", "csr"),
        "existing": rejected(f"{folder}/dense-auto", "dense", "auto"),
        "other seeds": rejected(f"{folder}/seeds", "set", "csr", seed=index),
    }
    torch.save(told, f"{folder}/{index}.pt")
    dist.destroy_process_group()
