"""From a folder of MovieLens files to the tables ratings, movies, links and rejected_rows."""

from contextlib import ExitStack

from pyspark.sql import DataFrame

from mmdin.ingest import links, movies, ratings
from mmdin.ingest.csv_files import read_csv
from mmdin.ingest.rejection import check_counts, kept, rejected
from mmdin.schemas import LINKS, MOVIES, RATINGS, REJECTED_ROWS
from mmdin.tables import Tables


def write_movielens(tables: Tables, folder: str) -> None:
    """Write the tables movies, links, ratings and rejected_rows from a folder's CSV files.

    Logs how many rows of each file were read, kept, and rejected for each reason. Nothing is
    written before all files have been read and checked.

    Args:
        tables: to write to.
        folder: of MovieLens' CSV files.

    Raises:
        InputDataError: if the folder is not given, a file or a column is missing, or no row of a
            file can be used.
    """
    movie_rows, link_rows, rating_rows = (
        read_csv(tables.spark, folder, part.FILE, part.COLUMNS) for part in (movies, links, ratings)
    )
    with ExitStack() as cached:

        def check(judged: DataFrame, rows: DataFrame, file: str) -> DataFrame:
            # Cached, so that a file is parsed once for its counts and its two tables.
            cached.callback(judged.persist().unpersist)
            check_counts(judged, rows.count(), file)
            return judged

        judged_movies = check(movies.judge_movies(movie_rows), movie_rows, movies.FILE)
        judged_links = check(links.judge_links(link_rows), link_rows, links.FILE)
        judged_ratings = check(
            ratings.judge_ratings(rating_rows, kept(judged_movies, "movie_id")),
            rating_rows,
            ratings.FILE,
        )
        tables.write(MOVIES, kept(judged_movies, *MOVIES.columns))
        tables.write(LINKS, kept(judged_links, *LINKS.columns))
        tables.write(RATINGS, kept(judged_ratings, *RATINGS.columns))
        rejected_rows = rejected(judged_movies, movies.FILE)
        rejected_rows = rejected_rows.unionByName(rejected(judged_links, links.FILE))
        tables.write(
            REJECTED_ROWS, rejected_rows.unionByName(rejected(judged_ratings, ratings.FILE))
        )
