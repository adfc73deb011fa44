"""Settings: what there is (schema), where they come from (compose, recipes), what is wrong with them (validate)."""
