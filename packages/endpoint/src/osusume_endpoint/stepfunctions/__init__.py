"""An interpreter for the Amazon States Language (JSONPath and JSONata).

`definition.validate` refuses what the service refuses, `execution.Execution` runs a definition through boto3
clients, and `plugin.install` puts both behind the Step Functions API of the embedded endpoint.
"""
