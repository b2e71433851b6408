"""EchoMEN (Lai et al., MICCAI 2024): ejection fraction under label imbalance."""
