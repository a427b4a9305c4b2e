"""What stands on a primary button: dark on the light blue of the dark theme, where Streamlit's white would be pale.

Streamlit writes white on the primary colour of either theme. In the dark one that colour is light, so that lines and
chosen words are legible on dark: white on it has a contrast of 2.3, the colour of the page 8.2; 4.5 is the least that
WCAG 2.2 (1.4.3) asks for. The component that is on every page (``keys.shortcuts``) takes the rule to it.
"""

from __future__ import annotations

LIGHT, DARK = "#FFFFFF", "#0E1117"
"""The label of a primary button in the light and in the dark theme."""
STYLE = f"""
button[data-testid^=stBaseButton-primary]:enabled, button[data-testid^=stBaseButton-primary]:enabled:hover {{
  color: light-dark({LIGHT}, {DARK});
}}
"""
"""The rule; a browser that does not know ``light-dark`` leaves them white."""
