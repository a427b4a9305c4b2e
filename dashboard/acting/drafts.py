"""What was typed and chosen and not entered yet, kept so that neither a reload nor a lost connection loses it."""

from __future__ import annotations

from pathlib import Path

from dashboard.acting.who import operator
from dashboard.reading.view import View
from dqm.store.drafts import Draft, delete_draft, read_draft, write_draft


def kept_draft(view: View, run: int, form: str = "") -> Draft:
    """What whoever acts here began on the run, in one of the forms about it."""
    return read_draft(Path(view.path), operator(view).name, run, form)


def keep_draft(view: View, run: int, draft: Draft, form: str = "") -> bool:
    """Keep it; whether it could be kept."""
    return write_draft(Path(view.path), operator(view).name, run, draft, form)


def drop_draft(view: View, run: int, form: str = "") -> None:
    """Forget it: it was entered, or thrown away."""
    delete_draft(Path(view.path), operator(view).name, run, form)
