"""Samples from ratings: scope, labels, split, statistics, history and encodings.

Read samples.py first: it puts the other files of this folder in order.
"""
