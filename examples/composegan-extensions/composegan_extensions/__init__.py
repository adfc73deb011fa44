"""One extension of each kind: a grouping policy, a data source, a metric, a loss recipe, a generator, a verb."""
