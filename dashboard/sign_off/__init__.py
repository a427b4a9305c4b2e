"""Sign-off: what keeps a run from being signed, who signs it, and what is published of all of them."""
