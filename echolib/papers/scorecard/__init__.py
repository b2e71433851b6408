"""Every claim of the papers that the study put to the test, gathered from the notebooks' records."""
