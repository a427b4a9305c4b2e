"""Sensor streams into a feature table: what every sensor and loop did in the minutes before the end of each bin.

A row looks at readings before the end of its bin and at no later one. ``columns`` says what there is, ``windows`` makes
it of one sensor (``order`` percentiles, ``trends`` slopes, gaps and shares, ``rhythm`` oscillation and control,
``held`` values that hold until they change), ``loops`` of sensors together, ``learned`` what a past says about sensors
that nobody described, ``stream`` is the way in: all at once or bin by bin, with equal numbers.
"""
