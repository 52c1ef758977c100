"""From MovieLens' files to tables of ratings, movies and links."""
