"""The simulated scanner: speckle, scan lines, the receive chain, and the views it makes."""
