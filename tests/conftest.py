"""Fixtures that tests of every room may ask for."""

# real peers: orthanc, dcmtk_storescp, redis_server, postgres_server
pytest_plugins = ["peers"]
