"""The comment with sizes and names that graphs write into .mtx files, told apart from those of other programs."""

from __future__ import annotations

import json
from typing import Any

_ONE_KIND = {"n_nodes", "names"}
_TWO_KINDS = {"n_in", "n_out", "input_names", "output_names"}


def own_comment(text: str) -> dict[str, Any] | None:
    """Return the sizes and names in a comment, or None if another program wrote it.

    Raises
    ------
    ValueError
        When a graph wrote it, and it is damaged.

    Examples
    --------
    >>> own_comment('{"n_nodes": 2, "names": null}')
    {'n_nodes': 2, 'names': None}
    >>> own_comment('{"author": "x"}') is None
    True
    """
    if not text.startswith("{"):
        return None
    is_own = any(all(f'"{key}"' in text for key in keys) for keys in (_ONE_KIND, _TWO_KINDS))
    if not is_own:
        return None
    header = json.loads(text)
    return header if header.keys() in (_ONE_KIND, _TWO_KINDS) else None
