"""What the notebook on real patients shows."""

from echolib.papers.exhibits import Paper
from echolib.papers.real_patients import ef, joint, mask_claims, masks

PAPER = Paper(
    title="Real patients",
    notebooks={
        "50_real_patients": (
            *ef.TABLES,
            ef.ERROR_BY_EF,
            ef.ANCHORS_AND_MASKS,
            *ef.CLAIMS,
            masks.OUTLINES,
            masks.AGREEMENT,
            masks.BLAND_ALTMAN,
            masks.TRANSFER,
            masks.PRETRAINED,
            *mask_claims.CLAIMS,
            joint.TABLE,
            joint.CLAIMS,
        )
    },
)
