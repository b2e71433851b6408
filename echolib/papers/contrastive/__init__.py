"""Contrastive pretraining for segmentation with limited data (Saeed, Muhtaseb, Yaqub; MIUA 2022)."""
