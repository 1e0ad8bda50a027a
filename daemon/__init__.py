"""The hospital side: network, files, records, admin; never loads a tensor library.

The path of one C-STORE, each stage once, in this order, nothing calls back:

1. ``scp``      a peer we know sends an image; answered 0x0000 only after
2. ``spool``    file and folder are on disk;
3. ``intake``   indexes it, waits until its series is quiet, classifies it;
4. ``jobs``     rings the doorbell with the Series Instance UID, nothing else crosses;
5. ``workers``  claim the series, screen it, keep the result and its objects;
6. ``scu``      C-STOREs the objects to each peer that should have them.

``records`` is the ledger that all of them write: what is not in it did not happen.
"""
