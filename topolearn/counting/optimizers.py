"""How many values each optimizer keeps per element of a parameter."""

from topolearn.registry import Registry

OPTIMIZERS: Registry[int] = Registry(
    "optimizer",
    {
        "sgd": 0,
        "sgd+momentum": 1,
        "rmsprop": 1,
        "adagrad": 1,
        "adam": 2,
        "adamw": 2,
        "nadam": 2,
        "radam": 2,
        "adadelta": 2,
    },
)
