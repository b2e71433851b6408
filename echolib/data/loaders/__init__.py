"""What tasks learn from, resident on the device: clips, images with masks, frames with keypoints."""
