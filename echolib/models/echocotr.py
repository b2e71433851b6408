"""EchoCoTr (Muhtaseb and Yaqub, MICCAI 2022): EF by UniFormer-S (Li et al., ICLR 2022), convolutions early, attention
late."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from echolib.models.ef_head import EFHead
from echolib.models.width import FULL_WIDTH
from echolib.shapes import Clip, EFColumn, VideoFeatures

DEPTHS = (3, 4, 8, 3)  # blocks per stage: local in the first two, global in the last two
STAGE_WIDTHS = (1, 2, 5, 8)  # channels of the stages over those of the first: 64, 128, 320, 512
HEADS = (5, 8)  # of the global stages: 64 channels each at full width
MLP_RATIO = 4
MIN_SIZE = 32  # pixels of a side: the four embeddings divide it by 32


class EchoCoTr(nn.Module):
    """Clips (batch, 3, time, H, W) -> EF in percent (batch, 1). 21,195,713 parameters at width 64.

    The first embedding halves time and quarters height and width, each further one halves height and width: 36 frames
    of 112 x 112 become 512 x 18 x 3 x 3. Pixels and frames that a division leaves over at an edge are not read. Raises
    ValueError below 32 x 32 pixels, where the last stage would vanish.

    width: channels of the first stage; the number of heads stays and the channels of each are scaled.
    depths: blocks per stage. dropout: in perceptrons and after attention, 0.1 as released.
    drop_path: the rate of skipped branches, rising from 0 at the first block to this.
    mean, ef_scale: of the head (see `EFHead`).
    """

    def __init__(
        self,
        width: int = FULL_WIDTH,
        depths: tuple[int, ...] = DEPTHS,
        dropout: float = 0.1,
        drop_path: float = 0.0,
        mean: float = 55.6,
        ef_scale: float = 1.0,
    ) -> None:
        super().__init__()
        sizes = [width * share for share in STAGE_WIDTHS]
        patches = [((3, 4, 4), (2, 4, 4)), *[((1, 2, 2), (1, 2, 2))] * 3]  # kernel and stride
        self.embeddings = nn.ModuleList(
            PatchEmbedding(inputs, outputs, *patch)
            for inputs, outputs, patch in zip([3, *sizes[:-1]], sizes, patches, strict=True)
        )
        self.dropout = nn.Dropout(dropout)
        rates = [drop_path * block / (sum(depths) - 1) for block in range(sum(depths))]
        self.stages = nn.ModuleList()
        for stage, (size, depth) in enumerate(zip(sizes, depths, strict=True)):
            stage_rates, rates = rates[:depth], rates[depth:]
            blocks = [
                LocalBlock(size, dropout, rate) if stage < 2 else GlobalBlock(size, HEADS[stage - 2], dropout, rate)
                for rate in stage_rates
            ]
            self.stages.append(nn.Sequential(*blocks))
        self.norm = nn.BatchNorm3d(sizes[-1])
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        self.head = EFHead(sizes[-1], mean, ef_scale)

    def forward(self, clips: Clip) -> EFColumn:
        return self.head(self.tokens(clips).mean((2, 3, 4)))

    def tokens(self, clips: Clip) -> VideoFeatures:
        """The last stage's output: (batch, 8 width, time / 2, H / 32, W / 32)."""
        if min(clips.shape[-2:]) < MIN_SIZE:
            raise ValueError(f"clips are at least {MIN_SIZE} pixels high and wide, not {tuple(clips.shape[-2:])}")
        for number, (embed, blocks) in enumerate(zip(self.embeddings, self.stages, strict=True)):
            clips = embed(clips)
            clips = blocks(self.dropout(clips) if number == 0 else clips)
        return self.norm(clips)


class PatchEmbedding(nn.Module):
    """A strided convolution with layer normalisation over channels; a kernel of 3 frames is padded in time."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, padding=(kernel[0] // 2, 0, 0))
        self.norm = nn.LayerNorm(outputs)

    def forward(self, clips: Tensor) -> Tensor:
        return self.norm(self.conv(clips).movedim(1, -1)).movedim(-1, 1)


def _position(size: int) -> nn.Conv3d:
    """The dynamic position embedding: a depthwise 3x3x3 convolution, whose padding tells where the edges are."""
    return nn.Conv3d(size, size, 3, padding=1, groups=size)


class LocalBlock(nn.Module):
    """Position embedding, local relations (1x1x1, depthwise 5x5x5, 1x1x1 convolutions) and a perceptron of 1x1x1
    convolutions, each added to its input; the latter two after batch normalisation."""

    def __init__(self, size: int, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.position = _position(size)
        self.relations = nn.Sequential(
            nn.BatchNorm3d(size),
            nn.Conv3d(size, size, 1),
            nn.Conv3d(size, size, 5, padding=2, groups=size),
            nn.Conv3d(size, size, 1),
        )
        self.perceptron = nn.Sequential(
            nn.BatchNorm3d(size),
            nn.Conv3d(size, MLP_RATIO * size, 1),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Conv3d(MLP_RATIO * size, size, 1),
            nn.Dropout(dropout),
        )
        self.drop_path = StochasticDepth(drop_path, "row")

    def forward(self, clips: Tensor) -> Tensor:
        clips = clips + self.position(clips)
        clips = clips + self.drop_path(self.relations(clips))
        return clips + self.drop_path(self.perceptron(clips))


class GlobalBlock(nn.Module):
    """Position embedding, self-attention over all positions in space and time, and a perceptron, each added to its
    input; the latter two after layer normalisation."""

    def __init__(self, size: int, heads: int, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.position = _position(size)
        self.relations = nn.Sequential(
            nn.LayerNorm(size, eps=1e-6), SelfAttention(size, heads), nn.Linear(size, size), nn.Dropout(dropout)
        )
        self.perceptron = nn.Sequential(
            nn.LayerNorm(size, eps=1e-6),
            nn.Linear(size, MLP_RATIO * size),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(MLP_RATIO * size, size),
            nn.Dropout(dropout),
        )
        self.drop_path = StochasticDepth(drop_path, "row")

    def forward(self, clips: Tensor) -> Tensor:
        clips = clips + self.position(clips)
        tokens = clips.flatten(2).transpose(1, 2)
        tokens = tokens + self.drop_path(self.relations(tokens))
        tokens = tokens + self.drop_path(self.perceptron(tokens))
        return tokens.transpose(1, 2).unflatten(2, clips.shape[2:])


class SelfAttention(nn.Module):
    """Scaled dot-product attention of several heads, before its output projection: (batch, tokens, size) likewise."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(size, 3 * size)

    def forward(self, tokens: Float[Tensor, "batch token size"]) -> Float[Tensor, "batch token size"]:
        joint = self.query_key_value(tokens).unflatten(2, (3, self.heads, -1))
        query, key, value = joint.permute(2, 0, 3, 1, 4)  # (batch, heads, tokens, channels of a head) each
        return F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
