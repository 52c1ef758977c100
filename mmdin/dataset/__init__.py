"""From the Parquet files of `samples` to the batches of one rank."""
