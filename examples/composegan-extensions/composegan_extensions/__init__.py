"""One of each extension there is: a grouping policy, a data source, a metric, a loss recipe."""
