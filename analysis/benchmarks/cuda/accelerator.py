"""CUDA-specific functions: events, host waits, captured graphs, memory; with substitutes for other devices."""

import gc
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

CUDA = "cuda"
WAITED = "called a synchronizing CUDA operation"  # torch's warning for each wait
LISTED = (CUDA, "cpu")  # devices that torch supports natively


class NotHereError(Exception):
    """The device lacks something that a measurement needs; the message says what."""


def wait(device: torch.device) -> None:
    """Let the host wait until the device has finished."""
    torch.get_device_module(device).synchronize()


def milliseconds(run: Callable[[], object], device: torch.device) -> float:
    """Return the milliseconds until the device has finished a run."""
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
    """Yield a list that contains, after the block, an entry for each time that the host waited for the device.

    Raises
    ------
    NotHereError
        On devices other than CUDA, where torch does not count waits.
    """
    if device.type != CUDA:
        raise NotHereError(f"torch does not count host waits on {device.type}")
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
    """Capture a step as a CUDA graph and return a function that replays it; its inputs and outputs stay in place.

    Raises
    ------
    NotHereError
        On devices other than CUDA.
    """
    if device.type != CUDA:
        raise NotHereError(f"there are no CUDA graphs on {device.type}")
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(3):  # for one-time initialisation, such as the optimizer's state
            step()
    torch.cuda.current_stream(device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def autocast(device: torch.device, *, keeps_casts: bool = True) -> AbstractContextManager[object]:
    """Return a context for a forward pass in bfloat16; it has no effect on devices without autocast in torch."""
    if device.type not in LISTED:
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=keeps_casts)


def compiled(model: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    """Return a compiled model.

    Raises
    ------
    NotHereError
        On devices that torch.compile does not support.
    """
    if device.type not in LISTED:
        raise NotHereError(f"torch.compile does not support {device.type}")
    compiled_model: torch.nn.Module = torch.compile(model)  # type: ignore[assignment]
    return compiled_model


@contextmanager
def counted_memory(device: torch.device) -> Iterator[dict[str, float | None]]:
    """Yield a dictionary that contains, after the block, the peak memory of tensors; None if the device is not CUDA."""
    peak: dict[str, float | None] = {"peak MiB": None}
    gc.collect()
    if device.type == CUDA:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    yield peak
    if device.type == CUDA:
        peak["peak MiB"] = torch.cuda.max_memory_allocated(device) / 2**20


def name_of(device: torch.device) -> str:
    """Return the product name of the device, if torch knows it."""
    return torch.cuda.get_device_name(device) if device.type == CUDA else device.type


def optimizer_for(device: torch.device, model: torch.nn.Module, *, in_graph: bool = False) -> torch.optim.Optimizer:
    """Return AdamW, fused if the device supports it, and capturable if it is for a graph."""
    fused = device.type in LISTED
    return torch.optim.AdamW(model.parameters(), lr=1e-4, fused=fused, capturable=in_graph and device.type == CUDA)
