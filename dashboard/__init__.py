"""Pages and figures over what the pipelines stored; nothing here computes a score or writes to the store.

``app.py`` is what Streamlit runs; ``*_page.py`` are the pages, thin; ``*_tables.py`` and ``*figures.py`` are pure
functions from records of ``dqm`` to tables and Plotly figures, which reports may use too; ``reading.py`` is the only
way to the store and caches by scalars. Text that came from data passes through ``inert.py`` before it is shown.
"""

CONFIG_VARIABLE = "DQM_CONFIG"
"""Environment variable through which the pages learn which configuration they show."""
