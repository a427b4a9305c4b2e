"""The only way to the store: open it for each rerun, read records once per snapshot.

Every cached function is keyed by scalars (path of the store, snapshot, run, budgets), since Streamlit hashes only a
sample of a large table. The records are frozen and shared between sessions: nobody changes them. ``view`` says what one
rerun shows; the other modules read one kind of record each.
"""
