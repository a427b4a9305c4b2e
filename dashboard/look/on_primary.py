"""What stands on a primary button: dark on the light blue of the dark theme, where Streamlit's white would be pale.

Streamlit writes white on the primary colour of either theme. In the dark one that colour is light, so that lines and
chosen words are legible on dark: white on it has a contrast of 2.3, the colour of the page 8.2; 4.5 is the least that
WCAG 2.2 (1.4.3) asks for.
"""

from __future__ import annotations

import streamlit as st

LIGHT, DARK = "#FFFFFF", "#0E1117"
"""The label of a primary button in the light and in the dark theme."""


def legible_buttons() -> None:
    """Let every primary button have a legible label; takes no room on the page."""
    st.html(
        "<style>button[data-testid^=stBaseButton-primary]:enabled,"
        "button[data-testid^=stBaseButton-primary]:enabled:hover "
        f"{{ color: light-dark({LIGHT}, {DARK}); }}</style>"
    )
