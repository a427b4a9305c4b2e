"""What holds although things break: processes killed, disks full, receivers failing, crowds, hostile names and texts.

Every part is a function that tries one guarantee many times and returns a ``Guarantee``: how often it was tried and how
often it failed. Faults are injected from outside, by wrapping what the product calls, in a process that was forked for
the case; no hook is in the product.
"""
