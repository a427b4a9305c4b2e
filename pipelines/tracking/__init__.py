"""Experiment tracking with MLflow: every training is a run there, every model a version in its registry.

Our own store stays the truth: what certifies is the bundle in the store. MLflow gets a copy with parameters, figures
and curves, so that trainings can be compared, and a model that serves badness without any code of the store.
"""
