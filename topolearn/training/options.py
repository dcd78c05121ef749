"""`TrainOptions`: the fields of `TrainConfig`, and those that all tasks share; light, so that help answers at once."""

from dataclasses import dataclass, field
from typing import Any

from topolearn.defaults import AUTO, MEASURES


@dataclass(frozen=True, kw_only=True)
class SharedOptions:
    """What can be said of every training, with defaults; the sentence for each field is in its metadata."""

    data_dir: str | None = field(
        default=None, metadata={"help": "folder with the data set's files, or with a folder NAME that has them [data]"}
    )
    density: float | None = field(
        default=None, metadata={"help": "share of the possible links that exist in each sparse layer [the method's]"}
    )
    overrides: dict[str, Any] = field(default_factory=dict, metadata={"help": "other values for parts of the method"})
    seed: int = field(default=0, metadata={"help": "fixes topology, weights, batches and every draw"})
    backend: str = field(
        default=AUTO,
        metadata={"help": "how sparse layers compute: masked, csr (links alone), or auto, by device and density"},
    )
    precision: str = field(default="float32", metadata={"help": "float32, or bf16 for autocast"})
    measures: tuple[str, ...] = field(
        default=MEASURES,
        metadata={"help": "measures of the topology to take while training; or none"},
    )
    tensorboard: bool = field(
        default=False,
        metadata={"help": "write metrics, measures and pictures for TensorBoard, which must be installed"},
    )
    run_dir: str | None = field(
        default=None,
        metadata={"help": "directory of the run [runs/DATASET-METHOD-DENSITY-sSEED, numbered where there is one]"},
    )


@dataclass(frozen=True, kw_only=True)
class TrainOptions(SharedOptions):
    """What can be said of a training by MLPs besides."""

    dataset: str = field(
        default="digits",
        metadata={
            "help": "digits, mnist, fashion_mnist, emnist_balanced, or the path of an .npz file with train_x, train_y, "
            "test_x, test_y; with +validation behind it, held-out training examples instead of the test examples"
        },
    )
    method: str = field(
        default="chts", metadata={"help": "how the topology begins and evolves; see 'topolearn methods'"}
    )
    hidden: tuple[int, ...] | None = field(
        default=None, metadata={"help": "width of each hidden layer [3 layers of 2 x features]"}
    )
    epochs: int = field(default=20, metadata={"help": "passes over the training examples"})
    batch_size: int = field(default=32, metadata={"help": "examples in a batch"})
    lr: float = field(default=0.025, metadata={"help": "learning rate at the start"})
    lr_end: float = field(default=0.01, metadata={"help": "learning rate at the end, as a share of the first"})
    lr_decay: float = field(
        default=0.9, metadata={"help": "share of the training over which the learning rate falls linearly"}
    )
    momentum: float = field(default=0.9, metadata={"help": "momentum of SGD"})
    weight_decay: float = field(default=5e-4, metadata={"help": "weight decay of SGD"})
    update_interval: int | None = field(
        default=None, metadata={"help": "optimizer steps between topology updates [the method's, or once an epoch]"}
    )
    device: str = field(
        default=AUTO,
        metadata={"help": "auto (CUDA, else the CPU), or a device that torch has, such as cpu, cuda:1 or xpu"},
    )
    threads: int | None = field(
        default=None,
        metadata={
            "help": "CPU threads; part of the record, as results may depend on it [1 if steps are short, else torch's]"
        },
    )
    history: str = field(
        default="full",
        metadata={"help": "what is kept of the topology: full (every link event), snapshots (each epoch), or summary"},
    )
    measure_every: int | None = field(
        default=None, metadata={"help": "topology updates from one measurement to the next [about an epoch's]"}
    )
