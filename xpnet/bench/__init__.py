"""Benchmarks that people can trust: backends and rivals on the same work, and the checks that say so.

The protocol: every contestant starts from the same weights, takes the same batches in the same order, and
does the same mathematics in float32, with all data in its device's memory, in a process of its own that is
held to the same number of threads. The harness holds the clock, with the device synchronised at both ends;
contestants take turns epoch by epoch; compiling and warming up are timed apart. Steps, losses and weights are
compared with a float64 reference, and a time whose checks fail does not count.

`session` runs it for `xpnet bench`.
"""
