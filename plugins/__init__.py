"""The plugins that come with composegan, one package a domain. Installed as `composegan.plugins`."""
