"""Scores of test and validation rows by networks and by naive predictors."""
