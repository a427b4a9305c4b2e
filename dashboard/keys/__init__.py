"""The keyboard: shortcuts that press what a person may press, a help overlay, and text kept while it is typed.

A shortcut finds a button, link or field by the key of its widget and presses it, so that it can do nothing that a
click could not, and does nothing where the button is disabled or not there.
"""
