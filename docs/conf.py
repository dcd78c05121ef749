"""How Sphinx builds the documentation: `make docs`, offline, and strictly."""

import inspect
import sys
from pathlib import Path

import topolearn
import topolearn.training

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# Sphinx looks for `__all__` in dir(), where lazily loaded packages leave it out.
for package in (topolearn, topolearn.training):
    package.__dir__ = [*package.__all__, "__all__"].copy

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
]
exclude_patterns = ["_build", "_templates", "gallery", "gallery_built/**/*.ipynb", "gallery_built/**/*.py"]
templates_path = ["_templates"]
nitpicky = True
default_role = "code"

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

# Names at the top level have their page there, and not once more under the package that defines them.
PACKAGES = {name for name in topolearn.__all__ if inspect.ismodule(getattr(topolearn, name))}
autosummary_context = {"top_level": set(topolearn.__all__) - PACKAGES, "packages": PACKAGES}
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
