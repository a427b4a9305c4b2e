"""What Streamlit runs: find the configuration and the store, then show one of the pages."""

from __future__ import annotations

import os
from collections.abc import Callable

import streamlit as st

from dashboard import CONFIG_VARIABLE
from dashboard.look.empty_states import show_error
from dashboard.look.inert import for_markdown
from dashboard.one_run import page as run_page
from dashboard.reading.view import View, view
from dashboard.runs_queue import page as runs_page
from dashboard.sensors import page as sensors_page
from dashboard.trade_off import page as trade_off_page
from dqm.model.errors import ConfigError, StoreError, UnknownNameError


def main() -> None:
    """Lay out the pages and run the one that the address names.

    No page has an icon: Streamlit would make it the icon of the tab too, and fetch that from another machine.
    """
    st.set_page_config(page_title="lumicert", layout="wide")
    run = st.Page(guarded(run_page.show), title="Run", url_path="run")

    def open_run(number: int) -> None:
        st.switch_page(run, query_params={"run": str(number)})

    runs = st.Page(guarded(lambda seen: runs_page.show(seen, open_run)), title="Runs", default=True)
    trade_off = st.Page(guarded(trade_off_page.show), title="Trade-off", url_path="trade-off")
    sensors = st.Page(guarded(sensors_page.show), title="Sensors", url_path="sensors")
    st.navigation([runs, run, trade_off, sensors], position="top").run()


def guarded(show: Callable[[View], None]) -> Callable[[], None]:
    """A page that looks at the newest snapshot first, and shows an error that we foresaw as one line."""

    def page() -> None:
        try:
            seen = view(os.environ.get(CONFIG_VARIABLE, ""))
            st.caption(f"{for_markdown(seen.config.experiment.name)} · snapshot {seen.snapshot}")
            show(seen)
        except (ConfigError, StoreError, UnknownNameError) as error:
            show_error(error)

    return page


if __name__ == "__main__":
    main()
