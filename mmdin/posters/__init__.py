"""From poster images to their features."""
