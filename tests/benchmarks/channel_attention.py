"""Temporal channel-wise attention: this module against the plain one, and what it adds to a step of R(2+1)D-18.

    python tests/benchmarks/channel_attention.py [threads]

Prints the median milliseconds, forward and backward, alternating, of TCA at 2 x 128 x 16 x 28 x 28 beside a module that
pools in three dimensions before it averages, in both memory layouts; then of a training step of R(2+1)D-18 on two
clips of 16 frames at 56 x 56 pixels, with and without TCA after its four stages. On a CUDA device both TCA modules are
compiled too.
"""

import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echolib.models import TCA, ef_regressor
from echolib.models.channel_attention import insert_attention

SHAPE = (2, 128, 16, 28, 28)
REPEATS = 7


class Pooled(nn.Module):
    """Eq. 1 and 2 as they read: pool over time at full resolution, then average over space. Shares a TCA's weights."""

    def __init__(self, attention: TCA) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        window = self.attention.window
        size = {"kernel_size": (window, 1, 1), "stride": 1, "padding": (window // 2, 0, 0)}
        highest = F.max_pool3d(x, **size).mean((3, 4))
        mean = F.avg_pool3d(x, **size, count_include_pad=False).mean((3, 4))
        hidden = torch.relu(self.attention.reduce(highest - mean))
        gate = torch.sigmoid(self.attention.expand(hidden))
        return x * gate[..., None, None] + x


def milliseconds(modules: dict[str, nn.Module], x: Tensor) -> dict[str, float]:
    """Median of forward and backward of each module; the modules alternate."""
    spent: dict[str, list[float]] = {name: [] for name in modules}
    for _ in range(REPEATS + 1):  # the first round warms up
        for name, module in modules.items():
            begin = time.perf_counter()
            module(x).square().mean().backward()
            if x.is_cuda:
                torch.cuda.synchronize()
            spent[name].append(time.perf_counter() - begin)
    return {name: 1e3 * statistics.median(seconds[1:]) for name, seconds in spent.items()}


def modules_compared(device: str) -> None:
    """Prints the module beside the plain one."""
    torch.manual_seed(0)
    ours = TCA(SHAPE[1]).to(device)
    modules: dict[str, nn.Module] = {"pooled in 3-D": Pooled(ours), "TCA": ours}
    if device == "cuda":
        modules |= {f"{name}, compiled": torch.compile(module) for name, module in modules.items()}
    for layout in (torch.contiguous_format, torch.channels_last_3d):
        x = torch.randn(SHAPE, device=device).relu().to(memory_format=layout).requires_grad_()
        times = milliseconds(modules, x)
        listed = ", ".join(f"{name} {time_ms:.1f} ms" for name, time_ms in times.items())
        print(f"{str(layout).removeprefix('torch.')}: {listed}; {times['pooled in 3-D'] / times['TCA']:.1f} times")


def step_compared(device: str) -> None:
    """Prints a step of the network with and without TCA."""
    torch.manual_seed(0)
    plain, attended = (ef_regressor("r2plus1d_18").to(device) for _ in range(2))
    insert_attention(attended, TCA)
    clips = torch.randn(2, 3, 16, 56, 56, device=device)
    times = milliseconds({"plain": plain, "with TCA": attended.to(device)}, clips)
    added = times["with TCA"] / times["plain"] - 1
    print(
        f"R(2+1)D-18, a step of two clips: {times['plain']:.0f} ms, with TCA {times['with TCA']:.0f} ms ({added:+.0%})"
    )


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else torch.get_num_threads())
    where = "cuda" if torch.cuda.is_available() else "cpu"
    modules_compared(where)
    step_compared(where)
