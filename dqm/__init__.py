"""Nouns, formats, store, the arithmetic of decisions and the services that act on them.

``model`` is what everything speaks of; ``formats``, ``store`` and ``decide`` see only the model; ``services`` see all.
Nothing here imports a learning library, a tracker, a scheduler or a page.
"""

__version__ = "0.1.0"
