"""Maximum matching: augmenting paths by depth-first search from every free output (Pothen and Fan)."""

import numpy as np

from topolearn.compiling import internal, njit


@njit(nogil=True)
def matched_inputs(pointers, inputs, n_in):
    """Return the input that each output is matched with, or -1.

    Each phase visits every input at most once. The search for a free input of an output continues behind those already
    matched, since a matched input stays matched. The last phase finds no augmenting path.

    Parameters
    ----------
    pointers, inputs : arrays
        The inputs of each output, in compressed form.
    n_in : int
    """
    n_out = pointers.size - 1
    of_output, of_input = np.full(n_out, -1, np.int64), np.full(n_in, -1, np.int64)
    free, tried = pointers[:-1].copy(), pointers[:-1].copy()
    seen, path = np.zeros(n_in, np.int32), np.empty(n_out, np.int64)
    phase, has_grown = 0, True
    while has_grown:
        phase, has_grown = phase + 1, False
        for root in range(n_out):
            if of_output[root] < 0 and _augmented(
                pointers, inputs, of_output, of_input, free, tried, seen, path, phase, root
            ):
                has_grown = True
    return of_output


@internal
def _augmented(pointers, inputs, of_output, of_input, free, tried, seen, path, phase, root):
    """Match a free output if an alternating path leads to a free input; return whether there is one."""
    depth = 0
    path[0], tried[root] = root, pointers[root]
    while depth >= 0:
        output = path[depth]
        end = pointers[output + 1]
        while free[output] < end and of_input[inputs[free[output]]] >= 0:
            free[output] += 1
        if free[output] < end:
            gained = inputs[free[output]]
            for d in range(depth, -1, -1):
                gained, lost = of_output[path[d]], gained
                of_output[path[d]], of_input[lost] = lost, path[d]
            return True
        while tried[output] < end and seen[inputs[tried[output]]] == phase:
            tried[output] += 1
        if tried[output] < end:
            through = inputs[tried[output]]
            seen[through] = phase
            depth += 1
            path[depth] = of_input[through]
            tried[path[depth]] = pointers[path[depth]]
        else:
            depth -= 1
    return False
