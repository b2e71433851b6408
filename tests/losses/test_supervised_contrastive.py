"""Contrastive losses against the printed equations, written out as loops in exact enough arithmetic."""

from math import exp, fsum, log

import pytest
import torch
import torch.nn.functional as F

from echolib.losses import bin_labels, ldw_supcon, rank_n_contrast, supcon, supervised_contrastive

LABELS = torch.tensor([20, 20, 41, 55, 55, 55, 63, 80])
TEMPERATURES = (0.05, 0.1, 0.5, 1.0)


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


def by_label(labels, scale, power=1):
    return lambda i, j: (abs(float(labels[i]) - float(labels[j])) / scale) ** power


@pytest.mark.parametrize("denominator", ["negatives", "all"])
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize(("distance", "power"), [("l1", 1), ("l2", 2)])
def test_ldw_supcon_is_the_printed_equation(temperature, distance, power, denominator):
    z = embeddings()
    expected = written_out(z, LABELS, temperature, by_label(LABELS, 100.0, power), denominator)
    options = {"temperature": temperature, "distance": distance, "denominator": denominator}
    assert float(ldw_supcon(z, LABELS, reduction="sum", **options)) == pytest.approx(sum(expected), rel=1e-12)
    mean = sum(expected) / len(expected)
    assert float(ldw_supcon(z, LABELS, reduction="mean", **options)) == pytest.approx(mean, rel=1e-12)
    single = float(ldw_supcon(z.float(), LABELS, reduction="mean", **options))
    assert single == pytest.approx(mean, rel=2e-6)


def test_rank_distance_counts_distinct_labels():
    ranks = LABELS.unique(return_inverse=True)[1].tolist()
    expected = written_out(embeddings(), LABELS, 0.1, lambda i, j: float(abs(ranks[i] - ranks[j])), "negatives")
    found = ldw_supcon(embeddings(), LABELS, distance="rank", reduction="sum")
    assert float(found) == pytest.approx(sum(expected), rel=1e-12)


@pytest.mark.parametrize("scale", [0.02, 1.0])
@pytest.mark.parametrize("denominator", ["negatives", "all"])
def test_label_distances_that_overflow_a_naive_form(scale, denominator):
    assert torch.isinf(torch.tensor((80 - 20) / 0.02).exp())
    z = embeddings().float().requires_grad_()
    expected = written_out(embeddings(), LABELS, 0.05, by_label(LABELS, scale), denominator)
    loss = ldw_supcon(z, LABELS, temperature=0.05, label_scale=scale, denominator=denominator, reduction="sum")
    assert float(loss.detach()) == pytest.approx(sum(expected), rel=1e-4)
    loss.backward()
    assert bool(torch.isfinite(z.grad).all())


@pytest.mark.parametrize("denominator", ["negatives", "all"])
def test_gradients(denominator):
    def loss(raw):
        return ldw_supcon(F.normalize(raw, dim=1), LABELS, denominator=denominator, reduction="sum", label_scale=10)

    raw = embeddings(seed=3).requires_grad_()
    assert torch.autograd.gradcheck(loss, (raw,))
    assert torch.autograd.gradcheck(lambda x: rank_n_contrast(x, LABELS.double()), (raw,))


def test_supcon_is_the_special_case_of_equal_distances():
    labels = torch.tensor([0, 0, 1, 1, 1, 0])  # every negative is equally far: all weights are 1
    z = embeddings(6)
    assert torch.allclose(ldw_supcon(z, labels, denominator="all"), supcon(z, labels), rtol=1e-12)
    expected = written_out(z, labels, 0.1, lambda i, j: 0.0, "all")
    assert float(supcon(z, labels)) == pytest.approx(sum(expected) / 6, rel=1e-12)
    far = ldw_supcon(z, labels, denominator="all", label_scale=1e9)  # distances vanish: SupCon whatever the labels
    assert torch.allclose(far, supcon(z, labels), rtol=1e-6)


def test_a_far_negative_is_pushed_harder_than_a_near_one():
    z = torch.zeros(4, 2, dtype=torch.float64).requires_grad_()
    ldw_supcon(z + torch.tensor([1.0, 0.0]), torch.tensor([50, 50, 55, 20]), label_scale=10, reduction="sum").backward()
    assert float(z.grad[3, 0]) > float(z.grad[2, 0]) > 0


