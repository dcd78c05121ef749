"""Everything that is kept per link and follows the links at an update: weights, ages, former values, moments."""
