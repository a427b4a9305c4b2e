"""What Streamlit runs: find the configuration and the store, then show one of the pages."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard import CONFIG_VARIABLE
from dashboard.acting.act import show_told
from dashboard.acting.who import choose_operator
from dashboard.comparison import page as compare_page
from dashboard.keys.shortcuts import listen
from dashboard.links import Links
from dashboard.look.empty_states import show_error
from dashboard.look.in_place import FORESEEN
from dashboard.look.inert import for_markdown
from dashboard.meanwhile import tell_newer
from dashboard.one_run import page as run_page
from dashboard.reading.view import View, view
from dashboard.records import alerts, models, operations, outliers
from dashboard.runs_queue import page as queue_page
from dashboard.sensors import page as sensors_page
from dashboard.sign_off import page as sign_off_page
from dashboard.trade_off import page as trade_off_page

Show = Callable[[View, Links], None]
"""What a page is: it shows a view, and leads to other pages."""
SHIFT: dict[str, tuple[str, Show]] = {
    "queue": ("Queue", queue_page.show),
    "run": ("Run", run_page.show),
    "compare": ("Compare", compare_page.show),
    "trade-off": ("Trade-off", trade_off_page.show),
    "sign-off": ("Sign-off", sign_off_page.show),
    "sensors": ("Sensors", sensors_page.show),
}
"""Name in the address, title and function of every page that a shift works with; the first is where one begins."""
WATCHED = ("queue", "run", "sign-off")
"""Pages that tell when what they show is not the newest any more."""
BEGIN = "begin"
"""Name that Streamlit wants for the page at "/", so that its own name in an address can lead there too."""
RECORDS: dict[str, tuple[str, Show]] = {
    "outliers": ("Outliers", outliers.show),
    "models": ("Models", models.show),
    "alerts": ("Alerts", alerts.show),
    "operations": ("Operations", operations.show),
}
"""The same of the pages that are only read; they stand under a heading of their own."""


def main() -> None:
    """Lay out the pages and run the one that the address names.

    No page has an icon: Streamlit would make it the icon of the tab too, and fetch that from another machine.
    """
    st.set_page_config(page_title="lumicert", layout="wide")
    pages: dict[str, StreamlitPage] = {}

    def go(name: str, query: Mapping[str, str]) -> None:
        st.switch_page(pages[name], query_params=dict(query))

    for at, (name, (title, show)) in enumerate((SHIFT | RECORDS).items()):
        path = BEGIN if at == 0 else name
        pages[name] = st.Page(
            guarded(show, Links(go), watched=name in WATCHED), title=title, url_path=path, default=at == 0
        )
    first = next(iter(SHIFT))

    def lead() -> None:  # the entry at "/" is the one that the navigation marks
        go(first, st.query_params.to_dict())

    named = st.Page(lead, title=SHIFT[first][0], url_path=first, visibility="hidden")
    sections = {"": [*(pages[name] for name in SHIFT), named], "Records": [pages[name] for name in RECORDS]}
    st.navigation(sections, position="top").run()


def guarded(show: Show, links: Links, *, watched: bool = False) -> Callable[[], None]:
    """A page that looks at the newest snapshot first, and shows an error that we foresaw as one line.

    One that is ``watched`` tells when something newer came.
    """

    def page() -> None:
        try:
            seen = view(os.environ.get(CONFIG_VARIABLE, ""))
            where, newer, keys, who = st.columns([3.5, 2.5, 1, 2], vertical_alignment="center")
            where.caption(f"{for_markdown(seen.config.experiment.name)} · snapshot {seen.snapshot}")
            with newer:
                if watched:
                    tell_newer(seen)
            with keys:
                listen()
            with who:
                choose_operator(seen)
            show_told()
            show(seen, links)
        except FORESEEN as error:
            show_error(error)

    return page


if __name__ == "__main__":
    main()
