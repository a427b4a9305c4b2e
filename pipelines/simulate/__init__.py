"""A seeded simulation of data taking with recorded truth; everything that it writes says that it is simulated.

``fills`` makes luminosity and the calendar of lumisections, ``rates`` what six subsystems answer to it, ``faults`` the
catalog of what goes wrong, ``placement`` when and how strongly it does, ``campaign`` puts them together and ``write``
turns a campaign into the files that the real readers read.
"""
