"""Small components that draw on the page itself: no frame, no library, no request.

Each is a Python module that packs numbers and a script beside it that paints them. Colours of states come from
``look.palette``, those of text and lines from the theme, so that both modes are legible. A canvas says nothing to who
cannot see it, so every one has a label that says what it shows and a table beside it.
"""
