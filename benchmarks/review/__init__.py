"""What the benchmark of the review loop measures: a generated learner, and three programs that hold it."""
