"""The site: what a PACS administrator, a radiologist or a researcher sees in a browser.

Its own process, on the ledger as it stands: nothing else notices whether it runs. ``app`` puts it
together; ``guard`` says who may; each page is a file with its routes. No script is ever sent.
"""
