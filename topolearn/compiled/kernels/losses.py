r"""The loss of a batch and its gradient with respect to the outputs of the last layer.

Cross-entropy of the softmax, where y are the labels:

.. math:: L = -\frac{1}{B} \sum_b \log p_{y_b b}, \quad p_{cb} = \frac{e^{z_{cb}}}{\sum_k e^{z_{kb}}}, \quad
   \frac{\partial L}{\partial z_{cb}} = \frac{p_{cb} - [c = y_b]}{B}

Squared error of C outputs, where t are the targets:

.. math:: L = \frac{1}{BC} \sum_{cb} (z_{cb} - t_{bc})^2, \quad
   \frac{\partial L}{\partial z_{cb}} = \frac{2 (z_{cb} - t_{bc})}{BC}
"""

from functools import cache

import numpy as np
from numba import types

from topolearn.compiling import cfunc
from topolearn.sparse.kernels.memory import ADDRESS, integer_at, number_at, set_number
from topolearn.sparse.kernels.work import Work, integers, reader, take_chunk
from topolearn.threads import Kernel


class LossWork(Work):
    """The record of a loss kernel: one chunk, addresses of the arrays of the references, and sizes.

    ``outputs`` and ``dz`` are those of ``width`` examples of the batch, starting at number ``first``; ``dbias`` is
    overwritten where ``first`` is 0, and otherwise added to. ``step`` is the address of the number of the batch, and
    ``stopped`` that of a flag that is set when the loss is not finite. ``total`` is the address of a float64 sum of
    the losses of the examples, and ``n_correct`` that of an int64 count of the examples whose largest output is at
    their label.
    """

    _fields_ = integers(
        "outputs",
        "dz",
        "dbias",
        "targets",
        "order",
        "step",
        "stopped",
        "total",
        "n_correct",
        "batch",
        "first",
        "width",
        "n_outputs",
    )


read_work = reader(LossWork)


def cross_entropy_reference(outputs: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, int]:
    """Return what `cross_entropy_kernel` writes, in plain numpy.

    Parameters
    ----------
    outputs : array, shape (n_classes, batch)
    labels : array of int, shape (batch,)

    Returns
    -------
    loss, dz, dbias, n_correct
        The loss summed over the batch; the gradient of the mean loss, shape (n_classes, batch), and its sum over the
        batch; and the number of examples whose largest output is at the label.

    Examples
    --------
    >>> loss, dz, dbias, n_correct = cross_entropy_reference(np.zeros((4, 1)), np.array([0]))
    >>> round(loss, 4), dz.ravel().tolist(), n_correct  # log 4
    (1.3863, [-0.75, 0.25, 0.25, 0.25], 1)
    """
    examples, batch = np.arange(labels.size), labels.size
    shifted = outputs - outputs.max(axis=0)
    powers = np.exp(shifted)
    totals = powers.sum(axis=0)
    loss = float(np.sum(np.log(totals) - shifted[labels, examples], dtype=np.float64))
    dz = powers / totals
    dz[labels, examples] -= 1
    dz /= batch
    return loss, dz, dz.sum(axis=1), int((outputs.argmax(axis=0) == labels).sum())


def squared_error_reference(outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return what `squared_error_kernel` writes, in plain numpy.

    Parameters
    ----------
    outputs : array, shape (n_outputs, batch)
    targets : array, shape (batch, n_outputs)

    Returns
    -------
    loss, dz, dbias
        As `cross_entropy_reference` returns them; the loss of an example is the mean over its outputs.

    Examples
    --------
    >>> loss, dz, dbias = squared_error_reference(np.array([[1.0], [5.0]]), np.array([[1.0, 3.0]]))
    >>> loss, dz.tolist()
    (2.0, [[0.0], [2.0]])
    """
    errors = outputs - targets.T
    dz = 2 * errors / errors.size
    return float(np.square(errors).sum(dtype=np.float64) / len(outputs)), dz, dz.sum(axis=1)


@cache
def cross_entropy_kernel(dtype: str) -> Kernel:
    """Return the kernel of cross-entropy; it reads `LossWork`, with labels as targets, int64, shape (n_examples,)."""
    number, zero = np.dtype(dtype).type, np.dtype(dtype).type(0)

    @cfunc(types.void(ADDRESS), error_model="numpy")
    def cross_entropy(address):
        work = read_work(address)
        if take_chunk(address) > 0:
            return
        z, dz, width, n_classes = work.outputs, work.dz, work.width, work.n_outputs
        begin, total, n_correct = integer_at(work.step, 0) * work.batch + work.first, 0.0, 0
        for b in range(width):
            label = integer_at(work.targets, integer_at(work.order, begin + b))
            largest, winner = number_at(z, b, zero), 0
            for c in range(1, n_classes):
                output = number_at(z, c * width + b, zero)
                if output > largest:
                    largest, winner = output, c
            powers = zero
            for c in range(n_classes):
                power = np.exp(number_at(z, c * width + b, zero) - largest)
                set_number(dz, c * width + b, power)
                powers += power
            total += np.log(powers) - (number_at(z, label * width + b, zero) - largest)
            n_correct += winner == label
            for c in range(n_classes):
                at = c * width + b
                set_number(dz, at, (number_at(dz, at, zero) / powers - number(c == label)) / number(work.batch))
        for c in range(n_classes):
            bias = number_at(work.dbias, c, zero) if work.first else zero
            for b in range(width):
                bias += number_at(dz, c * width + b, zero)
            set_number(work.dbias, c, bias)
        set_number(work.total, 0, number_at(work.total, 0, 0.0) + total)
        set_number(work.n_correct, 0, np.int64(integer_at(work.n_correct, 0) + n_correct))
        if not np.isfinite(total):
            set_number(work.stopped, 0, np.int64(1))

    return Kernel(cross_entropy)


@cache
def squared_error_kernel(dtype: str) -> Kernel:
    """Return the kernel of the squared error; it reads `LossWork`, with targets of shape (n_examples, n_outputs)."""
    number, zero = np.dtype(dtype).type, np.dtype(dtype).type(0)

    @cfunc(types.void(ADDRESS), error_model="numpy")
    def squared_error(address):
        work = read_work(address)
        if take_chunk(address) > 0:
            return
        width, n_outputs = work.width, work.n_outputs
        begin, total = integer_at(work.step, 0) * work.batch + work.first, 0.0
        share = number(2.0 / (work.batch * n_outputs))
        for c in range(n_outputs):
            bias = number_at(work.dbias, c, zero) if work.first else zero
            for b in range(width):
                example = integer_at(work.order, begin + b)
                target = number_at(work.targets, example * n_outputs + c, zero)
                error = number_at(work.outputs, c * width + b, zero) - target
                total += np.float64(error) * np.float64(error)
                set_number(work.dz, c * width + b, share * error)
                bias += share * error
            set_number(work.dbias, c, bias)
        set_number(work.total, 0, number_at(work.total, 0, 0.0) + total / n_outputs)
        if not np.isfinite(total):
            set_number(work.stopped, 0, np.int64(1))

    return Kernel(squared_error)
