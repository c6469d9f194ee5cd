"""The one gate out: every connection that Cadence opens to a server opens here.

policy.py says for each kind of connection what is allowed, addresses.py what an address is, gate.py opens
sockets to the very address that was looked at. guarded_http.py, posting.py, narrow_way.py and counted.py are
the ways to speak through it; own_storage.py and own_servers.py lead to what the operator brings.
tests/outbound/test_source.py holds the rest of the code to it.
"""
