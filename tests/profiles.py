"""How many examples property tests try: as many as they say, or in the profile "deep" many times as many.

``HYPOTHESIS_PROFILE=deep python -m pytest -m hypothesis --timeout 0 tests/graph tests/generators tests/linkpred
tests/sampling tests/sparse tests/evolution`` tries more than 100,000; ``HYPOTHESIS_SCALE`` says how many times as many.
"""

import os

from hypothesis import HealthCheck, settings

DEEP = "deep"
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
SCALE = int(os.environ.get("HYPOTHESIS_SCALE", "17")) if PROFILE == DEEP else 1
USUAL = 100  # of a test that does not say how many

settings.register_profile(
    DEEP, max_examples=USUAL * SCALE, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(PROFILE)


def examples(n):
    """Settings of a property test that tries so many examples, times the scale of the profile."""
    return settings(max_examples=n * SCALE, deadline=None)
