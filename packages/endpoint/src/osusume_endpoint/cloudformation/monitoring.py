"""Alarms and budgets that ministack's APIs keep but its CloudFormation can't make."""

from __future__ import annotations

from typing import Any

from osusume_endpoint import endpoint as endpoints

Created = tuple[str, dict[str, Any]]


def put_composite_alarm(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
    name = properties.get("AlarmName") or f"{stack}-{logical_id}"
    endpoint = endpoints.current()
    endpoint.client("cloudwatch").put_composite_alarm(**{**properties, "AlarmName": name})
    return name, {"Arn": f"arn:aws:cloudwatch:{endpoint.region}:{endpoint.account}:alarm:{name}"}


def update_composite_alarm(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Created:
    return put_composite_alarm(physical_id, {**new, "AlarmName": physical_id}, stack)


def delete_composite_alarm(physical_id: str, properties: dict[str, Any]) -> None:
    endpoints.current().client("cloudwatch").delete_alarms(AlarmNames=[physical_id])


def create_budget(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
    endpoint = endpoints.current()
    budget = dict(properties["Budget"])
    budget.setdefault("BudgetName", f"{stack}-{logical_id}")
    if "BudgetLimit" in budget:
        budget["BudgetLimit"] = {**budget["BudgetLimit"], "Amount": str(budget["BudgetLimit"]["Amount"])}
    endpoint.client("budgets").create_budget(
        AccountId=endpoint.account,
        Budget=budget,
        NotificationsWithSubscribers=properties.get("NotificationsWithSubscribers", []),
    )
    return budget["BudgetName"], {}


def delete_budget(physical_id: str, properties: dict[str, Any]) -> None:
    endpoint = endpoints.current()
    endpoint.client("budgets").delete_budget(AccountId=endpoint.account, BudgetName=physical_id)


def update_budget(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Created:
    delete_budget(physical_id, old)
    return create_budget(physical_id, {**new, "Budget": {**new["Budget"], "BudgetName": physical_id}}, stack)


HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::CloudWatch::CompositeAlarm": {
        "create": put_composite_alarm,
        "update": update_composite_alarm,
        "delete": delete_composite_alarm,
        "replace_on": ["AlarmName"],
    },
    "AWS::Budgets::Budget": {"create": create_budget, "update": update_budget, "delete": delete_budget},
}
