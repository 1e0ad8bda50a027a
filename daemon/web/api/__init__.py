"""The JSON interface under /api/: all that the pages do, for programs, with tokens alone.

``document`` puts it together and describes it; ``bearer`` says who may; ``shapes`` what goes in
and out; each other file is a folder of addresses. What is done is done by ``daemon.web.deeds``,
as from a page.
"""
