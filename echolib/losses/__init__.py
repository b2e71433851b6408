"""Losses: one function an equation."""

from echolib.losses.anchors import anchor_loss, anchor_targets, auxiliary_loss, decode_anchors
from echolib.losses.contrastive import byol, nt_xent
from echolib.losses.imbalance import BalancedMSE, focal_l1, focal_mse, ranksim, weighted_mse
from echolib.losses.supervised_contrastive import bin_labels, ldw_supcon, rank_n_contrast, supcon
from echolib.losses.uncertainty import gaussian_nll

__all__ = [
    "BalancedMSE",
    "anchor_loss",
    "anchor_targets",
    "auxiliary_loss",
    "bin_labels",
    "byol",
    "decode_anchors",
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
