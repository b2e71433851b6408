"""Losses, one equation a module, and the weights of labels that some of them take."""

from echolib.losses.anchors import anchor_loss, anchor_targets, decode_anchors
from echolib.losses.balanced import BalancedMSE
from echolib.losses.byol import byol
from echolib.losses.expert_weights import expert_weights
from echolib.losses.focal import focal_l1, focal_mse
from echolib.losses.inverse_frequency import frequency_weights
from echolib.losses.label_pairs import bin_labels
from echolib.losses.lds import lds_weights
from echolib.losses.ldw_supcon import ldw_supcon, log_label_weights
from echolib.losses.nt_xent import nt_xent
from echolib.losses.overlap import soft_dice_loss
from echolib.losses.partial_labels import map_loss, mask_loss
from echolib.losses.rank_n_contrast import rank_n_contrast
from echolib.losses.ranksim import ranksim
from echolib.losses.semantic import auxiliary_loss
from echolib.losses.supcon import supcon
from echolib.losses.uncertainty import gaussian_nll
from echolib.losses.weighted import weighted_mse

__all__ = [
    "BalancedMSE",
    "anchor_loss",
    "anchor_targets",
    "auxiliary_loss",
    "bin_labels",
    "byol",
    "decode_anchors",
    "expert_weights",
    "focal_l1",
    "focal_mse",
    "frequency_weights",
    "gaussian_nll",
    "lds_weights",
    "ldw_supcon",
    "log_label_weights",
    "map_loss",
    "mask_loss",
    "nt_xent",
    "rank_n_contrast",
    "ranksim",
    "soft_dice_loss",
    "supcon",
    "weighted_mse",
]
