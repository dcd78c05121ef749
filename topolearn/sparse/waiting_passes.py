"""`WaitingPasses`: what a backward pass has computed of a layer, until the gradient of that layer is accumulated."""

from __future__ import annotations

from weakref import WeakValueDictionary

import torch
from torch import Tensor
from torch.autograd import Variable

Pass = tuple[Tensor, Tensor]


class WaitingPasses:
    """Inputs and output gradients of a layer, which count once the same backward pass accumulates its gradient.

    `torch.autograd.grad`, or a backward pass to other tensors alone, never accumulates it. What waits belongs to the
    backward pass in progress, and goes with it, also when that fails.
    """

    def __init__(self) -> None:
        self._waiting: WeakValueDictionary[int, _OfBackward] = WeakValueDictionary()
        self._is_closed = False

    def append(self, each: Pass) -> None:
        """Keep inputs, shape (n_in, batch), and output gradients, shape (n_out, batch), while the backward runs."""
        backward = torch._C._current_graph_task_id()
        if self._is_closed or backward < 0:
            return
        if (waiting := self._waiting.get(backward)) is None:
            waiting = self._waiting[backward] = _OfBackward()
            Variable._execution_engine.queue_callback(waiting.clear)  # the backward alone keeps them alive
        waiting.append(each)

    def take(self) -> tuple[Pass, ...]:
        """Return what waits for the backward in progress, which no longer waits."""
        waiting = self._waiting.get(torch._C._current_graph_task_id())
        if waiting is None:
            return ()
        taken = tuple(waiting)
        waiting.clear()
        return taken

    def close(self) -> None:
        """Keep nothing more."""
        self._is_closed = True
        for waiting in list(self._waiting.values()):
            waiting.clear()


class _OfBackward(list[Pass]):
    """What waits for one backward pass; unlike a list, it can be referred to weakly."""
