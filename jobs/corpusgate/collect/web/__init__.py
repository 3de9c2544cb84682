"""Asking hosts on the web: which addresses may be asked, what hosts say about mining, lists of addresses."""
