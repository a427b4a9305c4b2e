"""Names of the LHC logging system: ``<element>_<cell><L|R><point>_<TYPE><number>.POSST``, and what they tell.

``QRLAB_31L2_CV943.POSST`` is the position of a control valve of the cryogenic line, 31 half-cells to the left of
point 2. What lies to the left of point *p* belongs to the sector that ends there, 12 for point 2, and what lies to its
right to the sector that begins there, 23. A beam-screen loop cools one half-cell: its valve, its heater, its
thermometers and its pressures carry the same ``31L2``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dqm.model.sensors import Measured

POINTS = 8
NAME = re.compile(
    r"(?P<element>[A-Z][A-Z0-9]*)_(?P<cell>\d{1,2})(?P<side>[LR])(?P<point>[1-8])_(?P<device>[A-Z]+)(?P<number>\d+)"
    r"(?:\.(?P<field>[A-Z][A-Z0-9_]*))?"
)
DEVICES: dict[str, tuple[Measured, str]] = {
    "CV": ("valve", "%"),
    "EH": ("heater", "W"),
    "QEH": ("heater", "W"),
    "TT": ("temperature", "K"),
    "PT": ("pressure", "bar"),
    "PDT": ("pressure", "bar"),
    "LT": ("level", "%"),
    "FT": ("flow", "g/s"),
    "QBS": ("heat-load", "W"),
}
"""What a device measures and the unit in which it is usually logged; a declared unit stands over it."""


@dataclass(frozen=True, slots=True)
class LoggedName:
    """The parts of a name: ``31L2`` is ``cell`` 31, ``side`` L, ``point`` 2; ``field`` may be empty."""

    element: str
    cell: int
    side: str
    point: int
    device: str
    number: int
    field: str

    @property
    def sector(self) -> str:
        """The sector of the machine, ``S12`` for what lies to the left of point 2."""
        before, after = (self.point - 2) % POINTS + 1, self.point % POINTS + 1
        return f"S{before}{self.point}" if self.side == "L" else f"S{self.point}{after}"

    @property
    def loop(self) -> str:
        """The control loop: the half-cell, such as ``31L2``."""
        return f"{self.cell}{self.side}{self.point}"

    @property
    def measures(self) -> Measured:
        """What the device measures; ``other`` for one that is not known."""
        return DEVICES.get(self.device, ("other", ""))[0]

    @property
    def unit(self) -> str:
        """Unit in which such a device is usually logged, empty for one that is not known."""
        return DEVICES.get(self.device, ("other", ""))[1]


def logged_name(name: str) -> LoggedName | None:
    """The parts of a name, None where it is outside the grammar.

    >>> logged_name("QRLAB_31L2_CV943.POSST").sector
    'S12'
    """
    found = NAME.fullmatch(name.strip())
    if found is None:
        return None
    part = found.groupdict(default="")
    return LoggedName(
        element=part["element"],
        cell=int(part["cell"]),
        side=part["side"],
        point=int(part["point"]),
        device=part["device"],
        number=int(part["number"]),
        field=part["field"],
    )
