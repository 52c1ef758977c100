"""Write and read a Delta table. Set-up runs this to archive the classes that a session loads."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main(path: str) -> None:
    """Exercise the parts of Spark that every job uses: SQL, shuffles, Arrow and Delta."""
    spark = SparkSession.builder.appName("mmdin set-up").getOrCreate()
    rows = spark.range(1000).withColumn("key", F.col("id") % 7)
    counts = rows.groupBy("key").agg(F.count("*").alias("rows"), F.avg("id").alias("mean"))
    counts.write.format("delta").mode("overwrite").save(path)
    table = spark.read.format("delta").load(path)
    table.join(rows, "key").orderBy("id").limit(10).toPandas()
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
