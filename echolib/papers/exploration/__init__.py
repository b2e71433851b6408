"""What the data look like, and how close the phantom comes to real frames."""
