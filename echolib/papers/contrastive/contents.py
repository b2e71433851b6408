"""What each notebook of contrastive pretraining shows."""

from echolib.papers.contrastive.claims import CLAIMS, CLAIMS_IN_PARTS
from echolib.papers.contrastive.tables import DETAILS, LINEAR_PROBE, PRETRAINING, TABLE_1, TABLE_2
from echolib.papers.exhibits import Paper

PAPER = Paper(
    title="Contrastive pretraining",
    notebooks={
        "10_contrastive_pretraining": (PRETRAINING, LINEAR_PROBE),
        "11_contrastive_segmentation": (TABLE_1, TABLE_2, *DETAILS.values(), CLAIMS, CLAIMS_IN_PARTS),
    },
)
