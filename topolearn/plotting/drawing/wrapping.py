"""Text wrapped into lines that fit."""

import re
import textwrap
from collections.abc import Callable
from weakref import WeakKeyDictionary

from matplotlib.backend_bases import RendererBase
from matplotlib.text import Text

FEWEST_LETTERS = 8  # minimum length of a line
HELD = re.compile(r" (?=%)|(?<=[=×|]) | (?=[=×|])")  # non-breaking spaces
SHOWN: WeakKeyDictionary[Text, tuple[str, str]] = WeakKeyDictionary()  # the original text, and the wrapped one


def wrapped(text: str, room: float, width: Callable[[str], float]) -> str:
    """Return a text in lines that fit, but not shorter than eight characters.

    Examples
    --------
    >>> wrapped("410 links, density 10 %", 12, lambda text: max(map(len, text.splitlines()))).split("\\n")
    ['410 links,', 'density 10\\xa0%']
    """
    letters = max(map(len, text.splitlines()), default=0)
    broken = text
    while (wide := width(broken)) > room and letters > FEWEST_LETTERS:
        letters = max(FEWEST_LETTERS, min(letters - 1, int(letters * room / wide)))
        held = HELD.sub("\u00a0", text)
        broken = "\n".join(line for each in held.splitlines() for line in textwrap.wrap(each, letters) or [""])
    return broken


def wrap(text: Text, room: float, renderer: RendererBase, *, rewrap: bool = True) -> None:
    """Wrap a text of a figure: always if `rewrap`, since it may have more room now, else only if it does not fit."""
    said, shown = SHOWN.get(text, ("", ""))
    if text.get_text() != shown:
        said = text.get_text()

    def length(words: str) -> float:
        text.set_text(words)
        box = text.get_window_extent(renderer)
        return float(box.height if text.get_rotation() == 90 else box.width)

    if said and (rewrap or length(text.get_text()) > room):
        text.set_text(wrapped(said, room, length))
        SHOWN[text] = said, text.get_text()
