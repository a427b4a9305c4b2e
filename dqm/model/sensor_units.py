"""Units of sensors: their spellings, and how a number in one becomes a number in another."""

from __future__ import annotations

SPELLINGS = {
    "c": "°C", "°c": "°C", "degc": "°C", "deg c": "°C", "celsius": "°C",
    "f": "°F", "°f": "°F", "degf": "°F",
    "kelvin": "K", "k": "K",
    "hpa": "hPa", "kpa": "kPa", "pa": "Pa", "torr": "Torr",
    "percent": "%", "pct": "%", "w": "W", "kw": "kW", "a": "A", "v": "V",
    "l/min": "L/min", "lpm": "L/min", "l/s": "L/s", "bara": "bar",
}  # fmt: skip
"""What is meant by a spelling in any case; units that it does not list keep theirs (mW is no MW)."""

DIMENSIONS: tuple[dict[str, tuple[float, float]], ...] = (
    {"K": (1, 0), "mK": (1e-3, 0), "uK": (1e-6, 0), "°C": (1, 273.15), "°F": (5 / 9, 459.67 * 5 / 9)},
    {
        "Pa": (1, 0), "hPa": (1e2, 0), "mbar": (1e2, 0), "kPa": (1e3, 0), "bar": (1e5, 0), "MPa": (1e6, 0),
        "Torr": (133.322368, 0),
    },
    {"W": (1, 0), "mW": (1e-3, 0), "kW": (1e3, 0), "MW": (1e6, 0)},
    {"%": (1e-2, 0), "fraction": (1, 0)},
    {"A": (1, 0), "mA": (1e-3, 0), "kA": (1e3, 0)},
    {"V": (1, 0), "mV": (1e-3, 0), "kV": (1e3, 0)},
    {"g/s": (1e-3, 0), "kg/s": (1, 0)},
    {"L/min": (1 / 60, 0), "L/s": (1, 0)},
    {"B/s": (1, 0), "kB/s": (1e3, 0), "MB/s": (1e6, 0), "GB/s": (1e9, 0)},
    {"s": (1, 0), "ms": (1e-3, 0), "us": (1e-6, 0)},
)  # fmt: skip
"""Of every unit the factor and the summand that take it to the first unit of its kind."""


def unit_of(text: str) -> str:
    """The unit that a spelling means.

    >>> unit_of("degC"), unit_of("HPa"), unit_of("furlong")
    ('°C', 'hPa', 'furlong')
    """
    plain = text.strip()
    known = any(plain in each for each in DIMENSIONS)
    return plain if known else SPELLINGS.get(plain.lower(), plain)


def conversion(given: str, wanted: str) -> tuple[float, float] | None:
    """``(factor, summand)`` such that ``factor * x + summand`` is in the wanted unit; None where there is no way.

    >>> conversion("°C", "K")
    (1.0, 273.15)
    """
    given, wanted = unit_of(given), unit_of(wanted)
    if given == wanted:
        return 1.0, 0.0
    for units in DIMENSIONS:
        if given in units and wanted in units:
            (a, b), (c, d) = units[given], units[wanted]
            return a / c, (b - d) / c
    return None
