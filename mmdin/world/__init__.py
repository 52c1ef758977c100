"""An invented world: movies, users and ratings whose true probabilities are known.

`catalogue` draws the movies and `population` the users; `plans` draws what each user rates and
when; `rating_process` turns plans into ratings, step by step through time; `calibration` sets the
strengths of its terms; `posters` draws the posters; `generate` runs all of it in Spark, and `files`
writes it to disk.
"""
