"""The only way by which a page changes anything: one service of ``dqm.services``, asked for by whoever works here.

A page never writes by itself. Every form carries a nonce, so that a double click counts once, and what it showed of the
run, so that a form that has become stale is refused and the other decision shown.
"""
