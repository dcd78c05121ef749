"""Safe output to terminals and tables: no name can move the cursor, break a line, end a cell or reverse text."""

import inspect
import json
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TextIO

WRAPPERS = ("topolearn", "contextlib", "functools")  # a warning that points into these would not help the user
# Control characters (C0 and C1), line and paragraph separators, characters that change text direction, surrogates.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def visible(text: object) -> str:
    r"""Return text on one line, with each character that would control a terminal escaped as in Python.

    Examples
    --------
    >>> print(visible("fc1\x1b[2J\nepoch 2"))
    fc1\x1b[2J\nepoch 2
    >>> visible("Zürich · 層")
    'Zürich · 層'
    """
    return _HIDDEN.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), str(text))


def say(*blocks: object, stream: TextIO | None = None) -> None:
    r"""Print blocks of text, with all control characters but line feeds made `visible`.

    Pass a name through `visible` before you insert it into a block of several lines, or it could add lines.

    Parameters
    ----------
    *blocks : object
        Each starts on a new line.
    stream : file, optional
        Default standard output.

    Examples
    --------
    >>> say("layer  links", "fc1\x1b[2J  12")
    layer  links
    fc1\x1b[2J  12
    """
    lines = [visible(line) for block in blocks for line in str(block).split("\n")]
    print("\n".join(lines), file=stream or sys.stdout, flush=True)


def say_json(values: Any, stream: TextIO | None = None) -> None:
    r"""Print values as ASCII JSON, which is safe on a terminal and which programs read back exactly.

    Examples
    --------
    >>> say_json({"fc\x7f": 1})
    {
      "fc\u007f": 1
    }
    """
    print(json.dumps(values, indent=2).replace("\x7f", "\\u007f"), file=stream or sys.stdout, flush=True)


def say_content(text: str, stream: TextIO | None = None) -> None:
    """Print the output of a model: exactly into a file or a pipe, but line by line and `visible` on a terminal."""
    stream = stream or sys.stdout
    if stream.isatty():
        say(text, stream=stream)
    else:
        print(text, file=stream, flush=True)


def markdown_cell(value: object) -> str:
    r"""Return a value as a cell of a Markdown table: on one line, with pipes and HTML escaped.

    Examples
    --------
    >>> print(markdown_cell("a|b <script>"))
    a\|b &lt;script>
    """
    return visible(str(value).replace("\n", " ")).replace("|", r"\|").replace("<", "&lt;")


@contextmanager
def visible_warnings() -> Iterator[None]:
    """Print each warning within a block on one line, with control characters made `visible`."""
    former = warnings.formatwarning

    def formatted(message: Any, *place: Any, **options: Any) -> str:
        return f"topolearn: warning: {visible(message)}\n"

    warnings.formatwarning = formatted
    try:
        yield
    finally:
        warnings.formatwarning = former


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the user's line of code: the first one outside topolearn and the modules that wrap its functions.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_user("it began again")
    >>> str(caught[0].message)
    'it began again'
    """
    frame, level = inspect.currentframe(), 1
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in WRAPPERS:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def progress_bar(*args: Any, **options: Any) -> Any:
    """Return a tqdm bar with tqdm's arguments: a widget in a notebook with ipywidgets, else text.

    Examples
    --------
    >>> with progress_bar(total=3, disable=True) as bar:
    ...     _ = bar.update()
    """
    return _bar_class()(*args, **options)


@cache
def _bar_class() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")  # the text bar is fine
        from tqdm.auto import tqdm

    return tqdm


def shows_bars(stream: TextIO | None) -> bool:
    """Return whether a progress bar displays properly: on a terminal or in a notebook.

    A program may have no standard error, have closed it, or have replaced it with a minimal object.

    Examples
    --------
    >>> shows_bars(None)
    False
    """
    if stream is None or not hasattr(stream, "isatty") or getattr(stream, "closed", False):
        return in_notebook()
    return stream.isatty() or in_notebook()


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")  # a kernel has imported it
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config
