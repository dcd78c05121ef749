"""What is written for CUDA alone: events, waits of the host, captured graphs, memory; elsewhere what comes nearest."""

import gc
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

CUDA = "cuda"
WAITED = "called a synchronizing CUDA operation"  # what torch says of each
LISTED = (CUDA, "cpu")  # devices that torch knows itself


class NotHereError(Exception):
    """The device does not have what a measurement needs; the message says what."""


def wait(device: torch.device) -> None:
    """Let the host wait until the device has done all."""
    torch.get_device_module(device).synchronize()


def milliseconds(run: Callable[[], object], device: torch.device) -> float:
    """Return how long a run takes until the device has done it."""
    wait(device)
    if device.type != CUDA:
        start = time.perf_counter()
        run()
        wait(device)
        return 1e3 * (time.perf_counter() - start)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    run()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end)


@contextmanager
def counted_waits(device: torch.device) -> Iterator[list[str]]:
    """Yield a list that has, after the block, a line for each time that the host waited for the device.

    Raises
    ------
    NotHereError
        On other devices than CUDA, where torch counts none.
    """
    if device.type != CUDA:
        raise NotHereError(f"torch counts no waits of the host on {device.type}")
    waits: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield waits
        finally:
            torch.cuda.set_sync_debug_mode("default")
    waits += [f"{each.filename}:{each.lineno}" for each in caught if WAITED in str(each.message)]


def captured(step: Callable[[], object], device: torch.device) -> Callable[[], None]:
    """Return what replays a step that is captured as a CUDA graph; its inputs and all that it changes stay in place.

    Raises
    ------
    NotHereError
        On other devices than CUDA.
    """
    if device.type != CUDA:
        raise NotHereError(f"there are no CUDA graphs on {device.type}")
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(3):  # which make all that is made once, as the optimizer's state
            step()
    torch.cuda.current_stream(device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def autocast(device: torch.device, *, keeps_casts: bool = True) -> AbstractContextManager[object]:
    """Return what lets a forward compute in bfloat16: nothing, on devices for which torch has no list of operations."""
    if device.type not in LISTED:
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=keeps_casts)


def compiled(model: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    """Return a compiled model.

    Raises
    ------
    NotHereError
        On devices for which torch has no compiler.
    """
    if device.type not in LISTED:
        raise NotHereError(f"torch.compile does not know {device.type}")
    compiled_model: torch.nn.Module = torch.compile(model)  # type: ignore[assignment]
    return compiled_model


@contextmanager
def counted_memory(device: torch.device) -> Iterator[dict[str, float | None]]:
    """Yield a dictionary that has, after the block, the most memory that tensors took within it; None elsewhere."""
    peak: dict[str, float | None] = {"peak MiB": None}
    gc.collect()
    if device.type == CUDA:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    yield peak
    if device.type == CUDA:
        peak["peak MiB"] = torch.cuda.max_memory_allocated(device) / 2**20


def name_of(device: torch.device) -> str:
    """Return what the device is called by its maker, where torch knows."""
    return torch.cuda.get_device_name(device) if device.type == CUDA else device.type


def optimizer_for(device: torch.device, model: torch.nn.Module, *, in_graph: bool = False) -> torch.optim.Optimizer:
    """Return AdamW as one kernel where the device has it; one that can be captured, for a graph."""
    fused = device.type in LISTED
    return torch.optim.AdamW(model.parameters(), lr=1e-4, fused=fused, capturable=in_graph and device.type == CUDA)
