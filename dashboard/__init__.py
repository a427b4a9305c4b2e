"""Pages and figures over what the pipelines stored; nothing here computes a score, and what people do is a service.

``app`` is what Streamlit runs. Every page has a room of its own: its ``page`` is thin, ``tables`` and ``figures`` are
pure functions from records of ``dqm``, which reports may use too. ``reading`` is the only way to what the store holds
and caches by scalars, ``acting`` the only way to change anything. Text that came from data passes through
``look.inert`` before it is shown.
"""

CONFIG_VARIABLE = "DQM_CONFIG"
"""Environment variable through which the pages learn which configuration they show."""
