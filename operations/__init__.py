"""What a person does with a deployed environment: needs the configuration, boto3 and credentials, nothing else."""
