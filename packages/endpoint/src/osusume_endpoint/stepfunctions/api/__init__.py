"""The operations of the Step Functions API on the records that ministack keeps."""
