"""Shapes of the arrays and tensors at the package's edges, by name: `Clip` is Float[Tensor, "batch channel time
height width"].

Within one call a dimension of the same name has the same size. The tests check them at run time; elsewhere they are
documentation and cost nothing. In this module only dimensions' names are strings, never a whole annotation, so that
they can be checked.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Int64, Integer, Real, Shaped
from torch import Tensor

# --- torch: what networks read and give ------------------------------------------------------------------------------

Clip = Float[Tensor, "batch channel time height width"]
Images = Float[Tensor, "batch channel height width"]
Features = Float[Tensor, "batch feature"]
Embeddings = Float[Tensor, "batch embedding"]
VideoFeatures = Float[Tensor, "batch feature step row column"]  # within a video encoder
ChannelGate = Float[Tensor, "batch feature step"]
FrameEmbeddings = Float[Tensor, "batch frame feature"]
MaskLogits = Float[Tensor, "batch structure height width"]
KeypointMaps = Float[Tensor, "batch keypoint map_height map_width"]
AnchorOutputs = Float[Tensor, "batch anchor"]  # one number per interval of EF
EFColumn = Float[Tensor, "batch 1"]  # percent
ExpertOutputs = Float[Tensor, "batch expert"]
FramePhases = Float[Tensor, "batch frame"]  # 1 at end diastole, -1 at end systole

# --- torch: batches of the tasks -------------------------------------------------------------------------------------

Items = Int64[Tensor, "batch"]  # numbers of the items in a batch
VideoLabels = Float[Tensor, "video"]  # one number per video of a dataset
ClipViews = Float[Tensor, "2*batch channel time height width"]  # the second views after the first
ViewPairs = Float[Tensor, "2 batch channel height width"]

# --- torch: losses ---------------------------------------------------------------------------------------------------

Scalar = Float[Tensor, ""]
EFPercent = Float[Tensor, "batch"]
Labels = Real[Tensor, "batch"]
LabelWeights = Float[Tensor, "batch"]
LabelCounts = Float[Tensor, "bin"]
PairValues = Float[Tensor, "batch batch"]  # row i: sample i against every other
PairMask = Bool[Tensor, "batch batch"]
MaskTargets = Shaped[Tensor, "batch structure height width"]  # true or 1 inside

# --- torch: points and heat maps -------------------------------------------------------------------------------------

PointTensor = Float[Tensor, "*batch 2"]  # x, y in cells or pixels
HeatMaps = Float[Tensor, "*batch height width"]

# --- NumPy: geometry and metrics; `*batch` stands for any leading axes, `#` lets an axis broadcast -------------------

Array = Shaped[np.ndarray, "..."]
Quantity = Real[np.ndarray | np.floating | np.integer | float | int, "*#batch"]  # a number or an array of them
ItemValues = Real[np.ndarray, "*#batch items"]  # one number per item: a label, a prediction, a score
ItemQuantity = Real[np.ndarray, "*#batch #items"] | float | int  # one number per item, or one for all
ItemFlags = Bool[np.ndarray, "*#batch items"]
ItemGroups = Shaped[np.ndarray, "items"]  # the patient of each item, by any name or number
ItemVector = Real[np.ndarray, "items"]
SeedValues = Real[np.ndarray, "items"] | Real[np.ndarray, "_ items"]  # predictions of one seed or of several
Statistic = Float[np.ndarray | np.floating, "*batch"]  # what is left of items whose last axis was reduced
SeedScores = Float[np.ndarray, "_"] | Float[np.ndarray, "_ resamples"]  # a statistic of each seed, resampled or not
Resampled = Float[np.ndarray, "*batch resamples"]
Probabilities = Float[np.ndarray, "items"]
Levels = Float[np.ndarray, "levels"]
ClassNames = Shaped[np.ndarray, "*batch"]  # strings

MaskArray = Bool[np.ndarray, "height width"]  # true inside
MaskArrays = Bool[np.ndarray, "*batch height width"]
ImageMasks = Bool[np.ndarray, "images height width"]
StructureMasks = Bool[np.ndarray, "images structures height width"]
MaskCounts = Integer[np.ndarray | np.integer, "*batch"]

SpacingMm = tuple[float | int, float | int] | Real[np.ndarray, "2"]  # size of a pixel: row, column
SpacingsMm = Real[np.ndarray, "images 2"]
Outline = Float[np.ndarray, "vertices 2"]  # x, y in pixels
Tracing = Real[np.ndarray, "rows 4"]  # x1, y1, x2, y2 in pixels: the long axis, then chords
Tracings = Real[np.ndarray, "*batch rows 4"]
Points = Real[np.ndarray, "*#batch points 2"]  # x, y in pixels
PointErrors = Float[np.ndarray, "*batch points"]
ImagePoints = Float[np.ndarray, "images points 2"]

Curve = Real[np.ndarray, "frames"]  # one number per frame
FrameNumbers = Integer[np.ndarray, "beats"]
ClipStarts = Integer[np.ndarray, "clips"]
FramePairs = Int[np.ndarray, "beats 2"]

# --- NumPy and torch alike -------------------------------------------------------------------------------------------

AnyQuantity = Real[Any, "*#batch"] | float | int
AnyWallPoints = Real[Any, "*#batch 4 2"]
AnyMasks = Shaped[Any, "*batch height width"]  # true (or not 0) inside
AnyTrainingMasks = Shaped[Any, "training *structures height width"]
AnyImageMasks = Shaped[Any, "images *structures height width"]
AnyCounts = Real[Any, "*#batch"]  # of pixels
AnyImageCounts = Real[Any, "*batch images"]
AnyStatistic = Float[Any, "*batch"]
