"""How Sphinx builds the documentation: `make docs`, offline, and strictly."""

import sys
from pathlib import Path

import topolearn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

project = "topolearn"
author = "the topolearn developers"
copyright = author
version = release = topolearn.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "docs.extensions.directives",
    "docs.extensions.mathml",
    "docs.extensions.reference",
]
exclude_patterns = ["_build", "_templates", "gallery", "gallery_built/**/*.ipynb", "gallery_built/**/*.py"]
templates_path = ["_templates"]
nitpicky = True
# Other projects' inventories need a network, and types behind an alias have no page.
nitpick_ignore_regex = [
    ("py:class", r"(torch|numpy|scipy|collections)\..*"),
    ("py:class", r"topolearn\.(sparse\.gradients|distributed)\.\w*record\..*"),
]
default_role = "code"

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
autodoc_default_options = {"members": True}
numpydoc_show_class_members = False
numpydoc_validation_checks = set()

html_theme = "furo"
html_title = f"topolearn {version}"
html_static_path = ["_static"]
html_css_files = ["wide_tables.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "gallery_built",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "min_reported_time": 1000,
    "write_computation_times": False,
    "abort_on_example_error": True,
    "image_scrapers": ("matplotlib",),
    "default_thumb_file": None,
    "doc_module": (),
    "reset_modules": ("matplotlib",),
}
