"""Near duplicates: which texts are nearly the same, and which record of a cluster stays."""
