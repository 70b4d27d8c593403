version = "1.11.1"  # dbt-redshift's, in whose place this is
