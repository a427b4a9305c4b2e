"""Text that came from data, made harmless for the place where it is shown: Markdown, a figure, a spreadsheet."""

from __future__ import annotations

import html
import re

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def for_markdown(text: str) -> str:
    """Show ``text`` literally where Streamlit expects Markdown: no markup, no link, no image that would be fetched.

    Markdown makes links of bare addresses even where their punctuation is escaped, so these are broken apart with an
    invisible space.

    >>> print(for_markdown("![x](y) *z*"))
    \\!\\[x\\]\\(y\\) \\*z\\*
    """
    one_line = " ".join(str(text).split())
    apart = re.sub(r"(?<=/)(?=/)|(?<=[Ww]{3})(?=\.)|(?=@)", "\u200b", one_line)
    return _PUNCTUATION.sub(r"\\\1", apart)


def for_figure(text: str) -> str:
    """Show ``text`` literally where Plotly expects its subset of HTML.

    >>> for_figure("<b>x</b>")
    '&lt;b&gt;x&lt;/b&gt;'
    """
    return html.escape(str(text), quote=False)


def for_spreadsheet(text: str) -> str:
    """Keep ``text`` from being run as a formula by a spreadsheet that opens the CSV: an apostrophe comes before it.

    >>> for_spreadsheet("=cmd|' /C calc'!A0")
    "'=cmd|' /C calc'!A0"
    """
    text = str(text)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
