"""What is known of the moment of a rating."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def add_scene(rows: DataFrame) -> DataFrame:
    """Add rated_at (timestamp), hour_of_day (int, 0 to 23) and day_of_week (int, 1 Sunday to 7).

    Reads seconds. Hours and days are those of the session's time zone, which is UTC.
    """
    return rows.withColumn("rated_at", F.timestamp_seconds("seconds")).withColumns(
        {"hour_of_day": F.hour("rated_at"), "day_of_week": F.dayofweek("rated_at")}
    )
