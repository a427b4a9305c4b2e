"""Alerts that arrive: what happened is posted with the change that made it true, and told at least once.

``producing`` makes events of verdicts and findings, ``relay`` takes posted events to the receivers, each of which is
one small file. An event has one id for ever: who is told twice can tell.
"""
