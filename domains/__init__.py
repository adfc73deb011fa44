"""The domains that come with composegan, one YAML each; data only. Installed as `composegan.domain_files`."""
