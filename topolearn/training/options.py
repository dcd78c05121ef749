"""`TrainOptions`: the fields of `TrainConfig`, and those shared by all tasks; quick to import, for ``--help``."""

from dataclasses import dataclass, field
from typing import Any

from topolearn.defaults import AUTO, MEASURES


@dataclass(frozen=True, kw_only=True)
class SharedOptions:
    """The options of every training, with defaults; the metadata of each field has its description."""

    data_dir: str | None = field(
        default=None, metadata={"help": "folder of the data set's files, or of a folder NAME with the files [data]"}
    )
    density: float | None = field(
        default=None, metadata={"help": "share of the possible links that exist in each sparse layer [the method's]"}
    )
    overrides: dict[str, Any] = field(default_factory=dict, metadata={"help": "changed components of the method"})
    seed: int = field(default=0, metadata={"help": "random seed of topology, weights, batches and all other draws"})
    backend: str = field(
        default=AUTO,
        metadata={"help": "how sparse layers compute: masked, csr (links only), or auto (by device and density)"},
    )
    precision: str = field(default="float32", metadata={"help": "float32, or bf16 for autocast"})
    measures: tuple[str, ...] = field(
        default=MEASURES,
        metadata={"help": "topology measures to take during training, or none"},
    )
    tensorboard: bool = field(
        default=False,
        metadata={"help": "write metrics, measures and pictures for TensorBoard, which must be installed"},
    )
    run_dir: str | None = field(
        default=None,
        metadata={"help": "directory of the run [runs/DATASET-METHOD-DENSITY-sSEED, with a number if that exists]"},
    )


@dataclass(frozen=True, kw_only=True)
class TrainOptions(SharedOptions):
    """The options of a training of MLPs, in addition to the shared ones."""

    dataset: str = field(
        default="digits",
        metadata={
            "help": "digits, mnist, fashion_mnist, emnist_balanced, cifar10, cifar10_jpeg, or the path of an .npz file "
            "with train_x, train_y, test_x, test_y; append +validation to use held-out training examples instead of "
            "the test examples"
        },
    )
    method: str = field(
        default="chts", metadata={"help": "how the topology starts and evolves; see 'topolearn methods'"}
    )
    hidden: tuple[int, ...] | None = field(
        default=None, metadata={"help": "width of each hidden layer [3 layers of 2 x features]"}
    )
    epochs: int = field(default=20, metadata={"help": "passes over the training examples"})
    batch_size: int = field(default=32, metadata={"help": "examples per batch"})
    lr: float = field(default=0.025, metadata={"help": "initial learning rate"})
    lr_end: float = field(default=0.01, metadata={"help": "final learning rate, as a fraction of the initial one"})
    lr_decay: float = field(
        default=0.9, metadata={"help": "fraction of the training over which the learning rate falls linearly"}
    )
    momentum: float = field(default=0.9, metadata={"help": "momentum of SGD"})
    weight_decay: float = field(default=5e-4, metadata={"help": "weight decay of SGD"})
    update_interval: int | None = field(
        default=None, metadata={"help": "optimizer steps between topology updates [the method's, or one epoch]"}
    )
    device: str = field(
        default=AUTO,
        metadata={"help": "auto (CUDA if available, else the CPU), or a torch device such as cpu, cuda:1 or xpu"},
    )
    threads: int | None = field(
        default=None,
        metadata={
            "help": "CPU threads; recorded, as results may depend on it [1 if steps are short, else torch's default]"
        },
    )
    history: str = field(
        default="full",
        metadata={
            "help": "how much of the topology to keep: full (all link events), snapshots (each epoch), or summary"
        },
    )
    measure_every: int | None = field(
        default=None, metadata={"help": "topology updates between measurements [about one epoch]"}
    )
