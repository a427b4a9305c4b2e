"""Where everything meets: the command line, the steps of a certification, the simulation and the benchmarks.

The steps are one module per verb under ``pipelines.run``: ``ingest``, ``train``, ``score``, ``certify``; the
walk-forward that rehearses them on the past is ``pipelines.run.rolling``.
"""
