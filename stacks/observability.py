"""Who is told what: the topic, the alarms and a dashboard."""

from __future__ import annotations

from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from config.settings import Settings
from stacks.parts import guardrails
from stacks.parts.access import own_account
from stacks.parts.alarms import Watched, watched
from stacks.parts.stack import EnvironmentStack


class ObservabilityStack(EnvironmentStack):
    part = "observability"
    needs = ("storage", "serving")

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="Alarms and dashboard")
        key = self.key()
        topic = self._topic(key)
        guards = guardrails.alarms(settings)
        stops = guardrails.VariantStops(self, "VariantStops", alerts=topic, key=key).topic if guards else None
        table = watched(settings, functions=self._all_functions())
        for row in table:
            self._alarm(row, topic)
        for row, _, _ in guards:
            self._alarm(row, stops or topic)
        self._dashboard(table)
        if settings.budget.monthly_usd is not None:
            self._budget()

    def _all_functions(self) -> list[str]:
        """Every function of the stacks made so far: this one is the last."""
        stacks = [child for child in self.node.root.node.children if isinstance(child, EnvironmentStack)]
        return [function for stack in stacks for function in stack.functions]

    def _topic(self, key: kms.IKey) -> sns.Topic:
        topic = sns.Topic(
            self,
            "Alerts",
            topic_name=self.names.topic,
            display_name=f"Alerts of {self.names.prefix}",
            master_key=key,
            enforce_ssl=True,
        )
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Alarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions=own_account(self.settings.account),
            )
        )
        if self.settings.alerts.email:
            topic.add_subscription(subscriptions.EmailSubscription(self.settings.alerts.email))
        return topic

    def _alarm(self, row: Watched, topic: sns.ITopic) -> None:
        alarm = cloudwatch.Alarm(
            self,
            row.name,
            alarm_name=self.names.of(row.slug),
            alarm_description=row.cure,
            metric=row.metric,
            comparison_operator=row.comparison,
            threshold=row.threshold,
            evaluation_periods=row.periods,
            treat_missing_data=row.missing,
            actions_enabled=False if row.from_first_run else None,
        )
        if row.mails:
            alarm.add_alarm_action(actions.SnsAction(topic))

    def _dashboard(self, table: list[Watched]) -> None:
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self.names.prefix)
        graphs = [cloudwatch.GraphWidget(title=row.name, left=[row.metric], width=8) for row in table]
        dashboard.add_widgets(*graphs)

    def _budget(self) -> None:
        """The budget of the account: costs by tag are known only where somebody has activated the tags for billing."""
        budget = self.settings.budget
        told = [self._told("ACTUAL", share) for share in budget.alert_at_percent]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=self.names.prefix,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=budget.monthly_usd or 0, unit="USD"),
            ),
            notifications_with_subscribers=[*told, self._told("FORECASTED", budget.alert_at_percent[-1])],
        )

    def _told(self, kind: str, percent: int) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
        return budgets.CfnBudget.NotificationWithSubscribersProperty(
            notification=budgets.CfnBudget.NotificationProperty(
                notification_type=kind,
                comparison_operator="GREATER_THAN",
                threshold=percent,
                threshold_type="PERCENTAGE",
            ),
            subscribers=[
                budgets.CfnBudget.SubscriberProperty(
                    subscription_type="EMAIL", address=self.settings.budget_email or ""
                )
            ],
        )
