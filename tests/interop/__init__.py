"""Programs that we did not write, on both sides of netlab's server: its clients, and proxies in front of it.

`witness` is the server, which writes down what it received. `clients` and `proxies` are the two tables.
`judging` asks a client, `relaying` asks a proxy. `page` writes netlab/server/INTEROP.md from the results.
"""
