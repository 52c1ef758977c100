"""Training as the driver sees it: runs are planned, started on ranks, and recorded."""
