"""Asking hosts on the web: addresses that may be asked, what hosts say about crawling and mining, lists of addresses."""
