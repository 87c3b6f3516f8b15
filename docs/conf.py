"""Settings of Sphinx. ``make docs`` builds the site; its sources lie in ``docs`` and beside it.

The root of the sources is the root of the repository, so that links from a page to a notebook or
another README are the same here and where the repository is looked at.
"""

import inspect
import re
import sys
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

import tsrnn

sys.path.insert(0, str(Path(__file__).parent))
import benchmark_tables

project = "tsrnn"
author = copyright = "The tsrnn developers"
version = release = tsrnn.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
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
highlight_language = "none"  # a block without a language is a sketch or what was printed

nb_execution_mode = "off"  # committed outputs; tests/docs holds them to the code of their cells
nb_number_source_lines = False
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
myst_update_mathjax = False
html_math_renderer = "mathml"  # which browsers show without a script from elsewhere

autosummary_generate = True
autodoc_typehints = "none"  # docstrings have types
autodoc_inherit_docstrings = True
numpydoc_show_class_members = False  # the template of a class lists them
numpydoc_xref_param_type = False
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = f"tsrnn {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_sidebars = {"docs/gallery": []}
html_extra_path = ["_root"]  # the address of the site leads to docs/index.html
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_selector = ":not(.highlight-text) > div.highlight pre"  # not of what is printed


def skip_foreign(app, what, name, member, skip, options):
    """Leave out what a class inherits from scikit-learn or Python: it is described there."""
    function = inspect.unwrap(getattr(member, "fget", None) or getattr(member, "__func__", member))
    module = getattr(function, "__module__", None) or ""
    return None if module.startswith("tsrnn") else True


def mathml_of(node, **options):
    """An equation as MathML; what the converter does not know is a warning."""
    latex = node.astext().replace("{aligned}", "{align*}")  # the name that it knows
    mathml = convert(latex, **options)
    if re.search(r"<mi>(&<|\\)", mathml):
        logging.getLogger(__name__).warning("cannot show this equation: %s", latex, location=node)
    return mathml


def inline_equation(translator, node):
    """Write an equation within a line."""
    translator.body.append(mathml_of(node))
    raise nodes.SkipNode


def equation(translator, node):
    """Write an equation on lines of its own, in a box that scrolls."""
    translator.body.append(f'<div class="math">{mathml_of(node, display="block")}</div>')
    raise nodes.SkipNode


def fill_tables(app, docname, source):
    """Make tables of a page's ``{measured}`` blocks."""
    source[0] = benchmark_tables.fill(source[0])


def setup(app):
    """Connect what is above."""
    app.add_html_math_renderer("mathml", (inline_equation, None), (equation, None))
    app.connect("autodoc-skip-member", skip_foreign)
    app.connect("source-read", fill_tables)
