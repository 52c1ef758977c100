"""Spark SQL over the tables of a root by their plain names, from the command line or a prompt.

`prompt` reads statements and prints rows, `statements` takes a text apart, `permission` tells which
statements only read.
"""
