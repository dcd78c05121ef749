"""Generators by name, and their composition, such as ``bsf+ep+resort``."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from topolearn.checks import random_generator
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.generators.bipartite_receptive_field import bipartite_receptive_field
from topolearn.generators.bipartite_scale_free import bipartite_scale_free
from topolearn.generators.bipartite_small_world import bipartite_small_world
from topolearn.generators.correlated import correlated
from topolearn.generators.equal_partition import equal_partition
from topolearn.generators.erdos_renyi import erdos_renyi
from topolearn.generators.fixed_fan_in import fixed_fan_in
from topolearn.generators.resort import resort
from topolearn.graph import BipartiteGraph, LayeredNetwork, NeuronGroup
from topolearn.registry import Registry, suggest

GENERATORS: Registry[Callable[..., BipartiteGraph]] = Registry(
    "generator",
    {
        "er": erdos_renyi,
        "bsw": bipartite_small_world,
        "bsf": bipartite_scale_free,
        "csti": correlated,
        "brf": bipartite_receptive_field,
        "fixed_fan_in": fixed_fan_in,
    },
)

STEPS = ("ep", "resort")  # may follow the name of a generator
_SHARED = ("n_in", "n_out", "density", "seed")


def names() -> list[str]:
    """Return the names that `make` knows; each may be followed by ``+ep`` and ``+resort``."""
    return list(GENERATORS)


def split_name(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the generator of a composed name, and the steps that follow it.

    Raises
    ------
    InvalidTypeError, UnknownNameError
        For a name that is not a string, or a generator or a step that does not exist.

    Examples
    --------
    >>> split_name("bsf+ep+resort")
    ('bsf', ('ep', 'resort'))
    """
    if not isinstance(name, str):
        raise InvalidTypeError(f"name={name!r} must be the name of a generator: {', '.join(GENERATORS)}")
    base, *steps = name.split("+")
    GENERATORS[base]
    for step in steps:
        if step not in STEPS:
            raise UnknownNameError(f"unknown step {step!r} in {name!r}: {suggest(step, list(STEPS))}")
    return base, tuple(steps)


def model_parameters(name: str) -> list[str]:
    """Return the parameters of a generator's model, without data, such as ``["beta"]`` for ``"bsw"``."""
    return [word for word in _signature(name) if word not in (*_SHARED, "data")]


def needs_data(name: str) -> bool:
    """Return whether a generator starts from data."""
    return "data" in _signature(name)


def check_params(name: str, params: Mapping[str, Any]) -> None:
    """Raise an error for parameters that the named generator does not have."""
    known = model_parameters(name)
    for word in params:
        if word not in known:
            raise InvalidValueError(
                f"generator {name!r} has no parameter {word!r}: {suggest(word, known) if known else 'it has none'}"
            )


def make(
    name: str,
    n_in: int,
    n_out: int,
    density: float,
    *,
    seed: int | np.random.Generator | None = None,
    data: Any = None,
    **params: Any,
) -> BipartiteGraph:
    """Generate a graph by the name of its model.

    Parameters
    ----------
    name : str
        One of `names`. The suffix ``+ep`` gives all input neurons the same fan-out. The suffix ``+resort`` permutes
        hidden neurons; it has no effect here, because a single layer has none.
    n_in, n_out, density, seed
        As for every generator.
    data : array of shape (n_samples, n_features), optional
        For generators that start from data; others raise an error.
    **params
        Parameters of the model, such as ``beta`` for ``"bsw"``.

    Raises
    ------
    InvalidTypeError, UnknownNameError
        When the name is not a string, or the generator or a suffix is unknown.
    InvalidValueError
        When the generator has no such parameter, or data is missing or not used.

    Examples
    --------
    >>> make("bsw", 784, 1568, 0.01, beta=0.1, seed=0).n_links
    12293
    """
    base, steps = split_name(name)
    check_params(name, params)
    if (data is not None) != needs_data(name):
        raise InvalidValueError(f"generator {name!r} {'needs data' if data is None else 'uses no data: leave it out'}")
    rng = random_generator(seed)
    given = params if data is None else {**params, "data": data}
    graph = GENERATORS[base](n_in, n_out, density, seed=rng, **given)
    return equal_partition(graph, seed=rng) if "ep" in steps else graph


def make_network(
    name: str,
    links: Mapping[str, tuple[int, int, int]],
    groups: Sequence[NeuronGroup],
    *,
    seeds: Mapping[str, int],
    input_generator: str | None = None,
    data: Any = None,
    **params: Any,
) -> LayeredNetwork:
    """Generate the graphs of a stack of layers.

    The suffix ``+ep`` applies equal partition to the first layer, whose inputs are the features; ``+resort`` applies to
    the hidden neurons of the whole stack.

    Parameters
    ----------
    name : str
        As for `make`.
    links : Mapping of str to (int, int, int)
        n_in, n_out and the number of links of each layer, in order.
    groups : sequence of NeuronGroup
        How the neurons of the layers meet.
    seeds : Mapping of str to int
        A seed for each layer.
    input_generator : str, optional
        Another model for the first layer, with its default parameters.
    data : array of shape (n_samples, n_features), optional
        For the layers that start from data; it is an error if none does.
    **params
        As for `make`.

    Raises
    ------
    InvalidValueError
        As for `make`, and when the name has ``+resort`` but no layers meet.

    Examples
    --------
    >>> stack = {"a": (20, 30, 120), "b": (30, 30, 180)}
    >>> network = make_network("bsf+ep+resort", stack, [NeuronGroup(("a",), ("b",))], seeds={"a": 0, "b": 1})
    >>> network["a"].fan_out.tolist() == [6] * 20
    True
    """
    base, steps = split_name(name)
    if "resort" in steps and not groups:
        raise InvalidValueError(
            f"generator {name!r} sorts hidden neurons, but none of the layers {', '.join(links)} are known to meet: "
            "put them into one nn.Sequential"
        )
    first = input_generator or (f"{base}+ep" if "ep" in steps else base)
    if data is not None and not (needs_data(first) or needs_data(base)):
        raise InvalidValueError(f"generator {name!r} uses no data: leave it out")
    graphs = {}
    for i, (layer, (n_in, n_out, n_links)) in enumerate(links.items()):
        model = base if i else first
        given = {} if input_generator and not i else params
        graphs[layer] = make(
            model,
            n_in,
            n_out,
            n_links / (n_in * n_out),
            seed=seeds[layer],
            data=data if needs_data(model) else None,
            **given,
        )
    network = LayeredNetwork(graphs, groups)
    return resort(network) if "resort" in steps else network


def _signature(name: str) -> list[str]:
    return list(inspect.signature(GENERATORS[split_name(name)[0]]).parameters)
