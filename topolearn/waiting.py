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
