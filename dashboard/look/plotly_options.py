"""What every Plotly figure of the pages has in common."""

PLOT = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
"""Plotly's tools without its logo, which would be a link to the outside, and without what does nothing here."""
