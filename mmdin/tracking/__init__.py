"""Training runs in an MLflow server, if tracking.mlflow names one.

`records` reads what is logged of a run from the tables, `server` logs it and is the one module that
imports mlflow, `track` does both.
"""
