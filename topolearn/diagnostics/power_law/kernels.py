"""Compiled functions of the fit: the Hurwitz zeta function, likelihoods, and the search for xmin."""

import math

import numpy as np

from topolearn.compiling import internal, njit
from topolearn.diagnostics.power_law.samples import LARGEST_WHOLE

LEAST = 12.0  # argument from which the series below is accurate to the last digits, for exponents up to that argument
STRIDE = 64  # step between distinct values in a first, coarse comparison
MOST_STEPS = 200
NOTHING = 1e-18  # relative size below which a term is negligible
BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160)


@njit(nogil=True)
def zeta(s, q):
    """Return the Hurwitz zeta function divided by its first term, the sum of (1 + k/q)^-s, and two derivatives in s.

    The first terms are added up; the Euler-Maclaurin formula gives the rest. Divided by its first term, the function
    neither overflows nor vanishes for large exponents.
    """
    value, first, second = 0.0, 0.0, 0.0
    a = q
    while a < max(LEAST, s):
        log = math.log1p((a - q) / q)  # exact even for exponents so large that rounding a / q would matter
        term = math.exp(-s * log)
        value += term
        first -= log * term
        second += log * log * term
        a += 1.0
        if term < NOTHING * value:
            return value, first, second
    log = math.log1p((a - q) / q)
    power = math.exp(-s * log)
    integral, inverse = a * power / (s - 1.0), 1.0 / (s - 1.0)
    value += integral + power / 2
    first -= integral * (log + inverse) + log * power / 2
    second += integral * ((log + inverse) ** 2 + inverse * inverse) + log * log * power / 2
    # c * s (s+1) ... (s+2j-2) * a^(-s-2j+1); its derivatives follow from that of the logarithm of the product
    factor, slope, curve = s, 1.0 / s, -1.0 / (s * s)
    scale = power / a
    for j in range(1, 6):
        term = BERNOULLI[j - 1] * factor * scale
        rate = slope - log
        value += term
        first += term * rate
        second += term * (rate * rate + curve)
        for i in (2 * j - 1, 2 * j):
            factor *= s + i
            slope += 1.0 / (s + i)
            curve -= 1.0 / ((s + i) * (s + i))
        scale /= a * a
    return value, first, second


@internal
def share_from(x, gamma, xmin, whole):
    """Return the probability of at least x under a discrete law; `whole` is the zeta function at xmin."""
    return math.exp(-gamma * math.log1p((x - xmin) / xmin)) * zeta(gamma, x)[0] / whole


@internal
def discrete_gamma(mean_log, xmin):
    """Return the maximum-likelihood exponent of integers from xmin on, given the mean of ln(x / xmin)."""
    gamma = 1.0 + 1.0 / (mean_log + math.log(xmin / (xmin - 0.5)))
    for _ in range(MOST_STEPS):
        value, first, second = zeta(gamma, xmin)
        slope = -first / value - mean_log  # of the mean log-likelihood; decreasing in gamma
        step = slope / (second / value - (first / value) ** 2)
        step = min(max(step, -(gamma - 1.0) / 2), gamma)
        gamma += step
        if abs(step) < 1e-12 * gamma:
            break
    return gamma


@internal
def gap_at(i, values, logs, before, discrete, first, gamma, whole):
    """Return the larger gap between the distributions of a tail and its fit just below and at a distinct value."""
    if discrete:
        below = 1.0 - share_from(values[i], gamma, values[first], whole)
        at = below + math.exp(-gamma * math.log1p((values[i] - values[first]) / values[first])) / whole
    else:
        below = 1.0 - math.exp((1.0 - gamma) * (logs[i] - logs[first]))
        at = below
    start, n = before[first], before[-1] - before[first]
    return max(abs((before[i] - start) / n - below), abs((before[i + 1] - start) / n - at))


