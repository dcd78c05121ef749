"""A pretend accelerator: device "pretend", whose tensors hold tensors of the CPU.

Autograd, dispatch and the rules of mixed devices are torch's own; what an operation computes, the CPU computes. So code
for an accelerator runs anywhere, and what it costs there that a CPU never shows is counted: each time that the host
waits. What holds for CUDA, too, and what for the pretence alone:

holds for CUDA, by the sources of torch 2.13, its documentation and its issues
    Tensors of two devices in one operation are refused, but for CPU scalars and CPU indices. Copies between the
    devices, reading a number, and every operation whose result has a size that the values decide make the host wait:
    `WAITS`, indexing by a mask, and filling by a mask with a number that is on the device. ``nonzero_static`` and
    repeats whose total is given do not. Numbers of Python are as precise as the tensor that they meet.

holds for CUDA under a condition
    A copy that does not block lets the host go on where the memory of the host is pinned: the driver stages any other.
    A mask that places one value makes nobody wait where that value is a number or on the CPU; of one on the device,
    which looks the same here, CUDA first reads the mask.

holds for devices that a package brings, and not for CUDA
    ``.to(device)`` makes new parameters, as a CPU tensor cannot become one of this device in place, so an optimizer is
    to be made afterwards; with CUDA, HIP, MPS, XPU, HPU and MTIA the parameter stays, and its data move, with its
    hooks. There are no sparse products, which the csr backend needs, and no fused attention, so that attention and
    layers of sequences take other steps than on the CPU, and agree up to rounding.

holds here alone
    All else is bit for bit as on the CPU: CUDA adds in another order, its logarithms can differ in the last digit, and
    its ``topk`` and its sorts that are not stable break ties otherwise; sums by ``index_add_`` may differ from run to
    run. Nothing is slow, and no copy is in flight while the host goes on. Draws are those of the CPU's generator, which
    a checkpoint has; CUDA has one of its own. Storages hold nothing: ``copy.deepcopy`` needs `PretendDevice.copies`,
    pickles need `PretendDevice.pickled`, and ``torch.save`` a copy on the CPU. There is no pinned memory, no stream, no
    graph, no second device, and autocast knows linear layers alone. The device is this process's: a worker is to
    register it anew.
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
# Operations that make the host wait on CUDA: they return a number, or a result whose size the values decide.
WAITS = frozenset({
    "_local_scalar_dense", "nonzero", "masked_select", "_unique", "_unique2", "unique_dim", "unique_consecutive",
    "unique_dim_consecutive", "equal", "is_nonzero", "bincount", "_to_sparse", "multinomial",
})  # fmt: skip
FILLS = frozenset({"masked_fill", "masked_fill_"})
PUT = frozenset({"index_put", "index_put_", "_index_put_impl_"})
BY_INDEX = PUT | {"index"}  # which take indices of the CPU
VIEWS = frozenset({"as_strided", "view", "_reshape_alias"})
META = torch._C.DispatchKeySet(torch._C.DispatchKey.Meta)


class _Module(_DummyBackendModule):
    """What ``torch.pretend`` is."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.float16, torch.bfloat16]

    def get_rng_state(self, device: Any = None) -> Tensor:
        return torch.get_rng_state()

    def set_rng_state(self, state: Tensor, device: Any = None) -> None:
        """Leave the state: draws are those of the CPU."""

    def synchronize(self, device: Any = None) -> None:
        """Wait for nothing, as nothing is in flight."""


