"""What the notebooks on EchoMEN show, in order."""

from echolib.papers.echomen import ablation, claims, comparison, stages
from echolib.papers.exhibits import Paper

PAPER = Paper(
    title="EchoMEN",
    notebooks={
        "20_echomen_stage1": (stages.FEATURE_MAPS, stages.FEATURE_ORDER, stages.STAGE1_ERRORS, claims.FEATURES),
        "21_echomen_stage2": (
            stages.EXPERTS_BY_CLASS,
            stages.NUMBER_OF_EXPERTS,
            stages.TOP_K_ROUTING,
            claims.EXPERTS,
            claims.EXPERTS_IN_PARTS,
        ),
        "22_echomen_comparison": (
            comparison.TABLE_1_MAE,
            comparison.TABLE_1_GM,
            comparison.ERROR_BY_EF,
            comparison.SCATTER,
            comparison.SLOPES,
            comparison.COST,
            comparison.CONFORMAL,
            claims.ERRORS,
            claims.ERRORS_IN_PARTS,
            claims.ERRORS_GM,
            claims.ERRORS_GM_IN_PARTS,
            claims.SLOPE,
        ),
        "23_echomen_ablation": (
            ablation.TABLE_2_MAE,
            ablation.TABLE_2_GM,
            ablation.ABLATION_BY_CLASS,
            claims.PARTS,
            claims.PARTS_IN_PARTS,
            ablation.LAMBDA,
            ablation.LABEL_WEIGHTS,
            ablation.LABEL_SCALE,
        ),
    },
)
