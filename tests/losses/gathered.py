"""Run by two processes: each has half of a batch; prints the loss and the gradient of its half. RANK STORE"""

import sys

import torch
import torch.distributed as distributed

from echolib.losses.nt_xent import nt_xent
from tests.losses.two_views import two_views

if __name__ == "__main__":
    rank = int(sys.argv[1])
    distributed.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
    z1, z2 = (z[3 * rank : 3 * rank + 3].clone().requires_grad_() for z in two_views())
    loss = nt_xent(z1, z2, temperature=0.2)
    loss.backward()
    torch.save({"loss": loss.detach(), "gradient": z1.grad}, f"{sys.argv[2]}.{rank}")
    distributed.destroy_process_group()
