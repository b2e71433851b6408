"""Losses: one function an equation."""

from echolib.losses.contrastive import byol, nt_xent
from echolib.losses.imbalance import BalancedMSE, focal_l1, focal_mse, ranksim, weighted_mse
from echolib.losses.supervised_contrastive import bin_labels, ldw_supcon, rank_n_contrast, supcon
from echolib.losses.uncertainty import gaussian_nll

__all__ = [
    "BalancedMSE",
    "bin_labels",
    "byol",
    "focal_l1",
    "focal_mse",
    "gaussian_nll",
    "ldw_supcon",
    "nt_xent",
    "rank_n_contrast",
    "ranksim",
    "supcon",
    "weighted_mse",
]
