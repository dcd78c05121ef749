"""A study that takes a moment."""

from topolearn.studies import Study

TINY = {"epochs": 2, "hidden": [8], "batch_size": 256, "density": 0.3, "backend": "csr", "threads": 1}
BARE = {"measures": ["none"], "history": "summary"}
METHODS = ({"label": "SET", "method": "set"}, {"label": "CHTs", "method": "chts"})


def small_study(**parts):
    """Two methods and a seed, with other parts where they are given."""
    base = {**TINY, **BARE, **parts.pop("base", {})}
    return Study(**{"name": "small", "settings": METHODS, "seeds": [0], "base": base, **parts})
