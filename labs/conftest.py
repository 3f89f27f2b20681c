"""`pytest labs/NN_slug` works by itself: the runner's plugin brings the fixtures."""

pytest_plugins = ["labs.runner.checking.plugin"]
