"""`composegan new`: a package of one's own for a domain, ready to install. What it is made from is in template/."""
