"""How the host waits for an accelerator as rarely as it can.

Work on an accelerator goes on behind the host, until the host asks for a number. So numbers that only refuse or report
are gathered and read at once (`Readings`), and lists of a known length are made without asking for it (`positions`). On
the CPU nothing is gathered.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class Readings:
    """Numbers that the host reads at once, and what is done with each.

    Examples
    --------
    >>> import torch
    >>> readings, read = Readings(), []
    >>> readings.read(torch.tensor([3, 4]).sum(), read.append)
    >>> readings.settle()
    >>> read
    [7]
    """

    def __init__(self) -> None:
        self._numbers: list[Tensor] = []
        self._uses: list[Callable[[int], object]] = []

    def read(self, number: Tensor, use: Callable[[int], object]) -> None:
        """Call a function with an integer or bool tensor's only element: at once on the CPU, else when it is settled.

        What the function raises, for the CPU `read` raises, and else `settle`.
        """
        if works_behind(number.device):
            self._numbers.append(number)
            self._uses.append(use)
        else:
            use(int(number))

    def refuse_unless(self, holds: Tensor, error: Callable[[], Exception]) -> None:
        """Raise an error unless a bool tensor's only element is true, when it is read."""

        def use(is_held: int) -> None:
            if not is_held:
                raise error()

        self.read(holds, use)

    def settle(self) -> None:
        """Read all numbers that were gathered, in one transfer, and use them in their order."""
        numbers, uses = self._numbers, self._uses
        self._numbers, self._uses = [], []
        if numbers:
            values = torch.stack([number.to(torch.int64) for number in numbers]).tolist()
            for value, use in zip(values, uses, strict=True):
                use(value)


def positions(mask: Tensor, n: int) -> Tensor:
    """Return the positions of the n true elements of a flat mask, sorted, without asking how many there are.

    Examples
    --------
    >>> import torch
    >>> positions(torch.tensor([True, False, True]), 2)
    tensor([0, 2])
    """
    if works_behind(mask.device):
        return torch.nonzero_static(mask, size=n).squeeze(1)
    return mask.nonzero().squeeze(1)  # in three quarters of the time


def works_behind(device: torch.device) -> bool:
    """Whether a device works on behind the host, so that more work on it costs less than a question."""
    return device.type != "cpu"


class HostCopy:
    """A copy of a tensor on its way to the host, which is waited for when it is read.

    On CUDA it goes into pinned memory, on a stream of its own, while the device works on; from other accelerators it
    comes when it is read.

    Parameters
    ----------
    tensor : Tensor
        A tensor that nobody changes.

    Examples
    --------
    >>> import torch
    >>> HostCopy(torch.tensor([1, 2])).read()
    tensor([1, 2])
    """

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor
        self._arrival: torch.cuda.Event | None = None
        if tensor.device.type == "cuda":
            self._tensor, self._arrival = _sent(tensor)

    def read(self) -> Tensor:
        """Return the copy."""
        if self._arrival is not None:
            self._arrival.synchronize()
            self._arrival = None
        self._tensor = self._tensor.cpu()
        return self._tensor


def _sent(tensor: Tensor) -> tuple[Tensor, torch.cuda.Event]:
    """Send a tensor to pinned memory; return where it arrives, and the event of its arrival."""
    arriving = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    stream, event = torch.cuda.Stream(tensor.device), torch.cuda.Event()
    stream.wait_stream(torch.cuda.current_stream(tensor.device))
    with torch.cuda.stream(stream):
        arriving.copy_(tensor, non_blocking=True)
        event.record()
    tensor.record_stream(stream)  # its memory is not used again before the copy is done
    return arriving, event
