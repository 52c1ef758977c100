"""An invented world: movies, users and ratings whose true probabilities are known.

catalogue (movies) and population (users) are drawn first; plans says what a user rates and when;
liking turns plans into ratings, step by step through time; calibration sets its strengths;
making runs all of it in Spark and files puts it on disk.
"""
