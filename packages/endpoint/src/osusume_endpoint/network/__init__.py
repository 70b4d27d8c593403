"""Who reaches whom in a VPC: security groups, routes and endpoints. Shared by the endpoint and by template checks."""
