"""Stand-in for Glue's own package: `awsglue.utils` only. GlueContext and Job need classes of Glue's JVM."""