def test_the_order_of_the_batch_does_not_matter():
    order = torch.randperm(len(LABELS), generator=torch.Generator().manual_seed(1))
    z = embeddings()
    for loss in (ldw_supcon, supcon, rank_n_contrast):
        labels = LABELS.double() if loss is rank_n_contrast else LABELS
        assert torch.allclose(loss(z[order], labels[order]), loss(z, labels), rtol=1e-12)


def test_anchors_without_positives_or_negatives_contribute_nothing():
    z = embeddings(4).requires_grad_()
    for labels in (torch.arange(4), torch.zeros(4, dtype=torch.long)):
        loss = ldw_supcon(z, labels)
        loss.backward()
        assert float(loss.detach()) == 0 and bool((z.grad == 0).all())
    some = torch.tensor([7, 7, 8, 9])
    pair = written_out(z.detach(), some, 0.1, by_label(some, 100.0), "negatives")
    found = ldw_supcon(z.detach(), some, reduction="sum")
    assert len(pair) == 2 and float(found) == pytest.approx(sum(pair), rel=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_rank_n_contrast_written_out(temperature):
    y = [31.0, 55.5, 55.5, 60.0, 12.0]
    z = embeddings(5) * 3
    total = []
    for i in range(5):
        s = [-float((z[i] - z[k]).norm()) / temperature for k in range(5)]
        for j in range(5):
            if j != i:
                farther = [k for k in range(5) if k != i and abs(y[i] - y[k]) >= abs(y[i] - y[j])]
                total.append(-(s[j] - log_sum([s[k] for k in farther])))
    found = rank_n_contrast(z, torch.tensor(y, dtype=torch.float64), temperature=temperature)
    assert float(found) == pytest.approx(sum(total) / len(total), rel=1e-10)


def test_rank_n_contrast_of_nearly_equal_views_in_float32():
    # more than 25 rows, far from the origin: where distances by matrix product cancel
    generator = torch.Generator().manual_seed(2)
    clip = 10 * torch.randn(1, 64, generator=generator) + 0.05 * torch.randn(20, 64, generator=generator)
    views = torch.cat([clip, clip + 5e-4 * torch.randn(20, 64, generator=generator)])
    ef = torch.linspace(20, 75, 20).repeat(2)
    single, double = views.clone().requires_grad_(), views.double().requires_grad_()
    loss, exact = rank_n_contrast(single, ef), rank_n_contrast(double, ef.double())
    loss.backward()
    exact.backward()
    assert float(loss.detach()) == pytest.approx(float(exact.detach()), rel=1e-6)
    torch.testing.assert_close(single.grad.double(), double.grad, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("loss", [ldw_supcon, supcon])
def test_autocast_does_not_coarsen_similarities(loss):
    near = F.normalize(torch.ones(1, 5) + 0.05 * embeddings().float(), dim=1)  # cosines that bf16 rounds to 1
    plain, cast = near.clone().requires_grad_(), near.clone().requires_grad_()
    loss(plain, LABELS, temperature=0.05).backward()
    with torch.autocast("cpu", torch.bfloat16):
        similarity = supervised_contrastive._pairs(cast, LABELS, 0.05)[0]
        value = loss(cast, LABELS, temperature=0.05)
    value.float().backward()
    assert similarity.dtype == torch.float32
    torch.testing.assert_close(similarity, near @ near.T / 0.05)
    torch.testing.assert_close(cast.grad, plain.grad, rtol=0.02, atol=1e-3)  # the CPU's log-sums are still cast


def test_labels_are_binned():
    ef = torch.tensor([54.99, 55.0, 55.9, 0.0])
    assert bin_labels(ef).tolist() == [54, 55, 55, 0]
    assert bin_labels(torch.tensor([55.01, 55.04, 55.06]), 0.05).tolist() == [1100, 1100, 1101]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distance": "cosine"}, "distance is"),
        ({"denominator": "positives"}, "denominator is"),
        ({"reduction": "max"}, "reduction is"),
        ({"temperature": 0.0}, "temperature is positive"),
        ({"label_scale": 0.0}, "label_scale is positive"),
        ({"labels": LABELS[:3]}, r"labels \(N,\)"),
    ],
)
def test_wrong_options_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        ldw_supcon(**({"embeddings": embeddings(), "labels": LABELS} | change))
    with pytest.raises(ValueError, match="width"):
        bin_labels(torch.zeros(2), 0)
