"""The door of the endpoint: what a request must be before ministack, or a plug-in, sees any of it.

In this order: a Host of this machine (hosts), no page of somebody else's (browsers), no administration path
(destinations), a signature that holds (signatures, identities) for the service and region called (scopes). What
AWS answers without a signature is listed in `unsigned`; everything else is refused.
"""
