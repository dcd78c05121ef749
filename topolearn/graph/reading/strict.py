"""Pandas' reader of text without what it does in silence: it drops columns that the first row has too many of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def strictly() -> Iterator[None]:
    """Make pandas' warning that data are lost a ``ParserError``, which is a ``ValueError``.

    Examples
    --------
    >>> import io, pandas as pd
    >>> with strictly():
    ...     pd.read_csv(io.StringIO("1,2,3"), header=None, names=["a", "b"], index_col=False)
    Traceback (most recent call last):
    pandas.errors.ParserError: a line has more columns than it should ...
    """
    from pandas.errors import ParserError, ParserWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", ParserWarning)
        try:
            yield
        except ParserWarning as warning:
            raise ParserError(f"a line has more columns than it should ({warning})") from None
