"""Actions of people on the store: each authorises on the object that it writes, validates, and appends one entry.

Every action is a function ``(store, people, name, object…, *, nonce, expected=None, at=None)``. It judges by what the
store holds while the write lock is held, so nothing can change between the check and the entry; what it refuses leaves
everything as it was. ``nonce`` names the submission and counts once. ``expected`` is what the form showed of the run
(``dqm.services.shown``), or the number of its last entry; where somebody acted or verdicts changed since, the action
is refused and says what. ``at`` is the clock, for tests. Entries are never altered: undo is a later entry.

The number of an entry orders it. Its time is what the clock said and may go back where the clock was set back: nothing
compares times but the end of a claim and of a silence.
"""
