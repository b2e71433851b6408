"""The four systems of EchoMEN's Table 1 that are more than a loss."""
