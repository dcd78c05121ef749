"""``topolearn train`` on the device and on the CPU: seconds per epoch and accuracy, on MNIST or similar data."""

import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

import topolearn as tl
from analysis.benchmarks.cuda.sizes import REAL, Sizes
from analysis.benchmarks.cuda.stage import Case, Stage

NEEDS = ("pandas", "matplotlib", "PIL", "tqdm", "filelock", "safetensors", "jinja2", "joblib", "cloudpickle", "tomli_w")
MNIST = Path("data/mnist")
SIDE, N_CLASSES = 28, 10


def cases(sizes: Sizes, device: torch.device) -> list[Case]:
    """Return the training on the device, then that on the CPU."""
    return [{"device": kind} for kind in dict.fromkeys((device.type, "cpu"))]


def images(n: int, *, seed: int = 0) -> dict[str, np.ndarray]:
    """Return n training images and n/6 test images: ten coarse patterns, shifted and with noise.

    Examples
    --------
    >>> arrays = images(60)
    >>> arrays["train_x"].shape, arrays["test_x"].dtype
    ((60, 784), dtype('uint8'))
    """
    rng = np.random.default_rng(seed)
    coarse = rng.random((N_CLASSES, SIDE // 4, SIDE // 4))
    patterns = np.kron(coarse > 0.6, np.ones((4, 4)))
    total = n + max(n // 6, N_CLASSES)
    labels = np.arange(total) % N_CLASSES
    shifts = rng.integers(-2, 3, size=(total, 2))
    shifted = np.stack([np.roll(patterns[label], tuple(by), (0, 1)) for label, by in zip(labels, shifts, strict=True)])
    noisy = 160 * shifted + rng.normal(0, 60, size=shifted.shape)
    pixels = noisy.clip(0, 255).astype(np.uint8).reshape(total, -1)
    arrays = {"train_x": pixels[:n], "train_y": labels[:n], "test_x": pixels[n:], "test_y": labels[n:]}
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def measure(case: Case, sizes: Sizes, device: torch.device) -> dict[str, Any]:
    """Return the seconds of the last epoch, in which nothing is compiled, and the accuracy."""
    from topolearn.cli import main

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
        run_dir, data = Path(folder, "run"), _data(Path(folder), sizes)
        options = {
            "device": case["device"], "method": "chts", "density": 0.05, "epochs": sizes.n_epochs,
            "batch-size": 128, "run-dir": run_dir, "seed": 0, **data,
        }  # fmt: skip
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        status = main(["train", *words, "--quiet", "--hidden", *map(str, sizes.hidden)])
        if status:
            raise RuntimeError(f"topolearn train ended with {status}")
        run = tl.Run(run_dir)
        metrics = run.metrics
        return {
            "data": "MNIST" if "data-dir" in data else "patterns like MNIST",
            "seconds an epoch": float(metrics["seconds"].iloc[-1]),
            "test accuracy": float(metrics["test_accuracy"].iloc[-1]),
            "backend": run.config.backend,
        }


def _data(folder: Path, sizes: Sizes) -> dict[str, object]:
    """Return the data options: MNIST at full size if the machine has it, else an archive that is written here."""
    if sizes == REAL and MNIST.is_dir() and any(MNIST.iterdir()):
        return {"dataset": "mnist", "data-dir": MNIST}
    path = folder / "patterns.npz"
    np.savez(path, allow_pickle=False, **images(sizes.n_examples))
    return {"dataset": path}


def seconds(case: Case, sizes: Sizes) -> float:
    """Estimate the seconds of a case: imports, the report's figures, and steps of 3 ms, or 12 ms on the CPU."""
    n_steps = sizes.n_epochs * sizes.n_examples / 128
    return 12 + n_steps * (0.012 if case["device"] == "cpu" else 0.003)


COMMAND_LINE = Stage("training", 50, cases, measure, seconds, NEEDS)
