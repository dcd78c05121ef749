r"""One optimizer step on one parameter, with the same arithmetic as torch.

SGD, with momentum m, weight decay d and learning rate r:

.. math:: g \leftarrow g + d w, \quad v \leftarrow m v + g, \quad w \leftarrow w - r v

or, with Nesterov momentum, :math:`w \leftarrow w - r (g + m v)`.

Adam, with the step t counted from 1; AdamW decays the weight directly instead, :math:`w \leftarrow w - r d w`:

.. math:: g \leftarrow g + d w, \quad a \leftarrow \beta_1 a + (1 - \beta_1) g, \quad
   s \leftarrow \beta_2 s + (1 - \beta_2) g^2, \quad
   w \leftarrow w - \frac{r}{1 - \beta_1^t} \frac{a}{\sqrt{s} / \sqrt{1 - \beta_2^t} + \epsilon}
"""

from functools import cache

import numpy as np
from numba import types

from topolearn.compiling import cfunc
from topolearn.sparse.kernels.memory import ADDRESS, integer_at, number_at, set_number
from topolearn.sparse.kernels.work import Work, integers, reader, take_chunk
from topolearn.threads import Kernel


class OptimizerWork(Work):
    """The record of an optimizer kernel: chunks of the elements, and addresses of the arrays of the references.

    ``first`` and ``second`` are the moments that the optimizer keeps per element. ``rates`` is the address of the
    learning rate of each step, float64; ``settings`` that of the settings that each kernel names, float64; and
    ``step`` that of the number of the step.
    """

    _fields_ = integers("weight", "gradient", "first", "second", "rates", "settings", "step")


read_work = reader(OptimizerWork)


def sgd_reference(
    weight: np.ndarray, gradient: np.ndarray, first: np.ndarray | None, rate: float,
    momentum: float, weight_decay: float, *, nesterov: bool,
) -> tuple[np.ndarray, np.ndarray | None]:  # fmt: skip
    """Return weight and velocity after a step of `sgd_kernel`, in plain numpy.

    Examples
    --------
    >>> one = np.ones(1)
    >>> sgd_reference(one, 2 * one, 4 * one, rate=0.1, momentum=0.5, weight_decay=0.0, nesterov=False)
    (array([0.6]), array([4.]))
    """
    step = gradient + weight_decay * weight
    if first is not None:
        first = momentum * first + step
        step = step + momentum * first if nesterov else first
    return weight - rate * step, first


def adam_reference(
    weight: np.ndarray, gradient: np.ndarray, first: np.ndarray, second: np.ndarray, rate: float, n_steps: int,
    beta1: float, beta2: float, eps: float, weight_decay: float, *, decoupled: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Return weight and moments after step number `n_steps` of `adam_kernel`, in plain numpy.

    Examples
    --------
    >>> one = np.ones(1)
    >>> weight, *_ = adam_reference(one, one, 0 * one, 0 * one, 0.1, 1, 0.9, 0.999, 0.0, 0.0, decoupled=False)
    >>> weight.round(6).tolist()
    [0.9]
    """
    if decoupled:
        weight = weight - rate * weight_decay * weight
    else:
        gradient = gradient + weight_decay * weight
    first = beta1 * first + (1 - beta1) * gradient
    second = beta2 * second + (1 - beta2) * gradient**2
    spread = np.sqrt(second) / np.sqrt(1 - beta2**n_steps) + eps
    return weight - rate / (1 - beta1**n_steps) * first / spread, first, second


@cache
def sgd_kernel(dtype: str, has_momentum: int, nesterov: int) -> Kernel:
    """Return the kernel of SGD; it reads `OptimizerWork`, whose settings are momentum and weight decay."""
    number, zero = np.dtype(dtype).type, np.dtype(dtype).type(0)

    @cfunc(types.void(ADDRESS), error_model="numpy")
    def sgd(address):
        work = read_work(address)
        rate = number(number_at(work.rates, integer_at(work.step, 0), 0.0))
        momentum, decay = number(number_at(work.settings, 0, 0.0)), number(number_at(work.settings, 1, 0.0))
        chunk = take_chunk(address)
        while chunk < work.n_chunks:
            for i in range(integer_at(work.bounds, chunk), integer_at(work.bounds, chunk + 1)):
                weight = number_at(work.weight, i, zero)
                step = number_at(work.gradient, i, zero) + decay * weight
                if has_momentum:
                    velocity = momentum * number_at(work.first, i, zero) + step
                    set_number(work.first, i, velocity)
                    step = step + momentum * velocity if nesterov else velocity
                set_number(work.weight, i, weight - rate * step)
            chunk = take_chunk(address)

    return Kernel(sgd)


@cache
def adam_kernel(dtype: str, decoupled: int) -> Kernel:
    """Return the kernel of Adam, or of AdamW if ``decoupled``; it reads `OptimizerWork`.

    Its settings are both betas, eps, weight decay, and the number of steps taken before this run.
    """
    number, zero = np.dtype(dtype).type, np.dtype(dtype).type(0)

    @cfunc(types.void(ADDRESS), error_model="numpy")
    def adam(address):
        work = read_work(address)
        step = integer_at(work.step, 0)
        rate, n_steps = number_at(work.rates, step, 0.0), number_at(work.settings, 4, 0.0) + step + 1
        betas = number_at(work.settings, 0, 0.0), number_at(work.settings, 1, 0.0)
        beta1, beta2, rest1, rest2 = number(betas[0]), number(betas[1]), number(1 - betas[0]), number(1 - betas[1])
        eps, decay = number(number_at(work.settings, 2, 0.0)), number_at(work.settings, 3, 0.0)
        size = number(rate / (1 - betas[0] ** n_steps))
        spread = number(np.sqrt(1 - betas[1] ** n_steps))
        coupled, kept = number(decay), number(1 - rate * decay)
        chunk = take_chunk(address)
        while chunk < work.n_chunks:
            for i in range(integer_at(work.bounds, chunk), integer_at(work.bounds, chunk + 1)):
                weight, gradient = number_at(work.weight, i, zero), number_at(work.gradient, i, zero)
                if decoupled:
                    weight = weight * kept
                else:
                    gradient = gradient + coupled * weight
                first = beta1 * number_at(work.first, i, zero) + rest1 * gradient
                second = beta2 * number_at(work.second, i, zero) + rest2 * gradient * gradient
                set_number(work.first, i, first)
                set_number(work.second, i, second)
                set_number(work.weight, i, weight - size * first / (np.sqrt(second) / spread + eps))
            chunk = take_chunk(address)

    return Kernel(adam)
