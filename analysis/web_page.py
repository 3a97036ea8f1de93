"""HTML pages that need no other file: Jinja2 templates, and charts that draw themselves offline."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.datasets.whole_file import whole_file

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def write_html(path: Path, template: str, **values: Any) -> Path:
    """Fill a template and write it in one step.

    Parameters
    ----------
    path : Path
        The file; its folder is made if it is not there.
    template : str
        A file in ``templates``, such as ``"report.html"``.
    **values : object
        What the template calls them; all text is escaped.

    Returns
    -------
    Path
        The file.
    """
    text = _environment().get_template(template).render(**values)
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return path


def chart_json(chart: Mapping[str, Any]) -> str:
    """Return a chart as JSON that is safe inside of a script element."""
    return json.dumps(chart, separators=(",", ":")).replace("<", "\\u003c")


@functools.cache
def chart_script() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script of 0.9 MB.

    Putting it together takes seconds, so that it is kept in the cache folder of archcost.
    """
    import platformdirs
    import vl_convert

    name = f"vega-of-vl-convert-{version('vl-convert-python')}.js"
    file = Path(platformdirs.user_cache_dir("archcost", appauthor=False)) / name
    if file.is_file():
        return file.read_text(encoding="utf-8")
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    script = script.replace("</script", "<\\/script")
    try:
        with whole_file(file) as unfinished:
            unfinished.write_text(script, encoding="utf-8")
    except OSError:  # nowhere to keep it
        pass
    return script


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["chart_json"] = chart_json
    environment.globals["chart_script"] = chart_script
    return environment
