"""The studio: a server on this machine, and the page on which pictures are edited. `page/` is plain JavaScript."""
