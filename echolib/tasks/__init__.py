"""What is learnt. A task makes a model, batches, a loss and a table of predictions; it knows no paper."""
