"""Self-contained web pages: one file, no network, nothing but what is in it.

Read it in this order: `shell` (a page that can be trusted with any text), `backprop` (the page that steps through
backpropagation; `step.html`, its scripts and its style are beside it), `folding` (a drawing whose groups fold).
"""
