"""The simulated heart: shape, motion, population, and the labels that follow from them."""
