"""Compiled parts of the fit: the Hurwitz zeta function, likelihoods, and the search for xmin."""

import math

import numpy as np
from numba import njit

LEAST = 12.0  # argument from which the series below is exact to the last digits, for exponents up to it
STRIDE = 64  # distinct values that the search steps over at first
MOST_STEPS = 200
NOTHING = 1e-18
LARGEST = 2.0**52  # whole numbers beyond are no longer exact
BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160)


@njit(nogil=True, cache=True)
def zeta(s, q):
    """Return the Hurwitz zeta function over its first term, the sum of (1 + k/q)^-s, and two derivatives in s.

    The first terms are added up, and the rest by the formula of Euler and Maclaurin. Over its first term it neither
    grows nor vanishes, however large the exponent.
    """
    value, first, second = 0.0, 0.0, 0.0
    a = q
    while a < max(LEAST, s):
        log = math.log(a / q)
        term = math.exp(-s * log)
        value += term
        first -= log * term
        second += log * log * term
        a += 1.0
        if term < NOTHING * value:
            return value, first, second
    log = math.log(a / q)
    power = math.exp(-s * log)
    integral, inverse = a * power / (s - 1.0), 1.0 / (s - 1.0)
    value += integral + power / 2
    first -= integral * (log + inverse) + log * power / 2
    second += integral * ((log + inverse) ** 2 + inverse * inverse) + log * log * power / 2
    # c * s (s+1) ... (s+2j-2) * a^(-s-2j+1), whose derivatives come from that of the logarithm of the product
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


@njit(nogil=True, cache=True)
def share_from(x, gamma, xmin, whole):
    """Return the probability of at least x under a law of whole numbers; `whole` is the zeta function at xmin."""
    return math.exp(-gamma * math.log(x / xmin)) * zeta(gamma, x)[0] / whole


@njit(nogil=True, cache=True)
def discrete_gamma(mean_log, xmin):
    """Return the exponent of largest likelihood of whole numbers from xmin on, given the mean of ln(x / xmin)."""
    gamma = 1.0 + 1.0 / (mean_log + math.log(xmin / (xmin - 0.5)))
    for _ in range(MOST_STEPS):
        value, first, second = zeta(gamma, xmin)
        slope = -first / value - mean_log  # of the mean log-likelihood; it falls in gamma
        step = slope / (second / value - (first / value) ** 2)
        step = min(max(step, -(gamma - 1.0) / 2), gamma)
        gamma += step
        if abs(step) < 1e-12 * gamma:
            break
    return gamma


@njit(nogil=True, cache=True)
def discrete_distance(values, counts, first, gamma, bound):
    """Return the largest distance of the distributions of a tail and its fit; of larger ones than `bound`, any above.

    Both are compared just below and at each distinct value: between them the data's stays, and the fit's grows.
    """
    xmin, whole = values[first], zeta(gamma, values[first])[0]
    n, below, worst = counts[first:].sum(), 0, 0.0
    for i in range(first, values.size):
        above = share_from(values[i], gamma, xmin, whole)
        worst = max(worst, abs(below / n - (1.0 - above)))
        below += counts[i]
        above -= math.exp(-gamma * math.log(values[i] / xmin)) / whole
        worst = max(worst, abs(below / n - (1.0 - above)))
        if worst > bound:
            break
    return worst


@njit(nogil=True, cache=True)
def continuous_distance(logs, before, first, gamma, bound):
    """Return the largest distance of the distributions of a tail and its fit; of larger ones than `bound`, any above.

    Parameters
    ----------
    logs : array, the logarithms of the distinct values
    before : array, one longer: the number of samples below each of them, and of all samples
    """
    start, n = before[first], before[-1] - before[first]
    worst = 0.0
    for stride in (STRIDE, 1):  # a bad candidate shows at a few points
        for i in range(first, logs.size, stride):
            fit = 1.0 - math.exp((1.0 - gamma) * (logs[i] - logs[first]))
            worst = max(worst, abs((before[i] - start) / n - fit), abs((before[i + 1] - start) / n - fit))
            if worst > bound:
                return worst
    return worst


@njit(nogil=True, cache=True)
def best_start(values, counts, discrete, first, last):
    """Return which distinct value, of some, is the best xmin, with the exponent and the distance there.

    Parameters
    ----------
    values, counts : arrays
        Distinct values, sorted, and their counts.
    discrete : bool
    first, last : int
        The candidates: the first distinct value, and the one after the last.
    """
    logs = np.log(values)
    before = np.zeros(values.size + 1, np.int64)
    before[1:] = np.cumsum(counts)
    rest = np.zeros(values.size + 1)  # sums of logarithms from each value on
    for i in range(values.size - 1, -1, -1):
        rest[i] = rest[i + 1] + counts[i] * logs[i]
    best, best_gamma, least = -1, 0.0, np.inf
    for i in range(first, last):
        mean_log = rest[i] / (before[-1] - before[i]) - logs[i]
        if discrete:
            gamma = discrete_gamma(mean_log, values[i])
            distance = discrete_distance(values, counts, i, gamma, least)
        else:
            gamma = 1.0 + 1.0 / mean_log
            distance = continuous_distance(logs, before, i, gamma, least)
        if distance < least:
            best, best_gamma, least = i, gamma, distance
    return best, best_gamma, least


@njit(nogil=True, cache=True)
def shares_from(x, gamma, xmin, shares):
    """Write the probability of at least each x under a law of whole numbers."""
    whole = zeta(gamma, xmin)[0]
    for i in range(x.size):
        shares[i] = share_from(x[i], gamma, xmin, whole)


@njit(nogil=True, cache=True)
def draw_discrete(uniforms, gamma, xmin, table, drawn):
    """Write whole numbers from xmin on that follow a power law, one for each uniform number u in (0, 1].

    The number drawn is the largest x of which at least the share u of the law is not below; `table` is memory.
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
            while above < LARGEST and share_from(above, gamma, xmin, whole) >= u:
                below, above = above, 2 * above
            while above - below > 1:
                half = math.floor((below + above) / 2)
                if share_from(half, gamma, xmin, whole) >= u:
                    below = half
                else:
                    above = half
            drawn[i] = below
