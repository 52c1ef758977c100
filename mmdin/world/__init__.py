"""An invented world: movies, users and ratings whose true probabilities are known.

catalogue (movies) and population (users) are drawn first; plans says what a user rates and when;
rating_process turns plans into ratings, step by step through time; calibration sets its strengths;
posters draws the movies' posters; generate runs all of it in Spark and files writes it to disk.
"""
