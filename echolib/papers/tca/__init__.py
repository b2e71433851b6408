"""Semantic-aware temporal channel-wise attention (Chen and Li, ISBI 2023)."""
