"""The ledger: what arrived, what was decided and why, what was sent where.

``tables`` says what is kept, ``ledger`` opens the database; each other file holds the changes of
one stage. Every change of state is one conditional update: whoever comes second changes nothing.
"""
