"""A pretend accelerator: the device "pretend", whose tensors hold CPU tensors.

Autograd, dispatch and the rules for mixed devices are torch's own; the CPU computes the results of operations. Code for
an accelerator can therefore run anywhere, and a cost that a CPU never shows is counted: each time the host waits. What
also holds for CUDA, and what only holds here:

holds for CUDA, according to torch 2.13's sources, documentation and issues
    Tensors on two devices in one operation raise an error, except for CPU scalars and CPU indices. The host waits for
    copies between devices, for reading a number, and for every operation whose result size depends on values: `WAITS`,
    indexing with a mask, and filling with a mask and a number on the device. It does not wait for ``nonzero_static``
    or for repeats with a given total. Python numbers are as precise as the tensor they are combined with.

holds for CUDA under a condition
    A non-blocking copy lets the host continue if the host memory is pinned; the driver stages any other memory. Placing
    one value with a mask does not wait if that value is a number or on the CPU; for a value on the device, which looks
    the same here, CUDA first reads the mask.

holds for devices that a package adds, but not for CUDA
    ``.to(device)`` creates new parameters, since a CPU tensor cannot become one of this device in place, so the
    optimizer must be created afterwards; with CUDA, HIP, MPS, XPU, HPU and MTIA the parameter stays, and its data move,
    with its hooks. There are no sparse products, which the csr backend needs, and no fused attention, so attention and
    sequence layers compute in other steps than on the CPU and agree only up to rounding.

holds only here
    Everything else is bit for bit as on the CPU. CUDA adds in another order, its logarithms can differ in the last
    digit, its ``topk`` and unstable sorts break ties differently, and ``index_add_`` sums may differ from run to run.
    Nothing is slow, and no copy is in flight while the host continues. Draws come from the CPU's generator, which
    checkpoints save; CUDA has its own generator. Storages hold nothing: ``copy.deepcopy`` needs `PretendDevice.copies`,
    pickling needs `PretendDevice.pickled`, and ``torch.save`` needs a copy on the CPU. There are no pinned memory,
    streams, graphs or second device, and autocast covers only linear layers. The device belongs to its process: a
    worker must register it again.
"""

from __future__ import annotations

import io
import pickle
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _DummyDeviceGuard,
    _setup_privateuseone_for_python_backend,
)

import topolearn

NAME = "pretend"
PACKAGE = Path(topolearn.__file__).parent
# Operations that make the host wait on CUDA: they return a number, or a result whose size depends on values.
WAITS = frozenset({
    "_local_scalar_dense", "nonzero", "masked_select", "_unique", "_unique2", "unique_dim", "unique_consecutive",
    "unique_dim_consecutive", "equal", "is_nonzero", "bincount", "_to_sparse", "multinomial",
})  # fmt: skip
FILLS = frozenset({"masked_fill", "masked_fill_"})
PUT = frozenset({"index_put", "index_put_", "_index_put_impl_"})
BY_INDEX = PUT | {"index"}  # operations that accept CPU indices
VIEWS = frozenset({"as_strided", "view", "_reshape_alias"})
META = torch._C.DispatchKeySet(torch._C.DispatchKey.Meta)


class _Module(_DummyBackendModule):
    """The module ``torch.pretend``."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.float16, torch.bfloat16]

    def get_rng_state(self, device: Any = None) -> Tensor:
        return torch.get_rng_state()

    def set_rng_state(self, state: Tensor, device: Any = None) -> None:
        """Do nothing: draws come from the CPU's generator."""

    def synchronize(self, device: Any = None) -> None:
        """Do nothing: no operation is in flight."""


