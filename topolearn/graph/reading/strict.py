"""Make pandas' text reader strict: by default it silently drops surplus columns of the first row."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def strictly() -> Iterator[None]:
    """Turn pandas' warning about lost data into a ``ParserError``, which is a ``ValueError``.

    Examples
    --------
    >>> import io, pandas as pd
    >>> with strictly():
    ...     pd.read_csv(io.StringIO("1,2,3"), header=None, names=["a", "b"], index_col=False)
    Traceback (most recent call last):
    pandas.errors.ParserError: a line has more columns than the others
    """
    from pandas.errors import ParserError, ParserWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", ParserWarning)
        try:
            yield
        except ParserWarning:
            raise ParserError("a line has more columns than the others") from None
