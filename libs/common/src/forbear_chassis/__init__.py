"""Process plumbing shared by the three services: no business words in here.

A service's composition root (`__main__.py`) takes its settings from `settings`, its clock from `clock`, its stores from
`postgres` and `redis`, its wire from `rpc` and `http`, its background loops from `worker`, and hands all of it to
`process.Process`, which starts, drains and stops them in order.
"""
