"""Lists of movies for users: candidates, the network's order, reasons, and how good they are."""
