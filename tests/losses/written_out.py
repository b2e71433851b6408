"""Contrastive losses on labels written out as loops in exact enough arithmetic, and embeddings to try them on."""

from math import exp, fsum, log

import torch
import torch.nn.functional as F

LABELS = torch.tensor([20, 20, 41, 55, 55, 55, 63, 80])


def embeddings(count=8, size=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(count, size, dtype=torch.float64, generator=generator), dim=1)


def log_sum(terms):
    """log(sum(exp(terms))) without overflow."""
    top = max(terms)
    return top + log(fsum(exp(term - top) for term in terms))


def written_out(z, labels, temperature, apart, denominator):
    """Eq. 1 and 2, anchor by anchor: the losses of the anchors that contribute."""
    z, labels = z.tolist(), labels.tolist()
    total = []
    for i in range(len(z)):
        positive = [j for j in range(len(z)) if j != i and labels[j] == labels[i]]
        negative = [j for j in range(len(z)) if labels[j] != labels[i]]
        if not positive or (denominator == "negatives" and not negative):
            continue
        s = [fsum(a * b for a, b in zip(z[i], other, strict=True)) / temperature for other in z]
        distances = log_sum([apart(i, k) for k in negative]) if negative else 0
        terms = [log(len(negative)) + apart(i, j) - distances + s[j] for j in negative]
        if denominator == "all":
            terms += [s[p] for p in positive]
        total.append(-fsum(s[p] - log_sum(terms) for p in positive) / len(positive))
    return total
