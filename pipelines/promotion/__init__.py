"""Which model scores: a challenger beside the champion on runs that neither had seen, and who let it take over."""
