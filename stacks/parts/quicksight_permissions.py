"""Actions that QuickSight takes as one permission: it refuses any other set of them.

Source: QuickSight user guide, "IAM policy examples", and the API reference's Create<kind> examples ("owner" and
"viewer" of each kind of asset).
"""

from __future__ import annotations

from collections.abc import Mapping

_READ_SOURCE = ("DescribeDataSource", "DescribeDataSourcePermissions", "PassDataSource")
_READ_SET = (
    "DescribeDataSet",
    "DescribeDataSetPermissions",
    "PassDataSet",
    "DescribeIngestion",
    "ListIngestions",
)
_READ_DASHBOARD = ("DescribeDashboard", "ListDashboardVersions", "QueryDashboard")
_READ_THEME = ("DescribeTheme", "DescribeThemeAlias", "ListThemeAliases", "ListThemeVersions")


def _actions(*names: str) -> tuple[str, ...]:
    return tuple(f"quicksight:{name}" for name in names)


OWNER: Mapping[str, tuple[str, ...]] = {
    "DataSource": _actions(
        *_READ_SOURCE, "UpdateDataSource", "DeleteDataSource", "UpdateDataSourcePermissions"
    ),
    "DataSet": _actions(
        *_READ_SET,
        "UpdateDataSet",
        "DeleteDataSet",
        "CreateIngestion",
        "CancelIngestion",
        "UpdateDataSetPermissions",
    ),
    "Theme": _actions(
        *_READ_THEME,
        "CreateThemeAlias",
        "DeleteTheme",
        "DeleteThemeAlias",
        "DescribeThemePermissions",
        "UpdateTheme",
        "UpdateThemeAlias",
        "UpdateThemePermissions",
    ),
    "Folder": _actions(
        "CreateFolder",
        "DescribeFolder",
        "UpdateFolder",
        "DeleteFolder",
        "CreateFolderMembership",
        "DeleteFolderMembership",
        "DescribeFolderPermissions",
        "UpdateFolderPermissions",
    ),
    "Analysis": _actions(
        "RestoreAnalysis",
        "UpdateAnalysisPermissions",
        "DeleteAnalysis",
        "DescribeAnalysisPermissions",
        "QueryAnalysis",
        "DescribeAnalysis",
        "UpdateAnalysis",
    ),
    "Dashboard": _actions(
        *_READ_DASHBOARD,
        "UpdateDashboard",
        "DeleteDashboard",
        "DescribeDashboardPermissions",
        "UpdateDashboardPermissions",
        "UpdateDashboardPublishedVersion",
    ),
}
VIEWER: Mapping[str, tuple[str, ...]] = {
    "Dashboard": _actions(*_READ_DASHBOARD),
    "Folder": _actions("DescribeFolder"),
    "Theme": _actions(*_READ_THEME),
}
