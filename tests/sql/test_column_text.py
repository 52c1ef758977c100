"""Columns as text in SQL: the text means what the column means."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mmdin.features.tastes import genre_bias, recent_bias
from mmdin.schemas import USER_STATES
from mmdin.sql.column_text import to_sql

RATED = USER_STATES.schema["rated"].dataType.simpleString()


def test_text_of_a_column_gives_its_values(spark: SparkSession) -> None:
    ratings = [(1, 0.5 * n - 1.25, None, 2 * n + 2) for n in range(12)]
    rows = spark.createDataFrame(
        [(ratings, 0.25, 6, "1.5 +(x) 'y'"), (ratings[:1], -0.5, 2, ""), (None, 0.0, 0, None)],
        f"rated {RATED}, user_bias double, genre_bits long, `text` string",
    )
    columns = {
        "genre_bias": genre_bias(),
        "recent_bias": recent_bias(),
        "number": (F.col("user_bias") - 1.5) * F.col("genre_bits") / 3 + 1e-7,
        "condition": F.when((F.col("genre_bits") > 1) & ~F.col("text").isNull(), "-(1.5)"),
        "literal": F.concat("text", F.lit("1.5 +(x) \\ 'y'")),
    }
    by_text = rows.select(*(F.expr(to_sql(c)).alias(name) for name, c in columns.items()))
    by_column = rows.select(*(c.alias(name) for name, c in columns.items()))
    assert by_text.collect() == by_column.collect()
