"""The tests, whose helpers are imported as ``tests.…``, whatever else of this name is installed."""
