"""From the Parquet files of `samples` to batches for one rank."""