class PretendDevice:
    """The device, and what is counted of it.

    Attributes
    ----------
    trips : Counter
        How often the host waited, by what for and where in topolearn, while `counted`.
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
        """Count from zero what the host waits for within."""
        self.trips = Counter()
        self._is_counting = True
        try:
            yield self.trips
        finally:
            self._is_counting = False

    @contextmanager
    def out_of_memory(self, after: int) -> Iterator[None]:
        """Let all operations within that make a tensor fail, after so many of them."""
        self._left = after
        try:
            yield
        finally:
            self._left = None

    @contextmanager
    def without_float64(self) -> Iterator[None]:
        """Refuse float64 within, as Apple's MPS does."""
        self._has_float64 = False
        try:
            yield
        finally:
            self._has_float64 = True

    def copies(self) -> TorchFunctionMode:
        """Return a context in which ``copy.deepcopy`` copies tensors of the device, as its storages hold nothing."""
        return _Copies()

    def pickled(self, value: Any) -> Any:
        """Return what a pickle of a value is unpickled to."""
        file = io.BytesIO()
        _Pickler(file).dump(value)
        return pickle.loads(file.getvalue())

    def run(self, op: Any, *args: Any, **kwargs: Any) -> Any:
        """Run an operation of torch on what tensors of the device hold."""
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
                told = [(tuple(each.shape), str(each.device)) for each in tensors]
                raise RuntimeError(f"Expected all tensors to be on the same device, in {name}: {told} at {_place()}")
            if name != "index":  # torch has moved the indices already, and is counted
                self._note("copy to the device")
        if name in PUT and args[2].numel() > 1 and any(each.dtype == torch.bool for each in _indices(args)):
            self._note("index by a mask")  # of one value CUDA makes masked_fill; reading by a mask calls nonzero
        if name in FILLS and overload == "Tensor" and _is_own(args[2]):
            self._note("fill with a number of the device")  # which CUDA reads
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
        """Return a tensor of the device that holds one of the CPU."""
        if raw.dtype == torch.float64 and not self._has_float64:
            raise TypeError("Cannot convert a pretend Tensor to float64 dtype as the device doesn't support float64")
        made = torch._C._acc.create_empty_tensor(tuple(raw.shape), raw.dtype)
        key = made.untyped_storage()._cdata
        self._held[key] = raw.contiguous()
        return made

    def _of(self, tensor: Tensor) -> Tensor:
        """Return what a tensor of the device holds."""
        held = self._held[tensor.untyped_storage()._cdata]
        held = held if held.dtype == tensor.dtype else held.view(tensor.dtype)
        return torch.as_strided(held, tensor.shape, tensor.stride(), tensor.storage_offset())


class _Copies(TorchFunctionMode):
    """Copies what a tensor of the device holds."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not Tensor.__deepcopy__ or not _is_own(args[0]):
            return func(*args, **(kwargs or {}))
        tensor, memo = args
        if id(tensor) not in memo:
            memo[id(tensor)] = tensor.detach().clone().requires_grad_(tensor.requires_grad)
        return memo[id(tensor)]


class _Pickler(pickle.Pickler):
    """Pickles tensors of the device by way of the CPU."""

    def reducer_override(self, value: Any) -> Any:
        return (_on_device, (value.cpu(),)) if type(value) is Tensor and _is_own(value) else NotImplemented


def _on_device(tensor: Tensor) -> Tensor:
    return tensor.to(NAME)


def _is_own(value: object) -> bool:
    return isinstance(value, Tensor) and value.device.type == NAME


def _leaves(value: Any) -> Iterator[Any]:
    """Yield what is in lists, tuples and mappings; in a quarter of the time of torch's own trees."""
    if isinstance(value, list | tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    else:
        yield value


def _mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """Return the same lists, tuples and mappings with what a function makes of each leaf."""
    if isinstance(value, dict):
        return {key: _mapped(function, each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        each_mapped = [_mapped(function, each) for each in value]
        return each_mapped if isinstance(value, list) else tuple(each_mapped)
    return function(value)


def _as_tensor(value: Any, declared: str, is_double: bool) -> Any:
    """Return a number as a tensor where torch had made it one, as precise as what it meets."""
    is_wrapped = isinstance(value, int | float | bool) and declared in ("Tensor", "Optional[Tensor]")
    if not is_wrapped:
        return value
    return torch.tensor(value, dtype=torch.float64 if is_double and isinstance(value, float) else None)


def _indices(args: Any) -> list[Tensor]:
    return [each for each in args[1] if isinstance(each, Tensor)]


def _place() -> str:
    """Return where in topolearn the present operation was called."""
    for frame in reversed(traceback.extract_stack()):
        path = Path(frame.filename)
        if PACKAGE in path.parents:
            return f"{path.relative_to(PACKAGE)}:{frame.lineno}"
    return "elsewhere"


@cache
def announce() -> _DummyDeviceGuard:
    """Let torch know that there will be a device, and nothing else.

    Autograd counts devices at the first backward pass of a process, and fails on one that is registered later.
    """
    guard = _DummyDeviceGuard()
    torch._C._acc.register_python_privateuseone_device_guard(guard)
    return guard


@cache
def pretend_device() -> PretendDevice:
    """Return the device, which is registered with torch at the first call, for good."""
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
    """Compute a linear layer in the type of autocast, as CUDA does."""
    dtype = torch.get_autocast_dtype(NAME)
    with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)):
        return torch.nn.functional.linear(x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype))


def _register(name: str, run: Callable[..., Any]) -> None:
    """Register an operation that torch has no way to send to the fallback."""
    base, _, overload = name.partition(".")
    op = getattr(getattr(torch.ops.aten, base), overload or "default")
    torch.library.impl(f"aten::{name}", "privateuseone")(lambda *args, **kwargs: run(op, *args, **kwargs))
