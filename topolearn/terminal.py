"""The door of terminals and tables: no name moves the cursor, breaks a line, ends a cell or turns text around."""

import inspect
import json
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TextIO

WRAPPERS = ("topolearn", "contextlib", "functools")  # whose lines say nothing to who is warned
# Control characters (also of eight bits), ends of lines and paragraphs, what turns the direction of text, surrogates.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def visible(text: object) -> str:
    r"""Return text in one line, in which each character that a terminal would obey is written as Python escapes it.

    Examples
    --------
    >>> print(visible("fc1\x1b[2J\nepoch 2"))
    fc1\x1b[2J\nepoch 2
    >>> visible("Zürich · 層")
    'Zürich · 層'
    """
    return _HIDDEN.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), str(text))


def say(*blocks: object, stream: TextIO | None = None) -> None:
    r"""Print blocks of text, whose lines end at line feeds alone, with everything else made `visible`.

    A name goes through `visible` before it enters a block of several lines, or it could bring lines of its own.

    Parameters
    ----------
    *blocks : object
        Each printed on lines of its own.
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
    r"""Print values as JSON in ASCII, which a terminal shows and a program reads back exactly.

    Examples
    --------
    >>> say_json({"fc\x7f": 1})
    {
      "fc\u007f": 1
    }
    """
    print(json.dumps(values, indent=2).replace("\x7f", "\\u007f"), file=stream or sys.stdout, flush=True)


def say_content(text: str, stream: TextIO | None = None) -> None:
    """Print what a model wrote: exactly into a file or a pipe, and with its lines, made `visible`, on a terminal."""
    stream = stream or sys.stdout
    if stream.isatty():
        say(text, stream=stream)
    else:
        print(text, file=stream, flush=True)


def markdown_cell(value: object) -> str:
    r"""Return a value as a cell of a table in Markdown has it: in one line, without an end of the cell, or HTML.

    Examples
    --------
    >>> print(markdown_cell("a|b <script>"))
    a\|b &lt;script>
    """
    return visible(str(value).replace("\n", " ")).replace("|", r"\|").replace("<", "&lt;")


@contextmanager
def visible_warnings() -> Iterator[None]:
    """Let each warning be one line, with names as they are printed, within a block."""
    former = warnings.formatwarning

    def formatted(message: Any, *place: Any, **options: Any) -> str:
        return f"topolearn: warning: {visible(message)}\n"

    warnings.formatwarning = formatted
    try:
        yield
    finally:
        warnings.formatwarning = former


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, and name the line of the user's program: the first outside of topolearn and of what wraps its functions.

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
    """Return a bar of tqdm, by its own arguments: in a notebook a widget, where ipywidgets is installed, else text.

    Examples
    --------
    >>> with progress_bar(total=3, disable=True) as bar:
    ...     _ = bar.update()
    """
    return _bar_class()(*args, **options)


@cache
def _bar_class() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")  # text does as well
        from tqdm.auto import tqdm

    return tqdm


def shows_bars(stream: TextIO | None) -> bool:
    """Return whether a bar that is drawn again and again is seen as one: on a terminal, and in a notebook.

    A program may have no standard error, have closed it, or have put an object in its place that can only be written.

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
    ipython = sys.modules.get("IPython")  # which a kernel has imported
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config
