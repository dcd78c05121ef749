"""The number of examples that property tests try: their own number, or a multiple of it in the profile "deep".

``HYPOTHESIS_PROFILE=deep python -m pytest -m hypothesis --timeout 0 tests/graph tests/generators tests/linkpred
tests/sampling tests/sparse tests/evolution`` tries more than 100,000; ``HYPOTHESIS_SCALE`` sets the factor.
"""

import os

from hypothesis import HealthCheck, settings

DEEP = "deep"
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
SCALE = int(os.environ.get("HYPOTHESIS_SCALE", "17")) if PROFILE == DEEP else 1
USUAL = 100  # for tests that do not set a number

settings.register_profile(
    DEEP, max_examples=USUAL * SCALE, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(PROFILE)


def examples(n):
    """Return settings for a property test that tries `n` examples, times the scale of the profile."""
    return settings(max_examples=n * SCALE, deadline=None)