class PretendDevice:
    """The device, and its count of waits.

    Attributes
    ----------
    trips : Counter
        How often the host waited within `counted`, by reason and place in topolearn.
    """

    def __init__(self) -> None:
        self.trips: Counter[tuple[str, str]] = Counter()
        self._held: dict[int, Tensor] = {}
        self._is_counting = False
        self._left: int | None = None
        self._has_float64 = True

    def __str__(self) -> str:
        return NAME

    @property
    def device(self) -> torch.device:
        """The device, for ``tensor.to``."""
        return torch.device(NAME, 0)

    @contextmanager
    def counted(self) -> Iterator[Counter[tuple[str, str]]]:
        """Count the waits of the host within the block, starting from zero."""
        self.trips = Counter()
        self._is_counting = True
        try:
            yield self.trips
        finally:
            self._is_counting = False

    @contextmanager
    def out_of_memory(self, after: int) -> Iterator[None]:
        """Make operations within the block fail that create a tensor, after ``after`` of them."""
        self._left = after
        try:
            yield
        finally:
            self._left = None

    @contextmanager
    def without_float64(self) -> Iterator[None]:
        """Reject float64 within the block, as Apple's MPS does."""
        self._has_float64 = False
        try:
            yield
        finally:
            self._has_float64 = True

    def copies(self) -> TorchFunctionMode:
        """Return a context in which ``copy.deepcopy`` copies tensors of the device, whose storages hold nothing."""
        return _Copies()

    def pickled(self, value: Any) -> Any:
        """Pickle and unpickle a value."""
        file = io.BytesIO()
        _Pickler(file).dump(value)
        return pickle.loads(file.getvalue())

    def run(self, op: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a torch operation on the CPU tensors that tensors of the device hold."""
        name, overload = op._schema.name.partition("::")[2], op._overloadname
        if name == "_copy_from":
            return self._copy(*args)
        if name in VIEWS and overload in ("", "default"):
            return op.redispatch(META, *args, **kwargs)
        tensors = [each for each in _leaves((args, kwargs)) if isinstance(each, Tensor)]
        own = [each for each in tensors if _is_own(each)]
        self._note_waits(op, name, overload, args, kwargs, tensors)
        self._allocate(op)
        held = [self._of(each) for each in own]
        by_id = {id(each): raw for each, raw in zip(own, held, strict=True)}

        def lowered(value: Any) -> Any:
            if isinstance(value, torch.device) and value.type == NAME:
                return torch.device("cpu")
            return by_id.get(id(value), value)

        arguments = zip(_mapped(lowered, args), op._schema.arguments, strict=False)
        is_double = any(each.dtype == torch.float64 for each in tensors)
        plain = [_as_tensor(value, str(declared.type), is_double) for value, declared in arguments]
        result = op(*plain, **_mapped(lowered, kwargs))
        known = {}
        if op._schema.is_mutable:
            known = {id(raw): each for each, raw in zip(own, held, strict=True)}
            for each, raw in zip(own, held, strict=True):
                if raw.shape != each.shape:  # an output that was resized
                    each.data = self._make(raw)
        return _mapped(lambda each: known.get(id(each), self._make(each)) if isinstance(each, Tensor) else each, result)

    def _copy(self, source: Tensor, target: Tensor, is_async: bool = False) -> Tensor:
        if _is_own(source) != _is_own(target) and not is_async:
            self._note("copy to the host" if _is_own(source) else "copy to the device")
        return_to = self._of(target) if _is_own(target) else target
        return_to.copy_(self._of(source) if _is_own(source) else source)
        return target

    def _note_waits(self, op: Any, name: str, overload: str, args: Any, kwargs: Any, tensors: list[Tensor]) -> None:
        foreign = [each for each in tensors if not _is_own(each) and each.dim() > 0]
        if foreign and len(foreign) < len(tensors):
            if name not in BY_INDEX:
                given = [(tuple(each.shape), str(each.device)) for each in tensors]
                raise RuntimeError(f"Expected all tensors to be on the same device, in {name}: {given} at {_place()}")
            if name != "index":  # for this one, torch has already moved the indices, which was counted
                self._note("copy to the device")
        if name in PUT and args[2].numel() > 1 and any(each.dtype == torch.bool for each in _indices(args)):
            self._note("index by a mask")  # for one value, CUDA uses masked_fill; reading with a mask calls nonzero
        if name in FILLS and overload == "Tensor" and _is_own(args[2]):
            self._note("fill with a number of the device")  # CUDA reads this number
        if name in WAITS and tensors:
            self._note(name)
        if name == "repeat_interleave" and overload != "self_int" and kwargs.get("output_size") is None:
            self._note(name)

    def _note(self, what: str) -> None:
        if self._is_counting:
            self.trips[what, _place()] += 1

    def _allocate(self, op: Any) -> None:
        if self._left is None or op._schema.is_mutable:
            return
        if self._left == 0:
            raise torch.OutOfMemoryError("pretend out of memory")
        self._left -= 1

    def _make(self, raw: Tensor) -> Tensor:
        """Return a tensor of the device that holds a CPU tensor."""
        if raw.dtype == torch.float64 and not self._has_float64:
            raise TypeError("Cannot convert a pretend Tensor to float64 dtype as the device doesn't support float64")
        made = torch._C._acc.create_empty_tensor(tuple(raw.shape), raw.dtype)
        key = made.untyped_storage()._cdata
        self._held[key] = raw.contiguous()
        return made

    def _of(self, tensor: Tensor) -> Tensor:
        """Return the CPU tensor that a tensor of the device holds."""
        held = self._held[tensor.untyped_storage()._cdata]
        held = held if held.dtype == tensor.dtype else held.view(tensor.dtype)
        return torch.as_strided(held, tensor.shape, tensor.stride(), tensor.storage_offset())


class _Copies(TorchFunctionMode):
    """Copies the CPU tensors that tensors of the device hold."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not Tensor.__deepcopy__ or not _is_own(args[0]):
            return func(*args, **(kwargs or {}))
        tensor, memo = args
        if id(tensor) not in memo:
            memo[id(tensor)] = tensor.detach().clone().requires_grad_(tensor.requires_grad)
        return memo[id(tensor)]


class _Pickler(pickle.Pickler):
    """Pickles tensors of the device via the CPU."""

    def reducer_override(self, value: Any) -> Any:
        return (_on_device, (value.cpu(),)) if type(value) is Tensor and _is_own(value) else NotImplemented


def _on_device(tensor: Tensor) -> Tensor:
    return tensor.to(NAME)


def _is_own(value: object) -> bool:
    return isinstance(value, Tensor) and value.device.type == NAME


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the leaves of nested lists, tuples and mappings; four times as fast as torch's own trees."""
    if isinstance(value, list | tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    else:
        yield value


def _mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """Return the same nested lists, tuples and mappings with a function applied to each leaf."""
    if isinstance(value, dict):
        return {key: _mapped(function, each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        each_mapped = [_mapped(function, each) for each in value]
        return each_mapped if isinstance(value, list) else tuple(each_mapped)
    return function(value)


def _as_tensor(value: Any, declared: str, is_double: bool) -> Any:
    """Return a number as a tensor where torch wrapped it in one, as precise as the tensors it is combined with."""
    is_wrapped = isinstance(value, int | float | bool) and declared in ("Tensor", "Optional[Tensor]")
    if not is_wrapped:
        return value
    return torch.tensor(value, dtype=torch.float64 if is_double and isinstance(value, float) else None)


def _indices(args: Any) -> list[Tensor]:
    return [each for each in args[1] if isinstance(each, Tensor)]


def _place() -> str:
    """Return the line of topolearn that called the current operation."""
    for frame in reversed(traceback.extract_stack()):
        path = Path(frame.filename)
        if PACKAGE in path.parents:
            return f"{path.relative_to(PACKAGE)}:{frame.lineno}"
    return "elsewhere"


@cache
def announce() -> _DummyDeviceGuard:
    """Tell torch only that the device will exist.

    Autograd counts devices at the first backward pass of a process, and fails on devices registered later.
    """
    guard = _DummyDeviceGuard()
    torch._C._acc.register_python_privateuseone_device_guard(guard)
    return guard


@cache
def pretend_device() -> PretendDevice:
    """Return the device; the first call registers it with torch for the rest of the process."""
    device = PretendDevice()
    _setup_privateuseone_for_python_backend(NAME, backend_module=_Module(), device_guard=announce())
    library = torch.library.Library("_", "IMPL")
    library.fallback(device.run, "PrivateUse1")
    library.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
    torch.library.impl("aten::linear", "AutocastPrivateUse1")(_linear_under_autocast)
    device._library = library  # type: ignore[attr-defined]  # a library that is collected registers nothing
    for name in ("arange", "arange.start", "arange.start_step"):
        _register(name, device.run)
    return device


def _linear_under_autocast(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute a linear layer in the dtype of autocast, as CUDA does."""
    dtype = torch.get_autocast_dtype(NAME)
    with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)):
        return torch.nn.functional.linear(x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype))


def _register(name: str, run: Callable[..., Any]) -> None:
    """Register an operation that torch cannot send to the fallback."""
    base, _, overload = name.partition(".")
    op = getattr(getattr(torch.ops.aten, base), overload or "default")
    torch.library.impl(f"aten::{name}", "privateuseone")(lambda *args, **kwargs: run(op, *args, **kwargs))
