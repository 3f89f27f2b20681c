"""How Sphinx makes the book: `make book`, to build/book. Every warning is an error there.

Here: the settings, and the diagram, which lifeline.py draws from the executed table. Not here: the numbers
of the chapters, which run_figures.py finds. Code is quoted by the name of the function, so that a renamed one
breaks the build.
"""

from __future__ import annotations

import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(HERE))

import lifeline  # noqa: E402 (beside this file)
import run_figures  # noqa: E402

project = "netlab"
author = "the authors of netlab"
extensions = ["myst_parser"]
exclude_patterns = ["steps/*"]
nitpicky = True
myst_enable_extensions = ["substitution", "colon_fence"]
myst_heading_anchors = 3
# The files that are included speak of the source tree; their links to it are no pages of the book.
html_theme = "furo"
html_title = "netlab: the book"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["book.css"]
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


myst_substitutions = run_figures.figures(HERE / "figures.json", ROOT / "labs" / "report" / "index.json")


class Life(SphinxDirective):
    """The states of a connection and every move between them, drawn from netlab's own table."""

    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", lifeline.html(), format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.add_directive("life-of-a-connection", Life)
    return {"parallel_read_safe": True}
