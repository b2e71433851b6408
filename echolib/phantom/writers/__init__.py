"""The simulated heart written in the formats of the datasets."""
