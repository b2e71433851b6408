"""Masks and keypoints by one network: joint segmentation and landmark detection."""
