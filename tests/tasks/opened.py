"""An experiment's data, network and first batch, as the training loop makes them."""

import torch


def opened(experiment, context):
    """The task's data, a fresh model in training mode, and one batch of four items."""
    datasets = {source.dataset: source.open(context.cache) for source in experiment.data}
    data = experiment.task.load(datasets, {}, context.device)
    torch.manual_seed(0)
    model, _ = experiment.task.build(data, {})
    return data, model.train(), experiment.task.batch(data, torch.arange(4), torch.Generator().manual_seed(0))
