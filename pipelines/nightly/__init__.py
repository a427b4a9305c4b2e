"""A night that runs itself: find what is new, score it, publish, tell, report; whatever happens in between."""
