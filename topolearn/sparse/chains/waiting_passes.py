"""`WaitingPasses`: holds what a backward pass computed for a layer until the layer's gradient is accumulated."""

from __future__ import annotations

from weakref import WeakValueDictionary

import torch
from torch import Tensor
from torch.autograd import Variable

Pass = tuple[Tensor, Tensor]


class WaitingPasses:
    """Inputs and output gradients of a layer, which count once the same backward pass accumulates its gradient.

    `torch.autograd.grad`, or a backward pass to other tensors only, never accumulates it. Waiting entries belong to the
    backward pass in progress and disappear with it, even when it fails.
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
            Variable._execution_engine.queue_callback(waiting.clear)  # only the backward pass keeps them alive
        waiting.append(each)

    def take(self) -> tuple[Pass, ...]:
        """Remove and return the entries of the backward pass in progress."""
        waiting = self._waiting.get(torch._C._current_graph_task_id())
        if waiting is None:
            return ()
        taken = tuple(waiting)
        waiting.clear()
        return taken

    def close(self) -> None:
        """Drop all entries, and keep no further ones."""
        self._is_closed = True
        for waiting in list(self._waiting.values()):
            waiting.clear()


class _OfBackward(list[Pass]):
    """The entries of one backward pass; unlike a plain list, this class supports weak references."""
