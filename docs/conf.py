"""Settings of Sphinx. ``make docs`` builds the site; its sources lie in ``docs`` and beside it.

The root of the sources is the root of the repository, so that links from a page to a notebook or
another README are the same here and where the repository is looked at.
"""

import inspect
from pathlib import Path

import tsrnn

project = "tsrnn"
author = copyright = "The tsrnn developers"
version = release = tsrnn.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
]
root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "docs/reference/generated/*.rst",
    "notebooks/*.ipynb",
    "benchmarks/README.md",
    "datasets/README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
]
exclude_patterns = ["**/_build", "**/.*", "build", "dist", "tests", "tsrnn", "tools"]
templates_path = [str(Path(__file__).parent / "_templates")]
nitpicky = True

nb_execution_mode = "off"  # committed outputs; tests/docs holds them to the code of their cells
nb_number_source_lines = False
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # docstrings have types
autodoc_inherit_docstrings = True
numpydoc_show_class_members = False  # the template of a class lists them
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = f"tsrnn {version}"
html_extra_path = ["_root"]  # the address of the site leads to docs/index.html
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
}
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True


def skip_foreign(app, what, name, member, skip, options):
    """Leave out what a class inherits from scikit-learn or Python: it is described there."""
    function = inspect.unwrap(getattr(member, "fget", None) or getattr(member, "__func__", member))
    module = getattr(function, "__module__", None) or ""
    if what == "class" and not module.startswith("tsrnn"):
        return True
    return None


def setup(app):
    """Connect what is above."""
    app.connect("autodoc-skip-member", skip_foreign)