@njit(nogil=True)
def distance(values, logs, before, discrete, first, gamma, bound, likely):
    """Return the largest gap between the distributions of a tail and its fit, and its position.

    They are compared just below and at each distinct value, since in between the data's distribution is constant and
    the fit's increases. If the distance exceeds `bound`, the first gap above it is returned instead.

    Parameters
    ----------
    values, logs : arrays
        The distinct values, and their logarithms relative to the smallest.
    before : array, one longer
        The number of samples below each of them, and of all samples.
    discrete : bool
    first : int
        The start of the tail.
    gamma, bound : float
    likely : int
        The position to check first.
    """
    whole = zeta(gamma, values[first])[0] if discrete else 1.0
    where = max(likely, first)
    worst = gap_at(where, values, logs, before, discrete, first, gamma, whole)
    for stride in (STRIDE, 1):  # a few points reject a bad candidate
        if worst > bound:
            break
        for i in range(first, values.size, stride):
            gap = gap_at(i, values, logs, before, discrete, first, gamma, whole)
            if gap > worst:
                worst, where = gap, i
                if worst > bound:
                    break
    return worst, where


@internal
def tail_logs(values, before):
    """Return the logarithms of distinct values relative to the smallest, and the mean ln(x / xmin) of each tail.

    Both are sums of positive gaps, so that nothing cancels if the values are nearly equal.
    """
    logs, means = np.zeros(values.size), np.zeros(values.size)
    for i in range(1, values.size):
        logs[i] = logs[i - 1] + math.log1p((values[i] - values[i - 1]) / values[i - 1])
    total, n = 0.0, before[-1]
    for i in range(values.size - 2, -1, -1):
        total += (n - before[i + 1]) * math.log1p((values[i + 1] - values[i]) / values[i])
        means[i] = total / (n - before[i])
    return logs, means


@njit(nogil=True)
def best_start(values, counts, discrete, n_candidates):
    """Return the index of the best xmin among the first distinct values, with its exponent and distance.

    A few evenly spread candidates are tried first. Most of the others then fail at a single comparison with the best of
    these, at the position where their neighbour failed.

    Parameters
    ----------
    values, counts : arrays
        Distinct values, sorted, and their counts.
    discrete : bool
    n_candidates : int
    """
    before = np.zeros(values.size + 1, np.int64)
    for i in range(values.size):  # before[1:] = ... would take seconds to compile, for its shape check
        before[i + 1] = before[i] + counts[i]
    logs, means = tail_logs(values, before)
    best, best_gamma, least = -1, 0.0, np.inf
    spread = int(math.sqrt(n_candidates)) if n_candidates > STRIDE else n_candidates
    for stride in (spread, 1):
        likely = 0
        for i in range(0, n_candidates, stride):
            gamma = discrete_gamma(means[i], values[i]) if discrete else 1.0 + 1.0 / means[i]
            ks, likely = distance(values, logs, before, discrete, i, gamma, least, likely)
            if ks < least or (ks == least and i < best):
                best, best_gamma, least = i, gamma, ks
    return best, best_gamma, least


@njit(nogil=True)
def shares_from(x, gamma, xmin, shares):
    """Write the probability of at least each x under a discrete law."""
    whole = zeta(gamma, xmin)[0]
    for i in range(x.size):
        shares[i] = share_from(x[i], gamma, xmin, whole)


@njit(nogil=True)
def draw_discrete(uniforms, gamma, xmin, table, drawn):
    """Write integers from xmin on that follow a power law, one for each uniform number u in (0, 1].

    Each is the largest x with P(X >= x) >= u, and at most `LARGEST_WHOLE`; `table` is scratch memory.
    """
    whole = zeta(gamma, xmin)[0]
    for k in range(table.size):
        table[k] = share_from(xmin + k, gamma, xmin, whole)
    for i in range(uniforms.size):
        u = uniforms[i]
        if u > table[-1]:
            near, far = 0, table.size
            while far - near > 1:
                middle = (near + far) // 2
                if middle < table.size and table[middle] >= u:
                    near = middle
                else:
                    far = middle
            drawn[i] = xmin + near
        else:
            below, above = xmin + table.size - 1, 2 * (xmin + table.size)
            while above < LARGEST_WHOLE and share_from(above, gamma, xmin, whole) >= u:
                below, above = above, 2 * above
            above = min(above, 2 * LARGEST_WHOLE)
            while above - below > 1:
                half = below + math.floor((above - below) / 2)
                if share_from(half, gamma, xmin, whole) >= u:
                    below = half
                else:
                    above = half
            drawn[i] = min(below, LARGEST_WHOLE)
