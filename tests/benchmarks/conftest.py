"""The marker of tests that guard a benchmark: `pytest -m benchmark` runs them alone."""


def pytest_configure(config):
    config.addinivalue_line("markers", "benchmark: the same work as a benchmark, checked for equality, not timed")
