"""The page Compare: one monitor element in some lumisections beside what earlier runs had.

``choice`` says in an address which reference is asked for, ``reference`` makes it of earlier runs by the arithmetic of
``features.pasts``, ``standing`` compares; ``tables`` and ``figures`` show that, and ``dqm compare`` uses them too.
"""
