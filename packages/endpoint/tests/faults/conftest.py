from osusume_endpoint.testing.faults import application, client, cloud, faults

__all__ = ["application", "client", "cloud", "faults"]
