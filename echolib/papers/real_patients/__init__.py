"""What real hearts say about the four papers: 499 patients of CAMUS, cross-validated, EF from the ED and ES frame."""
