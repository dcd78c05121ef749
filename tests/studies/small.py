"""A small, fast study."""

from topolearn.studies import Study

TINY = {"epochs": 2, "hidden": [8], "batch_size": 256, "density": 0.3, "backend": "csr", "threads": 1}
BARE = {"measures": ["none"], "history": "summary"}
METHODS = ({"label": "SET", "method": "set"}, {"label": "CHTs", "method": "chts"})


def small_study(**parts):
    """Return a study of two methods and one seed, with changed arguments if given."""
    base = {**TINY, **BARE, **parts.pop("base", {})}
    return Study(**{"name": "small", "settings": METHODS, "seeds": [0], "base": base, **parts})
