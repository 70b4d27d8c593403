"""Holds the Step Functions emulation against answers of AWS that localstack's repository keeps beside its tests.

`python -m osusume_endpoint.testing.recorded CHECKOUT` runs the checkout's own tests (Apache-2.0) against an endpoint
of ours, with stand-ins for localstack's modules, and compares what they note with what AWS had answered. Nothing of
the checkout is kept.
"""
