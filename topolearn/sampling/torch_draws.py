"""`torch_draws_from`: redirect draws from torch's global generator to another generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

IN_PLACE = {
    "uniform_", "normal_", "random_", "exponential_", "bernoulli_", "geometric_", "cauchy_", "log_normal_",
    "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_", "trunc_normal_", "orthogonal_",
    "sparse_",
}  # fmt: skip
OF_TENSORS = {"multinomial", "bernoulli", "poisson", "normal"}
NEW = {"rand", "randn", "randint", "randperm"}
LIKE = {"rand_like": "uniform_", "randn_like": "normal_", "randint_like": "random_"}
UNMADE = "meta"  # a device on which nothing is drawn


class torch_draws_from(TorchFunctionMode):  # lower case because it is used like a function, as torch.no_grad is
    """Context manager in which torch draws from a given generator, unless a call names another one.

    The numbers are those that torch's global generator would give with the same seed. All threads share the global
    generator: a thread that seeds or restores it changes what the others draw. This block affects only its own thread
    and leaves the global generator unchanged, so two threads can initialize layers of torch or transformers at the same
    time, and each gets the weights that it would get alone.

    Only draws that Python code requests from torch are redirected. Draws inside torch's own functions still use the
    global generator: `torch.nn.functional.dropout` and its variants, attention with dropout, and ``gumbel_softmax``.

    Parameters
    ----------
    generator : torch.Generator or int
        A generator on the CPU, or a seed. Draws on another device come from a generator of that device with the same
        seed, or from the device's global generator if it does not support others.

    Examples
    --------
    >>> from torch import nn
    >>> _ = torch.manual_seed(5)
    >>> expected = nn.Linear(3, 2).weight
    >>> before = torch.get_rng_state()
    >>> with torch_draws_from(5):
    ...     layer = nn.Linear(3, 2)
    >>> torch.equal(layer.weight, expected), torch.equal(torch.get_rng_state(), before)
    (True, True)
    """

    def __init__(self, generator: torch.Generator | int) -> None:
        super().__init__()
        seeded = generator if isinstance(generator, torch.Generator) else torch.Generator().manual_seed(generator)
        self._generators: dict[str, torch.Generator | None] = {"cpu": seeded}
        self._seed = seeded.initial_seed()

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Call a torch function, passing the generator if the function draws random numbers."""
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        if kwargs.get("generator") is None and (place := _place(name, args, kwargs)) is not None:
            generator = self._of(place)
            if name in LIKE and generator is not None:
                return _like(name, generator, *args, **kwargs)
            if generator is not None:
                return func(*args, **{**kwargs, "generator": generator})
        return func(*args, **kwargs)

    def _of(self, place: torch.device) -> torch.Generator | None:
        """Return the generator for a device, or None if the device does not support one."""
        key = str(place)
        if key not in self._generators:
            try:
                self._generators[key] = torch.Generator(place).manual_seed(self._seed)
            except (NotImplementedError, RuntimeError):
                self._generators[key] = None
        return self._generators[key]


def _place(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.device | None:
    """Return the device on which a function draws, or None if it does not take a generator."""
    if name in NEW:
        place = torch.device(kwargs.get("device") or torch.get_default_device())
    elif name in IN_PLACE or name in OF_TENSORS or name in LIKE:
        tensors = [each for each in (*args, *kwargs.values()) if isinstance(each, Tensor)]
        place = tensors[0].device if tensors else torch.get_default_device()
        if name in LIKE and kwargs.get("device") is not None:
            place = torch.device(kwargs["device"])
    else:
        return None
    return None if place.type == UNMADE else place


def _like(name: str, generator: torch.Generator, x: Tensor, *bounds: int, **options: Any) -> Tensor:
    """Emulate ``rand_like`` and the like, which accept no generator in some versions of torch."""
    bounds += tuple(options.pop(key) for key in ("low", "high") if key in options)
    needs_gradient = options.pop("requires_grad", False)
    options.pop("generator", None)
    if name == "randint_like" and len(bounds) == 1:
        bounds = (0, *bounds)
    drawn: Tensor = getattr(torch.empty_like(x, **options), LIKE[name])(*bounds, generator=generator)
    return drawn.requires_grad_(needs_gradient)
