"""`Explorer`: the interactive page."""

import base64
import hashlib
import html
import os
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import jinja2
from markupsafe import Markup

from topolearn.files import written_aside
from topolearn.plotting.explorer.scene import Scene

PACKAGE = "topolearn.plotting.explorer"
SCRIPTS = (
    "unpacking.js",
    "places.js",
    "drawing.js",
    "following.js",
    "telling.js",
    "picture.js",
    "page.js",
)  # in this order
STYLE = "style.css"
HEIGHT = 760  # pixels in a notebook


class Explorer:
    """An interactive page of the links of a graph; a notebook shows it, and `save` writes it.

    Parameters
    ----------
    scene : Scene
        The content of the page.

    Examples
    --------
    >>> import topolearn as tl
    >>> tl.Graph([(0, 1), (1, 2)], 3).explore()
    Explorer(3 nodes, 2 links): save(path) writes the page, a notebook shows it
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    @cached_property
    def html(self) -> str:
        """The page as self-contained HTML, which loads nothing from elsewhere."""
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader(PACKAGE, ""), autoescape=True, undefined=jinja2.StrictUndefined
        )
        style = f"\n{_text(STYLE)}"
        script = "\n".join(['\n"use strict";', *map(_text, SCRIPTS)])
        return environment.get_template("page.html.j2").render(
            scene=self.scene,
            data=self.scene.data(),
            style=Markup(style),  # trusted, like the script
            script=Markup(script),
            policy=f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'",
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, completely or not at all; return its path.

        Raises
        ------
        MissingFileError, InvalidValueError
            When the directory of the file does not exist, or `path` is a directory.
        """
        with written_aside(path) as aside:
            aside.write_text(self.html, encoding="utf-8")
        return Path(path)

    def _repr_html_(self) -> str:
        """Return the page in a sandboxed frame, which cannot access the notebook."""
        frame = f'sandbox="allow-scripts" title="{html.escape(self.scene.title)}" loading="lazy"'
        look = f'style="width: 100%; height: {HEIGHT}px; border: 0"'
        return f'<iframe {frame} {look} srcdoc="{html.escape(self.html)}"></iframe>'

    def __repr__(self) -> str:
        return f"Explorer({self.scene.summary}): save(path) writes the page, a notebook shows it"


def _text(name: str) -> str:
    return (files(PACKAGE) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the hash that allows a script or style in the page's content security policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"
